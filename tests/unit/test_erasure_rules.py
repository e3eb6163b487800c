"""Decisions of two, what stays of someone who was erased, and the receipt: without servers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from erasure_builders import REQUEST, SIGNERS, STRANGER, a_decision, key_of, signed
from three_roots import pinned, two_of
from vault_builders import DAY, HANDLE, PERSON, VaultInMemory, a_mandate

from deploy.key_register import receipts_key_entry
from keyvault.access_log import first_break
from keyvault.erasure_work import ErasureWork
from keyvault.mutual_tls import Caller
from projections.bookings import BOOKING
from projections.settled import booked_again, by_year, contributor_of
from schemas import codec
from schemas.directory import sign_entry
from schemas.erasure import GROUNDS, REFUSALS, Decision, proved, with_signature
from schemas.erasure_receipt import DESTROYED, checked
from schemas.errors import Refused, Unavailable
from schemas.sealing import verify_key_of
from schemas.secrets import DataKey, SigningKey
from schemas.values import day_number

ROOT = SigningKey(b"\x11" * 32)
ANNE, BART, CEES = SIGNERS
PROJECTOR, GEMEENTE, OTHER = (Caller(name, b"") for name in ("projector", "gm9901", "gm9902"))


# --- the decision -------------------------------------------------------------------------------------------------


def test_two_different_grantors_of_the_municipality_decide() -> None:
    assert proved(signed(), key_of).deciders == (ANNE, BART)
    assert proved(signed(None, ANNE, BART, CEES), key_of).deciders == (ANNE, BART, CEES)


@pytest.mark.parametrize(
    "names", [(ANNE,), (ANNE, ANNE), (ANNE, STRANGER[0])], ids=["one", "the same twice", "one of another municipality"]
)
def test_anything_less_does_not_count(names: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as refused:
        proved(signed(None, *names), key_of)
    assert refused.value.code == "erasure-signatures"


def test_two_names_with_one_key_are_one() -> None:
    data = with_signature(signed(None, ANNE), BART, f"{BART}-1", SIGNERS[ANNE])
    with pytest.raises(Refused):
        proved(data, key_of)
    with pytest.raises(Refused):
        proved(signed(), lambda name, _: verify_key_of(SIGNERS[ANNE]) if name in (ANNE, BART) else None)


def test_every_changed_byte_of_a_decision_is_refused() -> None:
    data = signed()
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(Refused):
            proved(changed, key_of)


@pytest.mark.parametrize(
    "changes",
    [{"ground": "because"}, {"refusal": "legal-duty"}, {"granted": False, "refusal": ""}, {"granted": False, "refusal": "no"}, {"decided_on": 19_999}],
)  # fmt: skip
def test_a_code_outside_the_lists_or_a_decision_before_its_request_is_refused(changes: dict) -> None:
    with pytest.raises(Refused) as refused:
        proved(signed(a_decision(**changes)), key_of)
    assert refused.value.code == "erasure-ground"


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("ground", GROUNDS)
def test_every_ground_and_every_refusal_can_be_said(ground: str, refusal: str) -> None:
    decision = a_decision(granted=False, ground=ground, refusal=refusal)
    assert proved(signed(decision), key_of).decision == decision


# --- what stays ---------------------------------------------------------------------------------------------------


def bookings(*days: int) -> np.ndarray:
    rows = np.zeros(len(days), BOOKING)
    rows["person"], rows["household"], rows["contributor"] = (np.void(bytes([n]) * 16) for n in (1, 2, 3))
    rows["service_day"], rows["cents"], rows["area"], rows["epoch"] = days, range(100, 100 + len(days)), 9901, 7
    return rows


def test_what_stays_says_everything_but_whose_it_was() -> None:
    last_of_2024 = day_number(DAY.replace(year=2024, month=12, day=31))
    found = by_year(bookings(last_of_2024 + 1, last_of_2024, last_of_2024 + 40))
    assert {year: rows["cents"].tolist() for year, rows in found.items()} == {2024: [101], 2025: [100, 102]}
    again = booked_again(found[2025], b"c" * 16)
    assert {again[name].tobytes() for name in ("person", "household", "contributor")} == {b"c" * 32}
    assert (again["cents"].tolist(), again["area"].tolist(), again["epoch"].tolist()) == (
        [100, 102],
        [9901] * 2,
        [7] * 2,
    )
    with_persons = found[2025].tobytes()
    assert all(bytes([n]) * 16 not in with_persons for n in (1, 2, 3))


def test_the_number_follows_from_the_years_key_and_the_person_alone() -> None:
    one, other = DataKey(b"\x01" * 32), DataKey(b"\x02" * 32)
    assert contributor_of(one, PERSON) == contributor_of(one, PERSON)
    assert len({contributor_of(one, PERSON), contributor_of(other, PERSON), contributor_of(one, HANDLE)}) == 3


def test_nothing_booked_is_nothing_kept() -> None:
    assert by_year(bookings()) == {}


# --- the vault ----------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> VaultInMemory:
    made = VaultInMemory(tmp_path)
    made.store.learn_mandates([a_mandate()], partition=0, next_offset=1)
    made.store.person_keys([PERSON], make=True, today=DAY)
    return made


def work(here: VaultInMemory) -> ErasureWork:
    def entry(key_id: str) -> bytes:
        return sign_entry(two_of(ROOT), receipts_key_entry(key_id, verify_key_of(here.store.signing_key(DAY)[1])))

    return ErasureWork(here.vault, key_of, entry)


def erase(here: VaultInMemory, person: bytes = PERSON, decision: bytes | None = None) -> bytes:
    return work(here).erase(
        PROJECTOR, codec.encode("vault_erase", {"person": person, "decision": decision or signed()})
    )


def receipt(here: VaultInMemory, caller: Caller = GEMEENTE, request: bytes = REQUEST) -> bytes:
    return work(here).receipt(caller, codec.encode("vault_mandate", {"handle": request}))


def test_a_key_goes_on_a_decision_of_two_logged_before_and_once(here: VaultInMemory) -> None:
    erase(here)
    erase(here)
    assert here.store.person_keys([PERSON], make=True, today=DAY) == [None]
    assert here.store.mandate(HANDLE).given is False
    assert [(r["action"], r["who"], r["handle"], r["result"]) for r in here.log.records] == [
        ("erase", "projector", REQUEST, "given")
    ]
    assert here.log.records[0]["client"] != bytes(16)
    assert first_break(here.log.records) is None


@pytest.mark.parametrize(
    ("decision", "code"),
    [
        (signed(None, ANNE), "erasure-signatures"),
        (signed(a_decision(granted=False)), "erasure-request"),
        (b"", "unreadable"),
    ],
)
def test_without_a_decision_nothing_is_destroyed_and_the_try_is_logged(
    here: VaultInMemory, decision: bytes, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        work(here).erase(PROJECTOR, codec.encode("vault_erase", {"person": PERSON, "decision": decision}))
    assert refused.value.code == code
    assert here.store.person_keys([PERSON], make=False, today=DAY) != [None]
    assert here.results() == [code]


def test_one_decision_erases_one_person(here: VaultInMemory) -> None:
    erase(here)
    here.store.person_keys([b"q" * 16], make=True, today=DAY)
    with pytest.raises(Refused) as refused:
        erase(here, b"q" * 16)
    assert refused.value.code == "erasure-request"
    assert here.store.person_keys([b"q" * 16], make=False, today=DAY) != [None]


def test_no_log_no_destruction(here: VaultInMemory) -> None:
    here.log.away = True
    with pytest.raises(Unavailable):
        erase(here)
    assert here.store.person_keys([PERSON], make=False, today=DAY) != [None]
    here.log.away = False
    erase(here)
    assert here.store.person_keys([PERSON], make=False, today=DAY) == [None]


def test_the_receipt_is_for_the_municipality_that_decided_and_anybody_checks_it(here: VaultInMemory) -> None:
    for caller, request in ((GEMEENTE, REQUEST), (GEMEENTE, b"q" * 16)):
        with pytest.raises(Refused):
            receipt(here, caller, request)
    erase(here)
    with pytest.raises(Refused):
        receipt(here, OTHER)
    data = receipt(here)
    found = checked(data, pinned(ROOT))
    assert (found.fields["request"], found.fields["deciders"], found.fields["mandates"]) == (REQUEST, [ANNE, BART], 1)
    assert found.last_copy_day == dt.date(2025, 10, 5), (
        "97 days after the end of June: a key closes the backups of a month"
    )
    assert set(found.fields["destroyed"]) == set(DESTROYED)
    for lang in ("nl", "en"):
        told = " ".join(found.told(lang=lang))
        assert PERSON.hex() not in told
        assert ANNE in told
        assert str(found.last_copy_day) in told
        assert {"nl": "zestien maanden", "en": "sixteen months"}[lang] in told, "a copy somebody took out opens longer"
    with pytest.raises(Refused):
        checked(data, pinned(SigningKey(b"\x12" * 32)))


def test_every_changed_byte_of_a_receipt_is_refused(here: VaultInMemory) -> None:
    erase(here)
    data = receipt(here)
    for at in range(len(data)):
        with pytest.raises(Refused):
            checked(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], pinned(ROOT))


def test_no_receipt_before_the_root_signed_the_vaults_key(here: VaultInMemory) -> None:
    erase(here)
    unsigned = ErasureWork(here.vault, key_of, lambda _: None)
    with pytest.raises(Unavailable):
        unsigned.receipt(GEMEENTE, codec.encode("vault_mandate", {"handle": REQUEST}))


def test_a_year_is_lent_in_the_order_asked_and_not_without_end(here: VaultInMemory) -> None:
    body = codec.encode("vault_settled_keys", {"partition": 2, "years": [2025, 2024]})
    keys = codec.decode("vault_person_keys", work(here).year_keys(PROJECTOR, body))["keys"]
    assert keys == b"".join(here.store.year_keys(2, [2025, 2024], DAY))
    with pytest.raises(Refused):
        work(here).year_keys(PROJECTOR, codec.encode("vault_settled_keys", {"partition": 2, "years": list(range(201))}))


def test_a_decision_names_no_person() -> None:
    assert {f["name"] for f in codec.raw_schema("erasure_decision")["fields"]} == set(Decision.__slots__)
    assert not {"person", "bsn"} & set(Decision.__slots__)
