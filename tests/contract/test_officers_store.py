"""What every store of the officers' work promises: the one in memory and PostgreSQL pass the same suite."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from keyvault.memory_store import InMemoryVaultStore
from keyvault.officers.memory_store import InMemoryOfficerStore
from keyvault.officers.ports import ASKED, DONE, OPEN
from keyvault.officers.store import PostgresOfficerStore
from keyvault.store import VaultStore
from schemas.erasure import Decision, Proved
from schemas.secrets import WrappingKey

DAY = dt.date(2025, 6, 1)
A, B, C = (bytes([n]) * 16 for n in (1, 2, 3))


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.servers)])
def stores(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """The officers' store, and the vault's beside it."""
    if request.param == "memory":
        vault = InMemoryVaultStore()
        yield InMemoryOfficerStore(vault), vault
        return
    made = VaultStore(request.getfixturevalue("fresh_database")("officers_contract"), WrappingKey(b"\x09" * 32))
    made.prepare(DAY)
    yield PostgresOfficerStore(made.transaction), made
    made.close()


def test_the_first_number_of_a_person_stays_and_goes_with_the_person(stores: tuple[Any, Any]) -> None:
    officers, vault = stores
    officers.keep_identities([(A, "o-1", b"first"), (B, "o-1", b"other")])
    officers.keep_identities([(A, "o-2", b"second")])
    assert officers.identity(A) == ("o-1", b"first")
    assert officers.identity(C) is None
    decision = Decision(b"e" * 16, 9901, granted=True, ground="avg-17", refusal="", asked_on=1, decided_on=1)
    vault.erase(A, by=Proved(decision, ("a", "b")), at_ms=1, line=(1, bytes(32)))
    assert officers.identity(A) is None
    officers.keep_identities([(A, "o-1", b"again")])
    assert officers.identity(A) is None
    assert officers.identity(B) == ("o-1", b"other")


def test_one_ceremony_is_open_at_a_time_and_what_was_said_comes_in_order(stores: tuple[Any, Any]) -> None:
    officers, _ = stores
    assert (officers.running(), officers.given_up(), officers.said(A)) == (None, "", [])
    officers.begin(A, b"first")
    assert officers.say(A, "promise", "z", b"1")
    assert officers.say(A, "promise", "a", b"2")
    assert not officers.say(A, "promise", "z", b"3")
    assert officers.say(A, "deal", "z", b"4")
    assert officers.said(A) == [b"1", b"2", b"4"]
    officers.begin(B, b"second")
    assert officers.running() == b"second"
    assert (officers.begun(A), officers.begun(B), officers.begun(C)) == (True, True, False)
    officers.end(B, "somebody complained")
    assert (officers.running(), officers.given_up()) == (None, "somebody complained")
    officers.begin(C, b"third")
    officers.end(C, "", ("o-1", 1, b"committee"))
    assert (officers.running(), officers.given_up()) == (None, "")
    assert officers.committees() == [b"committee"]


def test_committees_are_kept_by_key_and_epoch(stores: tuple[Any, Any]) -> None:
    officers, _ = stores
    officers.put_committee("o-2", 1, b"2/1")
    officers.put_committee("o-1", 2, b"1/2")
    officers.put_committee("o-1", 1, b"1/1")
    officers.put_committee("o-1", 1, b"1/1 again")
    assert officers.committees() == [b"1/1 again", b"1/2", b"2/1"]


def test_a_request_is_made_once_and_moves_from_one_state_to_the_next(stores: tuple[Any, Any]) -> None:
    officers, _ = stores
    assert officers.request(A) is None
    assert officers.ask(A, signed=b"a", at_ms=1_000, told_from=0)
    assert not officers.ask(A, signed=b"other", at_ms=2_000, told_from=9)
    assert officers.ask(B, signed=b"b", at_ms=3_000, told_from=20_000)
    assert officers.requests(since_ms=0) == [b"a", b"b"]
    assert officers.requests(since_ms=1_001) == [b"b"]
    assert officers.move(A, old=ASKED, new=OPEN)
    assert not officers.move(A, old=ASKED, new=OPEN)
    assert not officers.move(C, old=ASKED, new=OPEN)
    assert officers.move(A, old=OPEN, new=DONE)
    kept = officers.request(A)
    assert (kept.signed, kept.state, kept.asked_at_ms) == (b"a", DONE, 1_000)
    assert officers.requests(since_ms=0) == [b"b"]
    assert officers.not_told_yet(19_999) == {B}
    assert officers.not_told_yet(20_000) == set()
