"""Two officers name one person: who may, within what time, what each learns, what the person is told, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from officer_builders import BSN, DirectClient, OfficersInMemory
from vault_builders import DAY, HANDLE, PERSON, a_look, a_mandate, a_record

from keyvault.officers.ceremony import Committee
from keyvault.officers.tool import OfficerTool
from schemas import codec
from schemas.erasure import Decision, Proved
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.reidentification import Request, signed_request
from schemas.sealing import box_public_key, open_sealed, seal_to
from schemas.secrets import BoxKey
from schemas.values import day_number

HOUR = 3_600.0


@pytest.fixture
def network(tmp_path: Path) -> OfficersInMemory:
    return OfficersInMemory(tmp_path)


@pytest.fixture
def officers(network: OfficersInMemory) -> list[OfficerTool]:
    """Three with a joint key, and one person whose number is sealed to it."""
    tools, committee = network.three()
    network.keep(committee, PERSON)
    return tools


def committee_of(network: OfficersInMemory) -> Committee:
    found = network.operator.told().in_force()
    assert found is not None
    return found


def refused(code: str, work: object, *arguments: object, **named: object) -> None:
    with pytest.raises(Refused) as told:
        work(*arguments, **named)  # type: ignore[operator]
    assert told.value.code == code


def test_two_officers_name_a_person_and_each_step_is_logged(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    dora, eli, fay = officers
    request = network.ask(dora, PERSON)
    assert dora.waiting() == [], "one does not approve one's own"
    assert [r.id for r in eli.waiting()] == [request.id]
    eli.approve(request)
    assert fay.waiting() == []
    assert dora.open(request.id).reveal() == BSN
    assert network.lines()[-5:] == [
        ("officer-dora", "name-ask", "given"), ("officer-eli", "name-approve", "given"), ("officer-eli", "name-part", "given"),
        ("officer-dora", "name-open", "given"), ("officer-dora", "name-end", "given"),
    ]  # fmt: skip
    told = network.here.log.records[-5:]
    assert {(r["purpose"], r["ground"], r["handle"]) for r in told} == {("danger", "jeugdwet-7.3.11", request.id)}
    assert len({r["client"] for r in told} - {bytes(16)}) == 1
    assert not dora.folder.once_file(request.id).exists()


def test_the_vault_never_holds_the_number_in_the_clear_and_a_topic_never_the_sealed_one(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    request = network.ask(officers[0], PERSON)
    officers[1].approve(request)
    assert BSN not in repr(network.store) + repr(network.naming) + repr(network.here.store)
    kept = network.store.identity(PERSON)
    assert kept is not None
    assert BSN.encode() not in kept[1]
    published = b"".join(codec.encode("access_record", r) for r in network.here.log.records)
    assert kept[1] not in published


def test_each_officer_gets_r_and_only_the_first_the_sealed_number(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    dora, eli, fay = officers
    request = network.ask(dora, PERSON)
    given = eli.vault.approve(eli._signed(request))
    assert (given["sealed"], given["partials"]) == (b"", [])
    assert eli.vault.opened(request.id) == given
    first = dora.vault.opened(request.id)
    assert first["point"] == given["point"]
    assert first["sealed"] != b""
    refused("reid-officer", fay.vault.opened, request.id)
    refused("reid-officer", fay.vault.part, request.id, b"x")
    refused("part", dora.open, request.id)  # the second's part is not there


def test_one_officer_is_not_enough_under_any_name(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    dora, *_ = officers
    twin = network.admit("dora2", key=dora.folder.signing_key(), folder="twin")
    network.begin("dora", "eli", "fay", "dora2", by=["eli", "fay"])
    network.committee_of(*officers, twin)
    request = network.ask(dora, PERSON)
    refused("reid-officer", dora.approve, request)
    refused("reid-officer", twin.approve, request)
    assert [line for line in network.lines() if line[1] == "name-approve"] == [
        ("officer-dora", "name-approve", "reid-officer"), ("officer-dora2", "name-approve", "reid-officer"),
    ]  # fmt: skip


def test_no_one_asks_or_approves_in_anothers_name(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    dora, eli, fay = officers
    request = network.ask(dora, PERSON)
    as_eli = signed_request(request, signer="officer-eli", key_id=eli.folder.key_id, key=fay.folder.signing_key())
    refused("reid-officer", eli.vault.approve, as_eli)
    of_eli = signed_request(request, signer="officer-eli", key_id=eli.folder.key_id, key=eli.folder.signing_key())
    refused("reid-officer", fay.vault.approve, of_eli)
    other = replace(request, id=b"o" * 16, first="officer-eli")
    refused("reid-officer", dora.vault.ask, dora._signed(other))
    for name in ("caseworker-gm9901-1", "gm9901", "operator", "intake", "projector"):
        refused("not-yours", DirectClient(network, name).ask, dora._signed(request))


def test_the_second_approves_the_very_request_the_first_made(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    dora, eli, _ = officers
    request = network.ask(dora, PERSON)
    own = BoxKey.generate()
    for changed in (
        replace(request, person=b"q" * 16), replace(request, one_time_key=box_public_key(own)), replace(request, reason="court-order"),
        replace(request, id=b"n" * 16),
    ):  # fmt: skip
        refused("reid-request", eli.vault.approve, eli._signed(changed))
    eli.approve(request)


def test_a_replay_changes_nothing(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    dora, eli, fay = officers
    asked = dora._signed(request := _made(network, dora))
    dora.vault.ask(asked)
    refused("reid-again", dora.vault.ask, asked)
    eli.approve(request)
    refused("reid-again", eli.approve, request)
    refused("reid-again", fay.approve, request)
    refused("reid-again", eli.vault.part, request.id, b"another part")
    assert dora.open(request.id).reveal() == BSN
    refused("reid-again", dora.vault.ask, asked)
    refused("reid-again", eli.approve, request)
    refused("reid-expired", dora.vault.opened, request.id)
    refused("reid-expired", eli.vault.part, request.id, b"x")
    with pytest.raises(SettingsWrong):
        dora.open(request.id)


def _made(network: OfficersInMemory, tool: OfficerTool) -> Request:
    """A request made by hand, its one-time key kept."""
    once = BoxKey.generate()
    request = Request.new(
        person=PERSON, handle=bytes(16), reason="danger", ground="avg-6", case_number="Z-1", first=tool.folder.name,
        one_time_key=box_public_key(once), key_id=committee_of(network).key_id, asked_at_ms=int(network.here.now * 1000),
    )  # fmt: skip
    tool.folder.keep_once(request.id, once)
    return request


def test_a_request_is_approved_within_a_day_and_opened_within_a_quarter(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    dora, eli, _ = officers
    late = network.ask(dora, PERSON)
    network.here.now += 24 * HOUR + 1
    assert eli.waiting() == []
    refused("reid-expired", eli.approve, late)
    request = network.ask(dora, PERSON)
    network.here.now += 23 * HOUR
    eli.approve(request)
    network.here.now += 15 * 60
    assert dora.vault.opened(request.id)["partials"]
    network.here.now += 1
    refused("reid-expired", dora.open, request.id)
    assert network.lines()[-1] == ("officer-dora", "name-open", "reid-expired")
    refused("reid-again", eli.approve, request)


def test_a_clock_an_hour_off_is_said_and_logged(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    for seconds in (-HOUR, HOUR):
        refused("clock", network.ask, officers[0], PERSON, asked_at_ms=int((network.here.now + seconds) * 1000))
    assert [line[2] for line in network.lines()[-2:]] == ["clock", "clock"]
    assert officers[0].folder.mine() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "curious"}, {"ground": "Jeugdwet 7.3.11"}, {"case_number": "Jan Jansen"}, {"case_number": ""}, {"handle": HANDLE},
        {"about": bytes(16)}, {"court_order": "C-1"}, {"told_from": 30_000}, {"court_order": "C-1", "told_from": 1},
        {"court_order": "C-1", "told_from": day_number(DAY) + 367},
    ],
)  # fmt: skip
def test_what_may_not_be_asked_is_refused_and_logged(
    network: OfficersInMemory, officers: list[OfficerTool], wrong: dict[str, object]
) -> None:
    named = {"about": PERSON} | wrong
    refused("reid-request", network.ask, officers[0], named.pop("about"), **named)
    assert network.lines()[-1] == ("officer-dora", "name-ask", "reid-request")
    assert network.store.requests(since_ms=0) == []


def test_a_mandate_may_be_named_in_the_place_of_a_pseudonym(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    network.here.store.learn_mandates([a_mandate()], partition=0, next_offset=1)
    request = network.ask(officers[0], bytes(16), handle=HANDLE)
    officers[1].approve(request)
    assert officers[0].open(request.id).reveal() == BSN


def test_nothing_opens_of_who_is_not_known_or_was_erased_and_the_log_names_nobody(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    dora, eli, _ = officers
    refused("reid-unknown", network.ask, dora, b"s" * 16)
    refused("reid-unknown", network.ask, dora, bytes(16), handle=b"u" * 16)
    asked = network.ask(dora, PERSON)
    approved = network.ask(dora, PERSON)
    eli.approve(approved)
    erase(network, PERSON)
    refused("reid-unknown", eli.approve, asked)
    refused("reid-expired", dora.vault.opened, approved.id)
    refused("reid-unknown", network.ask, dora, PERSON)
    unknown = [r for r in network.here.log.records if r["result"] == "reid-unknown"]
    assert len(unknown) == 4
    assert {r["client"] for r in unknown} == {bytes(16)}
    network.keep(committee_of(network), PERSON)
    assert network.store.identity(PERSON) is None, "nothing is kept again of who was erased"


def erase(network: OfficersInMemory, person: bytes) -> None:
    decision = Decision(b"e" * 16, 9901, granted=True, ground="avg-17", refusal="", asked_on=1, decided_on=1)
    network.here.store.erase(person, by=Proved(decision, ("a", "b")), at_ms=1, line=(1, bytes(32)))


def test_no_log_no_number(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    dora, eli, _ = officers
    request = network.ask(dora, PERSON)
    network.here.log.away = True
    with pytest.raises(Unavailable):
        eli.approve(request)
    network.here.log.away = False
    eli.approve(request)
    network.here.log.away = True
    with pytest.raises(Unavailable):
        dora.open(request.id)
    network.here.log.away = False
    assert dora.open(request.id).reveal() == BSN


def test_after_a_restart_of_the_vault_nothing_is_given_out_and_one_asks_anew(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    dora, eli, _ = officers
    request = network.ask(dora, PERSON)
    eli.approve(request)
    network.restart()
    refused("reid-expired", dora.open, request.id)
    refused("reid-again", eli.approve, request)
    again = network.ask(dora, PERSON)
    eli.approve(again)
    assert dora.open(again.id).reveal() == BSN


def test_officers_who_left_are_refused_at_every_step(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    dora, eli, fay = officers
    first = network.ask(eli, PERSON)
    second = network.ask(dora, PERSON)
    fay.approve(first)
    network.let_go(eli)
    refused("reid-officer", eli.open, first.id)
    refused("reid-officer", network.ask, eli, PERSON)
    refused("reid-officer", eli.approve, second)
    assert eli.waiting() == []
    network.begin("dora", "fay")
    network.committee_of(dora, fay)
    fay.approve(second)
    assert dora.open(second.id).reveal() == BSN


def test_a_former_member_with_the_old_share_is_refused(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    """Handed on without Eli, who still counts as an officer and kept the share."""
    dora, eli, fay = officers
    kept = eli.folder.share(committee_of(network))
    network.begin("dora", "fay")
    network.committee_of(dora, fay)
    eli.folder.keep_share(committee_of(network).key_id, 1, kept)
    refused("reid-officer", network.ask, eli, PERSON)
    request = network.ask(dora, PERSON)
    refused("reid-officer", eli.approve, request)


def test_a_part_that_was_not_made_with_the_share_of_its_officer_is_told_apart(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    dora, eli, fay = officers
    committee = committee_of(network)
    right, others = eli.folder.share(committee), fay.folder.share(committee)
    eli.folder.keep_share(committee.key_id, 1, others)
    request = network.ask(dora, PERSON)
    eli.approve(request)
    with pytest.raises(Refused, match="part of officer-eli does not hold"):
        dora.open(request.id)
    eli.folder.keep_share(committee.key_id, 1, right)
    again = network.ask(dora, PERSON)
    eli.approve(again)
    assert dora.open(again.id).reveal() == BSN


def test_a_part_serves_its_own_request_only(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    dora, eli, _ = officers
    one, two = network.ask(dora, PERSON), network.ask(dora, PERSON)
    given = eli.vault.approve(eli._signed(one))
    part = eli._part(one.id, given["point"], Committee.decode(given["committee"]))
    eli.vault.approve(eli._signed(two))
    eli.vault.part(two.id, seal_to(two.one_time_key, part))
    refused("part", dora.open, two.id)


def test_a_part_opens_for_the_first_officers_tool_alone(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    dora, eli, fay = officers
    request = network.ask(dora, PERSON)
    eli.approve(request)
    (sealed,) = dora.vault.opened(request.id)["partials"]
    assert open_sealed(dora.folder.once(request.id), sealed)
    with pytest.raises(SettingsWrong):
        fay.folder.once(request.id)
    with pytest.raises(Refused):
        open_sealed(BoxKey.generate(), sealed)


def family_log(network: OfficersInMemory) -> list[str]:
    """Actions a member reads under the own mandate."""
    caller, pem = network.here.caller("family-gm9901-a")
    record = a_record(network.here.section_public, handle=b"f" * 16)
    once = BoxKey(b"\x05" * 32)
    body = network.here.vault.own_log(caller, a_look(record, pem))
    lines = codec.decode("vault_log_lines", open_sealed(once, codec.decode("vault_own_log", body)["lines"]))["lines"]
    return [codec.decode("access_record", line)["action"] for line in lines]


def test_the_person_reads_each_step_unless_a_recorded_court_order_delays_it(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    dora, eli, _ = officers
    own = a_mandate(handle=b"f" * 16, reader="family-gm9901-a", purpose="own-file", until=DAY.replace(year=2026))
    network.here.store.learn_mandates([own], partition=0, next_offset=1)
    eli.approve(network.ask(dora, PERSON))
    assert family_log(network)[1:] == ["name-part", "name-approve", "name-ask"]
    eli.approve(network.ask(dora, PERSON, court_order="C-12/34", told_from=day_number(DAY) + 30))
    assert family_log(network)[2:] == ["name-part", "name-approve", "name-ask"], "nothing of the second is told yet"
    network.here.now += 30 * 24 * HOUR
    assert sum(a == "name-approve" for a in family_log(network)) == 2


def test_a_person_sealed_to_an_earlier_joint_key_is_asked_for_with_that_one(
    network: OfficersInMemory, officers: list[OfficerTool]
) -> None:
    dora, eli, fay = officers
    first = committee_of(network)
    network.here.now += 24 * HOUR
    network.begin("dora", "eli", "fay", new_key=True)
    newest = network.committee_of(dora, eli, fay)
    assert newest.key_id != first.key_id
    with pytest.raises(Refused, match=first.key_id):
        network.ask(dora, PERSON)
    request = network.ask(dora, PERSON, key_id=first.key_id)
    eli.approve(request)
    assert dora.open(request.id).reveal() == BSN


def test_the_first_sealed_number_of_a_person_stays(network: OfficersInMemory, officers: list[OfficerTool]) -> None:
    before = network.store.identity(PERSON)
    network.keep(committee_of(network), PERSON, bsn="999900006")
    assert network.store.identity(PERSON) == before
    request = network.ask(officers[0], PERSON)
    officers[1].approve(request)
    assert officers[0].open(request.id).reveal() == BSN
