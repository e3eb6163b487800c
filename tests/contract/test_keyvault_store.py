"""What every store of the vault promises: the one in memory and PostgreSQL pass the same suite."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from keyvault.access_log import FIRST, LOOK, Access, first_break
from keyvault.erasure_table import Erasure
from keyvault.mandates import Mandate
from keyvault.memory_store import InMemoryVaultStore
from keyvault.store import VaultStore
from schemas.erasure import Decision, Proved
from schemas.orders import FIRST_LOAD, TURN, Order
from schemas.secrets import WrappingKey

DAY = dt.date(2025, 6, 1)
AT = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.servers)])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "memory":
        yield InMemoryVaultStore()
        return
    made = VaultStore(request.getfixturevalue("fresh_database")("keyvault_contract"), WrappingKey(b"\x09" * 32))
    made.prepare(DAY)
    yield made
    made.close()


def a_mandate(handle: bytes = b"h" * 16, *, given: bool = True) -> Mandate:
    return Mandate(
        handle,
        b"p" * 16,
        9901,
        "caseworker-gm9901-1",
        "coordination",
        "wmo-2.3.2",
        DAY,
        DAY,
        given,
        1,
        "grantor-gm9901-anne",
    )


def a_look(result: str = "given", *, mandate: Mandate | None = None) -> Access:
    return Access(1_748_779_200_000, LOOK, b"h" * 16, "caseworker-gm9901-1", "127.0.0.1", mandate, result)


def test_a_named_key_is_made_once_and_stays(store: Any) -> None:
    for use in ("placement", "section"):
        key_id, secret = store.box_key(use, DAY)
        assert key_id.startswith(f"{use}-20250601-")
        assert store.box_key(use, DAY + dt.timedelta(days=400)) == (key_id, secret)
    assert store.box_key("placement", DAY) != store.box_key("section", DAY)
    assert store.pseudonym_key(DAY) == store.pseudonym_key(DAY)


def test_person_keys_come_in_the_order_asked_and_only_making_makes_them(store: Any) -> None:
    a, b, c = (bytes([i]) * 16 for i in (1, 2, 3))
    assert store.person_keys([a, b], make=False, today=DAY) == [None, None]
    made = store.person_keys([b, a, b], make=True, today=DAY)
    assert made[0] == made[2] != made[1]
    assert {len(k) for k in made} == {32}
    assert store.person_keys([a, c, b], make=False, today=DAY) == [made[1], None, made[0]]
    assert store.person_keys([a, b], make=True, today=DAY) == [made[1], made[0]]
    assert store.person_keys([], make=True, today=DAY) == []


def test_evaluations_are_limited_per_caller_and_day(store: Any) -> None:
    tomorrow = DAY + dt.timedelta(days=1)

    def take(wanted: int, *, caller: str = "intake", day: dt.date = DAY) -> tuple[int, int, int]:
        taken = store.take_evaluations(caller, wanted, day, per_day=10)
        return taken.granted, taken.left, taken.standing

    assert [take(3), take(4), take(5), take(1)] == [(3, 7, 7), (4, 3, 3), (3, 0, 0), (0, 0, 0)]
    assert take(2, caller="other") == (2, 8, 8)
    assert take(1, day=tomorrow) == (1, 9, 9)
    assert store.evaluation_days(DAY) == (12, [])
    assert store.evaluation_days(tomorrow) == (1, [12])
    assert store.evaluation_days(DAY + dt.timedelta(days=40)) == (0, [])


def test_an_order_allows_more_until_its_day_and_its_number_and_only_once(store: Any) -> None:
    def an_order(number: int, days: int, *, caller: str = "intake", identity: int = 1) -> Order:
        return Order(
            bytes([identity]) * 16, FIRST_LOAD, caller, "", number, DAY + dt.timedelta(days=days), "first load"
        )

    def take(wanted: int, day: int = 0) -> tuple[int, int]:
        taken = store.take_evaluations("intake", wanted, DAY + dt.timedelta(days=day), per_day=10)
        return taken.granted, taken.left

    assert store.place_order(an_order(15, 1), DAY)
    assert not store.place_order(an_order(1000, 30), DAY)
    assert store.place_order(an_order(7, 0, identity=2), DAY)
    assert store.place_order(an_order(50, 9, caller="other", identity=3), DAY)
    assert take(12) == (12, 20), "ten of the day, two of the order that ends first"
    assert take(8) == (8, 12)
    assert take(4, day=1) == (4, 18), "the day's own first, and an order that ended is over"
    assert take(100, day=1) == (18, 0)
    assert take(100, day=2) == (10, 0)


def test_a_turn_makes_the_next_key_once_counts_what_it_turns_and_ends_with_the_old_key_destroyed(store: Any) -> None:
    old, _ = store.pseudonym_key(DAY)
    assert store.next_pseudonym_key() is None

    def an_order(number: int, days: int, identity: int, key_id: str = old) -> Order:
        return Order(bytes([identity]) * 16, TURN, "intake", key_id, number, DAY + dt.timedelta(days=days), "yearly")

    assert store.place_order(an_order(100, 1, 1), DAY)
    new, secret = store.next_pseudonym_key()
    assert new != old
    assert store.take_turned(100, DAY, key_id=old) == 5, "a twentieth more than the order says"
    assert store.take_turned(6, DAY, key_id=old) is None, "all or none"
    assert store.take_turned(5, DAY, key_id=old) == 0
    assert not store.place_order(an_order(100, 1, 1), DAY)
    assert store.place_order(an_order(20, 2, 2), DAY)
    assert store.next_pseudonym_key() == (new, secret)
    assert store.take_turned(1, DAY, key_id=new) is None
    assert store.take_turned(1, DAY + dt.timedelta(days=2), key_id=old) == 20
    assert store.take_turned(1, DAY + dt.timedelta(days=3), key_id=old) is None, "after its last day"
    assert store.take_evaluations("intake", 50, DAY, per_day=10).granted == 10, "an order to turn allows no evaluation"

    assert not store.end_turn(old=new, new=old, today=DAY)
    assert store.pseudonym_key(DAY)[0] == old
    assert store.end_turn(old=old, new=new, today=DAY)
    assert not store.end_turn(old=old, new=new, today=DAY)
    assert (store.pseudonym_key(DAY), store.next_pseudonym_key()) == ((new, secret), None)


def test_of_a_destroyed_key_only_its_name_and_days_are_left(fresh_database: Callable[[str], str]) -> None:
    dsn = fresh_database("keyvault_contract")
    store = VaultStore(dsn, WrappingKey(b"\x09" * 32))
    store.prepare(DAY)
    old, _ = store.pseudonym_key(DAY)
    store.place_order(Order(bytes(16), TURN, "intake", old, 1, DAY, "yearly"), DAY)
    new = store.next_pseudonym_key()
    assert new is not None
    store.end_turn(old=old, new=new[0], today=DAY + dt.timedelta(days=1))
    with psycopg.connect(dsn) as c:
        rows = c.execute(
            "SELECT key_id, state, ended_on, length(wrapped) FROM named_keys WHERE use = 'voprf' ORDER BY state"
        ).fetchall()
    store.close()
    assert [(k, s, e) for k, s, e, _ in rows] == [
        (new[0], "active", None),
        (old, "destroyed", DAY + dt.timedelta(days=1)),
    ]
    assert rows[1][3] == 0 < rows[0][3]


def test_who_is_erased_has_no_key_any_more_gets_none_and_opens_nothing(store: Any) -> None:
    handle, person = b"e" * 16, b"p" * 16
    store.learn_mandates([a_mandate(handle)], partition=0, next_offset=1)
    assert store.person_keys([person], make=True, today=DAY) != [None]
    line = store.write_log(a_look(mandate=a_mandate(handle)), most=60, since_ms=0)
    by = Proved(Decision(b"r" * 16, 9901, True, "avg-17", "", 20_000, 20_001), ("grantor-gm9901-a", "grantor-gm9901-b"))
    store.erase(person, by=by, at_ms=5, line=(line["sequence"], line["hash"]))
    assert store.erasure(b"r" * 16) == Erasure(person, by.decision, by.deciders, 5, 1, line["sequence"], line["hash"])
    assert store.erasure(b"q" * 16) is None
    assert store.person_keys([person, b"q" * 16], make=True, today=DAY)[0] is None
    assert store.mandate(handle).given is False
    store.learn_mandates([a_mandate(b"f" * 16)], partition=0, next_offset=2)
    assert store.mandate(b"f" * 16).given is False, "one that was on its way opens nothing either"
    assert [r["client"] for r in store.log_lines(after=0, limit=9)] == [line["client"]], (
        "the line stays, under the log's own id"
    )
    assert store.log_of(person, b"h" * 16, limit=9) == []


def test_a_year_of_a_partition_has_one_key(store: Any) -> None:
    first = store.year_keys(3, [2024, 2025], DAY)
    assert len({*first, *store.year_keys(4, [2024], DAY)}) == 3
    assert store.year_keys(3, [2025, 2024], DAY) == first[::-1]
    assert store.signing_key(DAY) == store.signing_key(DAY)
    assert store.has_year_keys(3, [2024])
    store.destroy_years(3, [2024, 2023])
    assert store.year_keys(3, [2023, 2024, 2025], DAY) == [None, None, first[1]], "and none is made again"
    assert not store.has_year_keys(3, [2023, 2024])
    assert store.year_keys(4, [2024], DAY) != [None]


def test_mandates_and_offset_move_together_and_never_back(store: Any) -> None:
    assert store.mandates_next_offset(0) == 0
    assert store.mandate(b"h" * 16) is None
    store.learn_mandates([a_mandate()], partition=0, next_offset=5)
    assert (store.mandates_next_offset(0), store.mandate(b"h" * 16)) == (5, a_mandate())
    store.learn_mandates([], partition=0, next_offset=3)
    assert store.mandates_next_offset(0) == 5


def test_what_was_withdrawn_by_the_road_stays_so_whatever_comes_again(store: Any) -> None:
    given, withdrawn = a_mandate(), a_mandate(given=False)
    store.learn_mandates([given, withdrawn, given], partition=0, next_offset=3)
    assert store.mandate(given.handle) == withdrawn
    store.learn_mandates([given], partition=0, next_offset=4)
    assert store.mandate(given.handle) == withdrawn


def test_a_withdrawal_here_counts_before_and_after_but_only_from_its_own_municipality(store: Any) -> None:
    one, two, three = (a_mandate(bytes([i]) * 16) for i in (1, 2, 3))
    store.withdraw(one.handle, by="gm9901", at=AT)
    store.withdraw(two.handle, by="gm9902", at=AT)
    store.learn_mandates([one, two, three], partition=0, next_offset=3)
    store.withdraw(three.handle, by="gm9901", at=AT)
    store.withdraw(three.handle, by="gm9901", at=AT)
    assert [store.mandate(m.handle) for m in (one, two, three)] == [
        replace(one, given=False),
        two,
        replace(three, given=False),
    ]
    store.withdraw(two.handle, by="gm9901", at=AT)
    assert store.mandate(two.handle) == replace(two, given=False)


def test_the_log_is_a_chain_and_knows_what_is_not_published_yet(store: Any) -> None:
    assert store.log_head() == (0, FIRST)
    written = [
        store.write_log(a_look(result, mandate=m), most=60, since_ms=0)
        for result, m in (("given", a_mandate()), ("expired", None), ("given", None))
    ]
    assert [r["sequence"] for r in written] == [1, 2, 3]
    assert (written[0]["purpose"], written[0]["ground"], written[1]["purpose"]) == ("coordination", "wmo-2.3.2", "")
    assert first_break(written) is None
    assert store.log_head() == (3, written[-1]["hash"])
    assert store.unpublished_log(10) == written
    assert store.unpublished_log(2) == written[:2]
    store.log_published(2)
    store.log_published(1)
    assert store.unpublished_log(10) == written[2:]
    store.log_published(3)
    assert store.unpublished_log(10) == []


def test_a_reader_is_given_so_many_different_households_and_no_more(store: Any) -> None:
    mandates = [replace(a_mandate(bytes([n]) * 16), person=bytes([n]) * 16) for n in range(1, 8)]
    store.learn_mandates(mandates, partition=0, next_offset=7)

    homes = [bytes([n // 2 + 50]) * 16 for n in range(1, 8)]

    def look(
        n: int, *, at_ms: int = 1000, reader: str = "caseworker-gm9901-1", result: str = "given", since_ms: int = 0
    ) -> str:
        mandate = mandates[n - 1]
        record = store.write_log(
            Access(at_ms, LOOK, mandate.handle, reader, "127.0.0.1", mandate, result, household=homes[n - 1]),
            most=2,
            since_ms=since_ms,
        )
        return str(record["result"])

    assert [look(1, result="expired"), look(2, result="signature")] == ["expired", "signature"], (
        "refused tries do not count"
    )
    assert [look(1), look(2), look(1)] == ["given"] * 3
    assert look(4) == "household-limit", "households 0 and 1 were looked at; 4 shows household 2"
    assert look(3) == "given", "another mandate of household 1"
    assert look(4, reader="caseworker-gm9901-2") == "given"
    assert look(4, at_ms=2000, since_ms=1001) == "given", "the others were longer ago"
    assert look(6, at_ms=2001, since_ms=1001) == "given"
    assert look(1, at_ms=2002, since_ms=1001) == "household-limit"
    assert first_break(store.unpublished_log(100)) is None
