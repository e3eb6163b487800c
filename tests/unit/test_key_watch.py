"""What Prometheus is told of keys: per kind the first day on which one should turn; nobody's name, no id."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from deploy import key_watch, preflight
from deploy.key_list import KeyLine
from deploy.key_watch import KeyMetrics, KeyWatch
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from schemas.errors import ContractBroken, Refused, SettingsWrong, Unavailable

DAY, NOW = dt.date(2025, 6, 1), dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)


def line(what: str, holder: str, due: dt.date | None, key_id: str = "k-1234") -> KeyLine:
    return KeyLine(what, holder, key_id, "active", DAY, due)


def shown(metrics: KeyMetrics, kind: str) -> float | None:
    return metrics.registry.get_sample_value("zorgstroom_key_due_timestamp_seconds", {"kind": kind})


def at(day: dt.date) -> float:
    return dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()


def test_the_first_of_a_kind_counts_and_what_never_turns_is_not_shown() -> None:
    metrics, week = KeyMetrics(), dt.timedelta(days=7)
    metrics.show([
        line("section", "keyvault", DAY + week), line("section", "keyvault", DAY), line("placement", "keyvault", None),
        line("p98000001 signing", "sender", DAY + week), line("certificate of caseworker-gm9901-1", "caseworker-gm9901-1", DAY + 2 * week),
        line("operator anne", "operator", DAY), line("grantor-gm9901-anne signing", "grantor", DAY + week), line("officer-anne signing", "officer", DAY),
    ], now=NOW)  # fmt: skip
    assert shown(metrics, "section") == at(DAY)
    assert shown(metrics, "placement") is None
    assert (shown(metrics, "sender signing"), shown(metrics, "certificate")) == (at(DAY + week), at(DAY + 2 * week))
    text = generate_latest(metrics.registry).decode()
    for private in ("p98000001", "anne", "caseworker", "k-1234"):
        assert private not in text
    assert (shown(metrics, "grantor signing"), shown(metrics, "officer signing")) == (at(DAY + week), at(DAY))
    metrics.show([line("section", "keyvault", DAY + 9 * week)], now=NOW)
    assert shown(metrics, "section") == at(DAY + 9 * week), "after a turn the old day is gone"
    assert shown(metrics, "certificate") is None


def test_a_key_is_overdue_after_its_day() -> None:
    assert not line("section", "keyvault", DAY).overdue(DAY)
    assert line("section", "keyvault", DAY).overdue(DAY + dt.timedelta(days=1))
    assert not line("cache", "intake", None).overdue(dt.date(2999, 1, 1))


BROKEN = (
    Unavailable("away"),
    SettingsWrong("unreadable"),
    Refused("schema", "no"),
    ContractBroken("no"),
    PermissionError("no"),
    ValueError("no"),
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda e: type(e).__name__)
def test_whatever_cant_be_read_it_looks_again_and_when_it_last_saw_all_is_told(
    broken: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [broken, broken, [line("section", "keyvault", DAY)], broken]

    def looked(_: Zone) -> list[KeyLine]:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        listed.append(watch.metrics.registry.get_sample_value("zorgstroom_keys_listed_timestamp_seconds"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    listed: list[float | None] = []
    monkeypatch.setattr(key_watch, "keys_of", looked)
    watch = KeyWatch(Zone(ZoneFolder(tmp_path)), every_seconds=0.01, again_seconds=0.01)
    watch.start(preflight.steady_port())
    try:
        until = time.monotonic() + 5
        while len(listed) < 6:
            assert time.monotonic() < until, f"after {len(listed)} looks nobody looks any more"
            time.sleep(0.01)
    finally:
        watch.stop()
    assert shown(watch.metrics, "section") == at(DAY)
    assert listed[0] == listed[1] == listed[2], "what could not be read does not count as looked at"
    assert (listed[3] or 0) > (listed[2] or 0)
    assert listed[3] == listed[4] == listed[5]
