"""A request of a municipality counts only where that municipality signed it, and says which months are still to be said."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from provider_profiles import admission
from three_roots import pinned, two_of

from deploy.certificates import Authority
from producers import command_tables, joining
from producers.command_frame import Chosen, out
from producers.profile import Profile
from producers.requests import Requests
from schemas import codec
from schemas.care import Stream
from schemas.directory import Entry, sign_entry
from schemas.errors import Refused, SettingsWrong
from schemas.requests import DataRequest, runs, signed_request, verified_request
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey
from schemas.values import Month, SenderId

US, OTHER = SenderId("p98000001"), SenderId("p98000002")
ASKED = DataRequest(
    municipality=9901, first_month=Month(2025, 1), last_month=Month(2025, 12), streams=(Stream.WMO, Stream.JEUGDWET),
    providers=(US, OTHER), why="oefenen", ground="jeugdwet-7.4", by=dt.date(2026, 2, 1),
)  # fmt: skip
ROOT, HERS = SigningKey.generate(), SigningKey.generate()


def entry(name: str = "gm9901", key: SigningKey = HERS, root: SigningKey = ROOT) -> bytes:
    return sign_entry(two_of(root), Entry("sender", name, "s1", "signing", verify_key_of(key), valid_from=0))


def test_a_signed_request_is_read_back_and_asking_twice_is_asking_once() -> None:
    data = signed_request(ASKED, entry=entry(), signing=HERS)
    found = verified_request(pinned(ROOT), data)
    assert found == ASKED
    assert found.id == ASKED.id != dataclasses.replace(ASKED, providers=(US,)).id
    assert codec.decode("data_request", ASKED.encoded())["request"] == ASKED.id


@pytest.mark.parametrize(
    "forged",
    [
        lambda: signed_request(ASKED, entry=entry("gm9902"), signing=HERS),
        lambda: signed_request(ASKED, entry=entry("p98000001"), signing=HERS),
        lambda: signed_request(ASKED, entry=entry(root=SigningKey.generate()), signing=HERS),
        lambda: signed_request(ASKED, entry=entry(), signing=SigningKey.generate()),
        lambda: codec.encode(
            "signed_request",
            codec.decode("signed_request", signed_request(ASKED, entry=entry(), signing=HERS))
            | {"payload": dataclasses.replace(ASKED, why="iets anders").encoded()},
        ),
    ],
    ids=["of a neighbour", "of a provider", "of another root", "another key", "changed afterwards"],
)
def test_a_request_that_is_not_hers_is_refused(forged: Callable[[], bytes]) -> None:
    with pytest.raises(Refused) as refused:
        verified_request(pinned(ROOT), forged())
    assert refused.value.code == "signature"


@pytest.mark.parametrize(
    "change",
    [
        {"streams": ["unknown"]}, {"streams": []}, {"providers": ["gm9901"]}, {"providers": ["x"]}, {"providers": []},
        {"last_month": 1}, {"by": 2**30},
    ],
)  # fmt: skip
def test_a_signed_request_that_can_not_be_met_is_refused_without_a_trace(change: dict) -> None:
    datum = codec.decode("data_request", ASKED.encoded()) | change
    with pytest.raises(Refused) as refused:
        DataRequest.decode(codec.encode("data_request", datum))
    assert refused.value.code == "unreadable"


def test_runs_of_months() -> None:
    months = [Month(2025, m) for m in (12, 1, 2, 5)]
    assert [(str(a), str(b)) for a, b in runs([*months, Month(2026, 1)])] == [
        ("2025-01", "2025-02"), ("2025-05", "2025-05"), ("2025-12", "2026-01")
    ]  # fmt: skip
    assert runs([]) == []


def shown(asked: Requests, sender: SenderId, said: set[tuple[int, str, int]], *, lang: str) -> str:
    Chosen.lang = lang
    try:
        with out.capture() as captured:
            command_tables.show_requests(asked, sender, said=said)
    finally:
        Chosen.lang = "nl"
    return captured.get()


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        ("nl", ["GM9901 vraagt wmo, jeugdwet van 2025-01 tot en met 2025-12, vóór 01-02-2026.", "Waarom: oefenen (jeugdwet-7.4)",
                "wmo: 2 van 12 maanden gemeld; nog te melden: 2025-02, 2025-04 t/m 2025-12", "jeugdwet: alles is gemeld"]),
        ("en", ["GM9901 asks for wmo, jeugdwet", "still to be said: 2025-02, 2025-04 to 2025-12", "jeugdwet: all is said"]),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_provider_and_what_is_still_to_be_said(lang: str, expected: list[str]) -> None:
    first = Month(2025, 1).index
    said = {(9901, "wmo", first), (9901, "wmo", first + 2), (9902, "wmo", first + 1)}
    said |= {(9901, "jeugdwet", first + n) for n in range(12)}
    text = shown(Requests({"a": ASKED}), US, said, lang=lang)
    for line in expected:
        assert line in text


def test_what_is_asked_of_others_is_not_shown_and_what_is_not_proved_is_counted() -> None:
    others = dataclasses.replace(ASKED, providers=(OTHER,))
    text = shown(Requests({"a": others}, refused=2), US, set(), lang="nl")
    assert "Er wordt u niets gevraagd." in text
    assert "2 verzoeken zijn niet getoond" in text
    assert "GM9901" not in text


def test_a_profile_shows_its_own_entry_as_the_root_signed_it(tmp_path: Path) -> None:
    folder, root = tmp_path / "gm", SigningKey.generate()
    request = joining.read_request(joining.join(folder, sender=SenderId("gm9901"), name="Testgemeente").read_bytes())
    own = Entry("sender", "gm9901", joining.signing_key_id(request.signing_public_key), "signing", request.signing_public_key,
                valid_from=0)  # fmt: skip
    joining.accept(folder, admission(request, root, Authority(tmp_path / "root"), [own]))
    profile = Profile.load(folder)
    data = signed_request(ASKED, entry=profile.own_entry(), signing=profile.signing_key())
    assert verified_request(pinned(root), data) == ASKED
    with pytest.raises(SettingsWrong, match="does not name its own signing key"):
        dataclasses.replace(profile, signing_key_id="s-other").own_entry()
