"""What a municipality keeps of retention periods on its machine: counts without persons, the decision of two, what is held back. No servers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from erasure_builders import SIGNERS
from retention_builders import PREVIEW, SINCE, a_notice
from rich.console import Console

from deploy import retention_commands
from deploy.retention_watch import RetentionWatch
from producers.municipal_mandates import Grantor
from producers.municipal_retention import Retention, last_day
from producers.retention_heard import Told
from schemas.errors import Refused, SettingsWrong
from schemas.retention import Notice, request_of
from schemas.secret_file import write_private
from schemas.values import SenderId, day_of

ON = dt.date(2026, 12, 1)
ANNE, BART, _ = SIGNERS


def told(*persons: bytes, **changes: Any) -> Told:
    made = {request_of(p).hex(): a_notice(p, **changes) for p in persons}
    return Told({r: (data, Notice.read(data)) for r, data in made.items()})


def people(count: int) -> list[bytes]:
    return [bytes([n + 1]) * 16 for n in range(count)]


@pytest.fixture
def here(tmp_path: Path) -> Retention:
    profile: Any = SimpleNamespace(folder=tmp_path, sender=SenderId("gm9901"))
    return Retention.of(profile)


def grantor(here: Retention, name: str) -> Grantor:
    folder = here.profile.folder / name
    write_private(folder / "signing.key", SIGNERS[name].reveal())
    return Grantor(name, folder)


def shown(here: Retention, found: Told, monkeypatch: pytest.MonkeyPatch) -> str:
    console = Console(record=True, width=120)
    monkeypatch.setattr(retention_commands, "out", console)
    retention_commands.show(found, here)
    return console.export_text()


def test_a_preview_counts_per_law_and_year_and_small_counts_are_not_told(
    here: Retention, monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = told(*people(9), laws=(("wmo", 2011),)), told(*people(12), laws=(("jeugdwet", 2005), ("wmo", 2003)))
    text = shown(here, Told({**few.notices, **{r + "0": n for r, n in many.notices.items()}}), monkeypatch)
    assert "wmo                      2011  fewer than 10" in text
    assert "jeugdwet + wmo           2005  12" in text
    assert "9 " not in text
    assert not any(request in text for request in few.notices)
    assert "Nobody's retention period has passed" in shown(here, told(), monkeypatch)


def test_two_sign_the_same_standing_decision_and_it_is_in_force_on_its_days(here: Retention) -> None:
    first, end = grantor(here, ANNE), ON + dt.timedelta(days=100)
    standing, names = here.sign(first, until=end, on=ON)
    assert (names, here.in_force(ON)) == ((ANNE,), None)
    assert here.sign(first, until=end, on=ON)[1] == (ANNE,)
    with pytest.raises(Refused, match="two sign the same"):
        here.sign(grantor(here, BART), until=end - dt.timedelta(days=1), on=ON)
    again, names = here.sign(grantor(here, BART), until=end, on=ON + dt.timedelta(days=1))
    assert (again, names) == (standing, (ANNE, BART))
    assert [here.in_force(d) is not None for d in (ON - dt.timedelta(days=1), ON, end, end + dt.timedelta(days=1))] == [
        False,
        True,
        True,
        False,
    ]
    later, names = here.sign(first, until=last_day(end), on=end)
    assert (later.id != standing.id, names) == (True, (ANNE,)), "a complete one is not signed again: a new one begins"
    assert here.in_force(end) is not None, "and the one before counts on until a second signs"
    here.sign(grantor(here, BART), until=last_day(end), on=end)
    assert here.in_force(last_day(end)) is not None
    assert here.waiting(end) is None


def test_one_that_would_hold_more_than_a_year_is_not_signed(here: Retention) -> None:
    with pytest.raises(Refused, match="366"):
        here.sign(grantor(here, ANNE), until=last_day(ON) + dt.timedelta(days=1), on=ON)
    assert (here.waiting(ON), here.in_force(ON)) == (None, None)


def test_what_is_held_back_and_what_nobody_could_look_at_long_enough_is_not_ripe(here: Retention) -> None:
    one, other, third = people(3)
    found = told(one, other, third)
    assert here.ripe(found) == [], "not announced"
    here._write(
        "told", {request_of(p).hex(): str(day_of(SINCE + later)) for p, later in ((one, 0), (other, 1), (third, 2))}
    )
    assert here.ripe(found) == [request_of(p).hex() for p in (one, other)]
    assert here.ripe(told(one, checked_on=SINCE + PREVIEW - 1)) == []
    here.keep(found, request_of(one).hex()[:6], "legal-claim")
    assert here.ripe(found) == [request_of(other).hex()]
    assert found.counts(here.kept()) == [("jeugdwet", 2005, 2)]
    with pytest.raises(Refused):
        here.keep(found, request_of(one).hex(), "because")
    with pytest.raises(SettingsWrong):
        here.let_go(request_of(other).hex())
    here.let_go(request_of(one).hex()[:6])
    assert here.ripe(found) == [request_of(p).hex() for p in (one, other)]
    with pytest.raises(SettingsWrong):
        here.keep(found, "", "legal-claim")


def test_nothing_is_sent_without_a_decision_in_force(here: Retention) -> None:
    found = told(*people(1))
    with pytest.raises(Refused) as refused:
        here.erase(found, list(found.notices), ON)
    assert refused.value.code == "retention-decision"


def test_a_zone_whose_municipality_has_its_tool_elsewhere_does_nothing_by_itself(tmp_path: Path) -> None:
    lines: list[str] = []
    zone: Any = SimpleNamespace(folder=SimpleNamespace(path=tmp_path, settings=lambda: {"municipalities": [9901]}))
    watch = RetentionWatch(zone, lines.append)
    watch.look(ON)
    watch.stop()
    assert lines == []
