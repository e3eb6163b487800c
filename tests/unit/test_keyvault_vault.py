"""The vault's work without servers: who gets which key, and that nothing leaves without its record in the log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vault_builders import CARD, DAY, HANDLE, READER, VaultInMemory, a_look, a_mandate, a_record

from keyvault import blinding
from keyvault.access_log import first_break
from keyvault.key_work import KeyWork
from keyvault.mutual_tls import Caller
from keyvault.pseudonym_work import PseudonymWork
from schemas import codec
from schemas.errors import Refused, Unavailable
from schemas.household_record import open_section
from schemas.sealing import box_public_key, open_sealed
from schemas.secrets import BoxKey, DataKey, SigningKey

INTAKE, LEDGER, PROJECTOR = (Caller(name, b"") for name in ("intake", "ledger", "projector"))


@pytest.fixture
def here(tmp_path: Path) -> VaultInMemory:
    made = VaultInMemory(tmp_path)
    made.store.learn_mandates([a_mandate()], partition=0, next_offset=1)
    return made


def look(
    here: VaultInMemory, *, record: dict[str, Any] | None = None, reader: str = READER, **changes: Any
) -> list[bytes]:
    caller, key = here.caller(reader)
    body = a_look(record or a_record(here.section_public), key, **changes)
    return list(codec.decode("vault_look_answer", here.vault.look(caller, body))["keys"])


def test_evaluations_are_counted_per_caller_and_day(here: VaultInMemory) -> None:
    batch = blinding.blind([b"a", b"b"])
    body = codec.encode(
        "vault_elements", {"key_id": here.store.pseudonym_key(DAY)[0], "elements": list(batch.elements)}
    )
    answer = codec.decode("vault_evaluation", PseudonymWork(here.vault).evaluate(INTAKE, body))
    public = codec.decode("vault_key", PseudonymWork(here.vault).public_key())
    assert public["key_id"] == answer["key_id"]
    blinding.unblind(batch, answer["elements"], proof=answer["proof"], pinned_public_key=public["key"])
    assert here.store.evaluation_days(DAY) == (2, [])
    here.now += 86_400
    PseudonymWork(here.vault).evaluate(INTAKE, body)
    assert here.store.evaluation_days(DAY + dt.timedelta(days=1)) == (2, [2])


@pytest.mark.parametrize("elements", [[], [bytes(32)], [b"\xff" * 32]])
def test_a_malformed_batch_is_refused_and_not_counted(here: VaultInMemory, elements: list[bytes]) -> None:
    with pytest.raises(Refused):
        PseudonymWork(here.vault).evaluate(
            INTAKE, codec.encode("vault_elements", {"key_id": here.store.pseudonym_key(DAY)[0], "elements": elements})
        )
    assert here.store.evaluation_days(DAY) == (0, [])


def test_the_ledger_makes_keys_and_the_projector_only_borrows(here: VaultInMemory) -> None:
    body = codec.encode("vault_persons", {"persons": b"a" * 16 + b"b" * 16 + b"a" * 16})
    assert codec.decode("vault_person_keys", here.vault.person_keys(PROJECTOR, body))["keys"] == bytes(96)
    made = codec.decode("vault_person_keys", here.vault.person_keys(LEDGER, body))["keys"]
    assert made[:32] == made[64:] != made[32:64]
    assert codec.decode("vault_person_keys", here.vault.person_keys(PROJECTOR, body))["keys"] == made


@pytest.mark.parametrize("persons", [b"a" * 15, b"a" * 16 * 5_001])
def test_person_ids_of_another_length_or_too_many_are_refused(here: VaultInMemory, persons: bytes) -> None:
    with pytest.raises(Refused):
        here.vault.person_keys(LEDGER, codec.encode("vault_persons", {"persons": persons}))


def test_each_person_has_a_placement_key_that_no_person_key_tells(here: VaultInMemory) -> None:
    body = codec.encode("vault_persons", {"persons": b"a" * 16 + b"b" * 16})

    def asked(of: Callable[[Caller, bytes], bytes], caller: Caller) -> list[bytes]:
        keys = codec.decode("vault_person_keys", of(caller, body))["keys"]
        return [keys[:32], keys[32:]]

    assert asked(here.vault.placement_keys, PROJECTOR) == [bytes(32)] * 2
    public = asked(here.vault.placement_public_keys, INTAKE)
    private = asked(here.vault.placement_keys, PROJECTOR)
    assert [box_public_key(BoxKey(k)) for k in private] == public
    assert len({*public, *private, *asked(here.vault.person_keys, LEDGER)}) == 6


def test_a_look_opens_what_the_mandate_is_for_and_is_logged_once(here: VaultInMemory) -> None:
    record, once = a_record(here.section_public, private={(1, "ggz"): CARD, (1, "youth"): CARD}), BoxKey.generate()
    opened = []
    for purpose in ("coordination", "youth-help"):
        here.store.learn_mandates([a_mandate(purpose=purpose)], partition=0, next_offset=2)
        keys = look(here, record=record, once=box_public_key(once))
        opened.append(
            [
                s["section_class"]
                for index, (s, key) in enumerate(zip(record["sections"], keys, strict=True))
                if key and open_section(secret=DataKey(open_sealed(once, key)), record=record, index=index)
            ]
        )
    assert opened == [["common"], ["common", "youth"]]
    assert [(r["result"], r["who"], r["purpose"], r["handle"]) for r in here.log.records] == [
        ("given", READER, "coordination", HANDLE), ("given", READER, "youth-help", HANDLE),
    ]  # fmt: skip


def test_ones_own_file_opens_everything_of_oneself_and_only_to_a_family(here: VaultInMemory) -> None:
    reader = "family-gm9901-a1b2"
    record = a_record(here.section_public, private={(1, "ggz"): CARD})
    here.store.learn_mandates([a_mandate(reader=reader, purpose="own-file", revision=2)], partition=0, next_offset=2)
    assert all(look(here, record=record, reader=reader))
    here.store.learn_mandates(
        [a_mandate(reader=READER, purpose="own-file", handle=b"2" * 16)], partition=0, next_offset=3
    )
    with pytest.raises(Refused) as refused:
        look(here, record=a_record(here.section_public, handle=b"2" * 16))
    assert refused.value.code == "purpose"


def test_a_changed_mandate_counts_from_the_next_look_and_an_older_one_does_not_come_back(here: VaultInMemory) -> None:
    later = dt.timedelta(days=5)
    here.store.learn_mandates([a_mandate(revision=2, until=DAY + later)], partition=0, next_offset=2)
    here.now += later.total_seconds()
    assert look(here)[0]
    here.store.learn_mandates([a_mandate(revision=1)], partition=0, next_offset=3)
    assert look(here)[0]
    here.store.learn_mandates([a_mandate(revision=3)], partition=0, next_offset=4)
    with pytest.raises(Refused) as refused:
        look(here)
    assert refused.value.code == "expired"


def test_another_reader_and_an_unknown_handle_get_the_same_answer(here: VaultInMemory) -> None:
    told = []
    for reader, handle in (("caseworker-gm9901-2", HANDLE), (READER, b"x" * 16)):
        with pytest.raises(Refused) as refused:
            look(here, record=a_record(here.section_public, handle=handle), reader=reader)
        told.append((refused.value.code, refused.value.sentence))
    assert told[0] == told[1]
    assert here.results() == ["no-mandate", "no-mandate"]


@pytest.mark.parametrize(("days", "code"), [(-1, "expired"), (1, "expired"), (0, None)])
def test_a_mandate_holds_from_its_first_to_its_last_day(here: VaultInMemory, days: int, code: str | None) -> None:
    here.now += days * 86_400
    if code is None:
        assert look(here)[0]
        return
    with pytest.raises(Refused) as refused:
        look(here)
    assert (refused.value.code, here.results()) == (code, [code])


def test_a_record_of_another_projector_is_refused(here: VaultInMemory) -> None:
    with pytest.raises(Refused) as refused:
        look(here, record=a_record(here.section_public, signing=SigningKey(b"\x01" * 32)))
    assert (refused.value.code, here.results()) == ("signature", ["signature"])


def test_a_key_box_for_another_vault_is_refused(here: VaultInMemory) -> None:
    with pytest.raises(Refused) as refused:
        look(here, record=a_record(box_public_key(BoxKey.generate())))
    assert (refused.value.code, here.results()) == ("part", ["part"])


@pytest.mark.parametrize("change", ["handle", "version", "claim", "order", "fewer", "signature"])
def test_what_the_projector_did_not_sign_together_opens_nothing(here: VaultInMemory, change: str) -> None:
    record = a_record(here.section_public)
    body = codec.decode("vault_look", codec.decode("vault_signed_look", a_look(record, here.caller(READER)[1]))["look"])
    other = b"x" * 16
    here.store.learn_mandates([a_mandate(handle=other)], partition=0, next_offset=2)
    claims = body["claims"]
    changed: dict[str, Any] = {
        "handle": {"handle": other},
        "version": {"version": 2},
        "claim": {"claims": [claims[0] | {"member": 5}, *claims[1:]]},
        "order": {"claims": claims[::-1]},
        "fewer": {"claims": claims[:1]},
        "signature": {"signature": bytes(64)},
    }[change]
    with pytest.raises(Refused) as refused:
        look(here, record=record, **changed)
    assert (refused.value.code, here.results()) == ("signature", ["signature"])


def test_the_projector_itself_cannot_put_one_mandates_key_box_into_another_record(here: VaultInMemory) -> None:
    from keyvault.vault import SectionClaim
    from schemas.household_record import open_key_box

    record = a_record(here.section_public, handle=b"x" * 16)
    claim = SectionClaim(0, "common", record["sections"][0]["key_box"], b"\x00" * 32)
    with pytest.raises(Refused, match="another mandate"):
        open_key_box(section_secret=here.store.box_key("section", DAY)[1], handle=HANDLE, version=1, claim=claim)


def test_whoever_exchanges_the_one_time_key_under_way_gets_nothing(here: VaultInMemory) -> None:
    caller, key = here.caller(READER)
    signed = codec.decode("vault_signed_look", a_look(a_record(here.section_public), key))
    asked = codec.decode("vault_look", signed["look"]) | {"one_time_key": box_public_key(BoxKey.generate())}
    body = codec.encode("vault_signed_look", signed | {"look": codec.encode("vault_look", asked)})
    with pytest.raises(Refused) as refused:
        here.vault.look(caller, body)
    assert (refused.value.code, here.results()) == ("signature", ["signature"])


def test_another_readers_signature_is_refused(here: VaultInMemory) -> None:
    caller, _ = here.caller(READER)
    _, other_key = here.caller("caseworker-gm9901-2")
    with pytest.raises(Refused) as refused:
        here.vault.look(caller, a_look(a_record(here.section_public), other_key))
    assert refused.value.code == "signature"


def test_a_one_time_key_anyone_could_open_is_refused(here: VaultInMemory) -> None:
    with pytest.raises(Refused, match="one-time"):
        look(here, one_time_key=bytes(32))
    assert here.results() == ["unreadable"]


def test_without_a_log_no_key_leaves_and_the_topic_has_no_hole_afterwards(here: VaultInMemory) -> None:
    look(here)
    here.log.away = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            look(here)
    with pytest.raises(Unavailable):
        look(here, reader="caseworker-gm9901-2")
    here.log.away = False
    look(here)
    assert here.results() == ["given", "given", "given", "no-mandate", "given"]
    assert first_break(here.log.records) is None


def test_a_withdrawal_closes_though_the_log_is_away_and_its_line_follows(here: VaultInMemory) -> None:
    here.log.away = True
    here.vault.withdraw(Caller("gm9901", b""), codec.encode("vault_mandate", {"handle": HANDLE}))
    with pytest.raises(Unavailable):
        look(here)
    here.log.away = False
    with pytest.raises(Refused):
        look(here)
    assert [(r["action"], r["result"]) for r in here.log.records] == [
        ("withdraw", "given"), ("look", "withdrawn"), ("look", "withdrawn"),
    ]  # fmt: skip


def test_a_changed_or_missing_record_breaks_the_chain(here: VaultInMemory) -> None:
    for _ in range(4):
        look(here)
    records = here.log.records
    changed = [*records[:1], records[1] | {"who": "caseworker-gm9901-9"}, *records[2:]]
    assert first_break(records) is None
    assert (first_break(changed), first_break(records[:1] + records[2:]), first_break(records[1:])) == (2, 3, 2)


def test_only_the_municipality_that_gave_a_mandate_withdraws_it(here: VaultInMemory) -> None:
    body = codec.encode("vault_mandate", {"handle": HANDLE})
    with pytest.raises(Refused) as refused:
        here.vault.withdraw(Caller("gm9902", b""), body)
    assert refused.value.code == "no-mandate"
    assert look(here)[0]
    here.vault.withdraw(Caller("gm9901", b""), body)
    with pytest.raises(Refused) as refused:
        look(here)
    actions = [(r["action"], r["who"], r["result"]) for r in here.log.records]
    assert refused.value.code == "withdrawn"
    assert actions == [
        ("withdraw", "gm9902", "no-mandate"), ("look", READER, "given"), ("withdraw", "gm9901", "given"), ("look", READER, "withdrawn"),
    ]  # fmt: skip


def test_a_withdrawal_before_the_mandate_is_known_closes_it_unless_it_is_anothers(here: VaultInMemory) -> None:
    one, two = b"1" * 16, b"2" * 16
    here.vault.withdraw(Caller("gm9901", b""), codec.encode("vault_mandate", {"handle": one}))
    here.vault.withdraw(Caller("gm9902", b""), codec.encode("vault_mandate", {"handle": two}))
    here.store.learn_mandates([a_mandate(handle=one), a_mandate(handle=two)], partition=0, next_offset=3)
    with pytest.raises(Refused) as refused:
        look(here, record=a_record(here.section_public, handle=one))
    assert refused.value.code == "withdrawn"
    assert look(here, record=a_record(here.section_public, handle=two))[0]


def test_nothing_of_a_mandates_person_is_printed(here: VaultInMemory) -> None:
    mandate = here.store.mandate(HANDLE)
    assert "pppp" not in repr(mandate)
    assert "hhhh" not in repr(mandate)
    assert "gm9901" in repr(mandate)


@pytest.mark.parametrize(
    "change",
    [{"handle": b"short"}, {"reader": "Case Worker"}, {"reader": "a\x00b"}, {"gm": 0}, {"gm": 10_000}],
)
def test_what_no_mandate_can_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        a_mandate(**change)


def test_after_a_turn_of_the_section_key_old_records_open_until_all_are_made_anew(here: VaultInMemory) -> None:
    here.store.learn_mandates([a_mandate()], partition=0, next_offset=1)
    old, work, operator = a_record(here.section_public), KeyWork(here.vault), Caller("operator", b"", "10.0.0.1")
    first, second = (
        here.store.box_key("section", DAY)[0],
        codec.decode("vault_key_name", work.turn_section(operator, b""))["key_id"],
    )
    new = a_record(here.section_public, version=2)
    with pytest.raises(Refused, match="still opens records"):
        work.turn_section(operator, b"")
    assert all(look(here, record=r)[0] for r in (old, new))
    for key_id in (first, "section-of-nobody", second, second):
        assert all(look(here, record=r)[0] for r in ((old, new) if key_id != second else (new,)))
        work.settle_section(PROJECTOR, codec.encode("vault_key_name", {"key_id": key_id}))
    with pytest.raises(Refused):
        look(here, record=old)
    assert look(here, record=new)[0]
    states = {s["key_id"]: s["state"] for s in codec.decode("vault_keys", work.states(operator, b""))["keys"]}
    assert (states[first], states[second]) == ("destroyed", "active")
    turns = [(r["action"], r["result"]) for r in here.log.records if r["action"].startswith("turn")]
    assert turns == [("turn", "given"), ("turn", "unknown-key"), ("turn-end", "given")]
