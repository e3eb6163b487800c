"""Making a joint key without a dealer and handing it on: what holds, what does not, who hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from officer_builders import BSN, NAMES, OfficersInMemory

from deploy.officer_admission import planned
from keyvault import group
from keyvault.officers import sharing
from keyvault.officers.ceremony import CONFIRM, DEAL, PROMISE, Ceremony, signed_message
from keyvault.officers.tool import OfficerTool
from schemas.errors import Refused, SettingsWrong
from schemas.sealing import seal_to

PERSON = b"p" * 16


@pytest.fixture
def network(tmp_path: Path) -> OfficersInMemory:
    return OfficersInMemory(tmp_path)


@contextmanager
def lying(tool: OfficerTool, round_: str, change: dict[str, Any]) -> Iterator[None]:
    """What this officer says in one round is changed on its way out, and signed by the officer."""
    before = type(tool)._say

    def say(self: OfficerTool, ceremony: bytes, said: str, fields: dict[str, Any]) -> None:
        before(self, ceremony, said, fields | change if (said, self) == (round_, tool) else fields)

    type(tool)._say = say  # type: ignore[method-assign]
    try:
        yield
    finally:
        type(tool)._say = before  # type: ignore[method-assign]


def test_three_officers_make_a_key_that_none_of_them_has(network: OfficersInMemory) -> None:
    tools, committee = network.three()
    shares = {m.number: t.folder.share(committee) for m, t in zip(committee.members, tools, strict=True)}
    assert [group.times_base(s.reveal()) for s in shares.values()] == [m.share_public for m in committee.members]
    base = group.times_base(b"\x01" + bytes(31))
    for pair in combinations(shares, 2):
        assert sharing.combined({n: group.multiply(shares[n].reveal(), base) for n in pair}) == committee.joint_key
    assert all(not list(t.folder.path.glob("ceremony-*")) for t in tools if not t.step())
    assert network.lines()[-1][1:] == ("officers-end", "given")


def test_the_vault_passes_on_no_share(network: OfficersInMemory) -> None:
    tools, committee = network.three()
    shares = [t.folder.share(committee).reveal() for t in tools]
    passed = b"".join(m for said in network.store._said.values() for m in said.values())
    assert len(passed) > 1000
    assert all(s not in passed for s in shares)


def test_a_step_does_what_is_owed_once_and_waits_for_the_others(network: OfficersInMemory) -> None:
    first, *_ = (network.admit(n) for n in NAMES)
    network.begin(*NAMES)
    assert first.step()
    assert first.step() == []
    with pytest.raises(Refused, match="promise"):
        first._say(network.operator.told().ceremony.id, DEAL, {"commitments": [], "proof": bytes(64), "shares": []})  # type: ignore[union-attr]


def test_an_officer_who_deals_badly_is_named_and_the_ceremony_ends(network: OfficersInMemory) -> None:
    dora, eli, fay = (network.admit(n) for n in NAMES)
    network.begin(*NAMES)
    for tool in (dora, eli, fay):
        tool.step()
    wrong = [{"officer": f"officer-{n}", "sealed": b"x" * 80} for n in NAMES]
    with lying(eli, DEAL, {"shares": wrong}):
        for tool in (dora, eli, fay):
            tool.step()
    assert dora.step() == ["What officer-eli dealt does not hold: complained, and the ceremony ended."]
    told = network.operator.told()
    assert told.ceremony is None
    assert told.given_up == "officer-dora says that what officer-eli dealt does not hold"
    assert told.in_force() is None
    assert network.lines()[-1] == ("officer-dora", "officers-end", "officers")
    network.begin(*NAMES)
    assert network.committee_of(dora, eli, fay).epoch == 1


def test_an_officer_who_deals_a_share_above_the_order_is_named(network: OfficersInMemory) -> None:
    """It is the right one modulo the order, so it would fit the commitments, and not what the others sum up."""
    dora, eli, fay = (network.admit(n) for n in NAMES)
    network.begin(*NAMES)
    for tool in (dora, eli, fay):
        tool.step()
    told = network.operator.told()
    assert told.ceremony is not None
    own = eli.folder.between(told.ceremony.id)
    boxes = dora._proceedings(told).said
    above = [
        {
            "officer": f"officer-{n}",
            "sealed": seal_to(
                boxes[PROMISE, f"officer-{n}"].fields["box_key"],
                bytes((v := bytearray(sharing.value_at(own.coefficients, i).reveal()))[:31]) + bytes([v[31] | 0x80]),
            ),
        }
        for i, n in enumerate(NAMES, 1)
    ]
    with lying(eli, DEAL, {"shares": above}):
        for tool in (dora, eli, fay):
            tool.step()
    assert dora.step() == ["What officer-eli dealt does not hold: complained, and the ceremony ended."]


@pytest.mark.parametrize(
    ("round_", "change"),
    [
        (DEAL, {"proof": bytes(64)}),
        (DEAL, {"commitments": [group.times_base(b"\x03" + bytes(31))] * 2}),
        (DEAL, {"commitments": [b"\xff" * 32] * 2}),
        (DEAL, {"shares": []}),
        (CONFIRM, {"transcript": bytes(32)}),
        (CONFIRM, {"joint_key": bytes(32)}),
        (CONFIRM, {"share_public": bytes(32)}),
    ],
)
def test_what_does_not_hold_is_refused_at_once(network: OfficersInMemory, round_: str, change: dict[str, Any]) -> None:
    dora, eli, fay = (network.admit(n) for n in NAMES)
    network.begin(*NAMES)
    for _ in range(1 if round_ == DEAL else 2):
        for tool in (dora, eli, fay):
            tool.step()
    with lying(eli, round_, change), pytest.raises(Refused):
        eli.step()
    assert network.committee_of(dora, eli, fay).epoch == 1, "said rightly, it goes on"


def test_nobody_chooses_after_having_seen_what_others_deal(network: OfficersInMemory) -> None:
    dora, eli, fay = (network.admit(n) for n in NAMES)
    network.begin(*NAMES)
    for tool in (dora, eli, fay):
        tool.step()
    dora.step()
    own = fay.folder.between(network.operator.told().ceremony.id)  # type: ignore[union-attr]
    later = sharing.polynomial(group.random_scalar())
    ceremony = network.operator.told().ceremony
    assert ceremony is not None
    proof = sharing.prove_known(later[0], ceremony.encoded() + b"officer-fay")
    fay.folder.keep_between(ceremony.id, replace(own, coefficients=later, proof=proof))
    with pytest.raises(Refused, match="not what was promised"):
        fay.step()


def test_one_officer_does_not_speak_for_another_nor_a_stranger(network: OfficersInMemory) -> None:
    dora, *_ = (network.admit(n) for n in NAMES)
    stranger = network.admit("gus", folder="gus")
    network.begin(*NAMES)
    ceremony = network.operator.told().ceremony
    assert ceremony is not None
    fields = {"box_key": bytes(32), "digest": bytes(32)}
    as_dora = signed_message(
        ceremony.id, PROMISE, "officer-dora", fields, key_id=dora.folder.key_id, key=stranger.folder.signing_key()
    )
    with pytest.raises(Refused, match="not one"):
        stranger.vault.say(as_dora)
    of_dora = signed_message(
        ceremony.id, PROMISE, "officer-dora", fields, key_id=dora.folder.key_id, key=dora.folder.signing_key()
    )
    with pytest.raises(Refused, match="own certificate"):
        stranger.vault.say(of_dora)
    assert stranger.step() == []
    with pytest.raises(Refused, match="promise"):
        stranger._say(ceremony.id, PROMISE, fields)


def test_a_key_is_handed_on_with_new_shares_and_what_was_sealed_opens_with_them(network: OfficersInMemory) -> None:
    (dora, eli, fay), before = network.three()
    network.keep(before, PERSON)
    old = [t.folder.share(before).reveal() for t in (dora, eli, fay)]
    gus, hal = network.admit("gus"), network.admit("hal")
    network.begin("fay", "gus", "hal", "dora", by=["eli", "dora"])
    after = network.committee_of(dora, eli, fay, gus, hal)
    assert (after.epoch, after.joint_key, after.key_id) == (2, before.joint_key, before.key_id)
    assert {t.folder.share(after).reveal() for t in (dora, fay, gus, hal)}.isdisjoint(old)
    assert not eli.folder.share_file(after.key_id, 2).exists()
    request = network.ask(gus, PERSON)
    hal.approve(hal.waiting()[0])
    assert gus.open(request.id).reveal() == BSN


def test_old_shares_are_destroyed_and_each_officer_signs_that_they_are(network: OfficersInMemory) -> None:
    (dora, eli, fay), before = network.three()
    network.begin("dora", "fay", by=["dora", "eli"])
    network.committee_of(dora, eli, fay)
    (was, _) = network.operator.told().committees
    assert [m.left for m in was.members] == [True, True, True]
    assert all(not t.folder.share_file(before.key_id, 1).exists() for t in (dora, eli, fay))
    assert sorted(line for line in network.lines() if line[1] == "officers-left") == [
        (f"officer-{n}", "officers-left", "given") for n in ("dora", "eli", "fay")
    ]
    with pytest.raises(SettingsWrong, match="not on this machine"):
        eli.folder.share(before)


def test_who_left_may_still_say_that_the_share_is_destroyed_and_nothing_else(network: OfficersInMemory) -> None:
    (dora, eli, fay), _ = network.three()
    network.let_go(eli)
    with pytest.raises(Refused, match="no officers whose key"):
        network.begin("dora", "eli")
    network.begin("dora", "fay")
    network.committee_of(dora, fay)
    assert [m.left for m in network.operator.told().committees[0].members] == [True, False, True]
    assert eli.step() == [
        f"Destroyed the share of {network.operator.told().committees[0].key_id}, epoch 1, and signed that it is gone."
    ]
    assert [m.left for m in network.operator.told().committees[0].members] == [True, True, True]
    assert eli.step() == []


def test_a_ceremony_that_is_open_may_be_begun_again_and_one_that_was_given_up_may_not(
    network: OfficersInMemory,
) -> None:
    for name in NAMES:
        network.admit(name)
    first = planned(network.operator.told(), list(NAMES), None, new_key=False)
    network.operator.begin(first)
    network.operator.begin(first)
    network.begin(*NAMES)
    with pytest.raises(Refused, match="was begun before"):
        network.operator.begin(first)


def test_a_share_of_another_value_is_not_handed_on(network: OfficersInMemory) -> None:
    (dora, eli, fay), before = network.three()
    dora.folder.keep_share(before.key_id, 1, group.random_scalar())
    network.begin("dora", "fay", "eli", by=["dora", "eli"])
    for tool in (dora, eli, fay):
        tool.step()
    with pytest.raises(Refused, match="does not hold"):
        dora.step()


def test_a_share_that_one_lost_is_handed_on_by_the_others(network: OfficersInMemory) -> None:
    (dora, eli, fay), before = network.three()
    fay.folder.destroy_share(before)
    network.begin("dora", "eli", "fay", by=["dora", "eli"])
    after = network.committee_of(dora, eli, fay)
    assert fay.folder.share(after)


@pytest.mark.parametrize(
    "wrong",
    [
        {"roster": ("officer-dora",), "dealers": ("officer-dora",)},
        {"roster": ("officer-dora", "officer-dora"), "dealers": ("officer-dora", "officer-dora")},
        {"dealers": ("officer-dora",)},
        {"epoch": 2},
        {"kind": "reshare"},
        {"kind": "other"},
    ],
)
def test_a_ceremony_that_can_not_be_is_refused_and_logged(network: OfficersInMemory, wrong: dict[str, Any]) -> None:
    for name in NAMES:
        network.admit(name)
    roster = tuple(f"officer-{n}" for n in NAMES)
    good = Ceremony(b"c" * 16, "make", "officers-1", 1, roster, roster, 1)
    with pytest.raises(Refused):
        network.operator.begin(replace(good, **wrong))
    assert network.lines() == [("operator", "officers-begin", "officers")]
    assert network.operator.told().ceremony is None


def test_a_further_ceremony_gives_the_open_one_up(network: OfficersInMemory) -> None:
    tools = [network.admit(n) for n in NAMES]
    network.begin(*NAMES)
    tools[0].step()
    network.begin("dora", "eli")
    committee = network.committee_of(*tools)
    assert [m.officer for m in committee.members] == ["officer-dora", "officer-eli"]
    assert not list(tools[0].folder.path.glob("ceremony-*"))


def test_a_dealer_who_does_not_know_what_was_dealt_is_refused(network: OfficersInMemory) -> None:
    """A promise that fits, over a proof that was made for another dealer."""
    dora, eli, fay = (network.admit(n) for n in NAMES)
    network.begin(*NAMES)
    ceremony = network.operator.told().ceremony
    assert ceremony is not None
    dora.step()
    own = dora.folder.between(ceremony.id)
    eli.folder.keep_between(ceremony.id, replace(own, box=own.box))
    eli.step()
    fay.step()
    dora.step()
    with pytest.raises(Refused, match="does not hold"):
        eli.step()
