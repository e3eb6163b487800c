"""CR-4: everything that is sent is sent three times, at once and again later: state and log are as after once.

A look is a look each time, and a line of the log each time. On the road, with real servers: `integration/test_road_bad_input`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from erasure_builders import REQUEST, SIGNERS, key_of, signed
from ledger_builders import TODAY, a_hop_record, a_mandate_change, a_row, a_withdrawal, sixteen
from ledger_builders import a_mandate as a_given_mandate
from three_roots import pinned, two_of
from vault_builders import DAY, HANDLE, READER, VaultInMemory, a_look, a_mandate, a_record

from keyvault import blinding
from keyvault.access_log import ChainCheck, first_break
from keyvault.erasure_work import ErasureWork
from keyvault.key_work import KeyWork
from keyvault.memory_store import InMemoryVaultStore
from keyvault.mutual_tls import Caller
from keyvault.pseudonym_work import PseudonymWork
from keyvault.store import VaultStore
from producers.outbox import Outbox
from projections.release.signing import signed as released
from projections.subscribers import HouseholdSubscriber, ReleaseSubscriber
from schemas import codec
from schemas.directory import Directory, Entry, sign_entry
from schemas.errors import Refused
from schemas.orders import Order, add_signature, signed_order
from schemas.roots import sign_change
from schemas.sealing import box_public_key, open_sealed, verify_key_of
from schemas.secrets import BoxKey, SigningKey, WrappingKey
from streams import release_store
from streams.hop import InputRecord
from tests.integration.ledger_in_postgres import ANNE, BRAM, Ledger, codes, person_events, receipts
from tests.property.books_in_memory import folded, projector, written
from tests.property.ledger_histories import AREAS, DAYS, PERSONS, Closed, Placed, Said

ROOT, KEY = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)
INTAKE, OPERATOR, PROJECTOR, GEMEENTE = (Caller(n, b"") for n in ("intake", "operator", "projector", "gm9901"))


def thrice(items: Sequence[Any]) -> Iterator[list[Any]]:
    """Each three times, then the whole of it three times, then the whole and its beginning again."""
    yield [i for i in items for _ in range(3)]
    yield list(items) * 3
    yield [*items, *items[:1], *items[:2]]


# --- the road -----------------------------------------------------------------------------------------------------


def again_at(records: Sequence[InputRecord]) -> list[InputRecord]:
    """The same bytes as they lie on the topic when they were sent so: each at the next offset of its partition."""
    offsets: dict[int, int] = {}
    found = []
    for record in records:
        offset = offsets[record.partition] = offsets.get(record.partition, -1) + 1
        found.append(replace(record, offset=offset))
    return found


def test_the_ledgers_records_three_times_leave_the_projector_with_the_same_books() -> None:
    said = [
        Said(
            PERSONS[n % 3], kind=0, cents=100 + n, day=DAYS[n % 3], care_type=1, payer=9901, provider=98000001, volume=n
        )
        for n in range(9)
    ]
    history = [
        (Placed(PERSONS[0], 1, ((0, "home", AREAS[0]),)), said[0]), *((s,) for s in said[1:5]), (Closed(0),), (Closed(1),),
        (Placed(PERSONS[1], 1, ((0, "home", AREAS[0]),)),), *((s,) for s in said[5:]), (Placed(PERSONS[0], 2, ((0, "next door", AREAS[1]),)),),
    ]  # fmt: skip
    once = folded(history)
    for sent in thrice(written(history)):
        with projector(tables := type(once)()) as engine:
            letters = [row for window in engine.windows(again_at(sent)) for row in engine.process(window)]
        assert tables.books() == once.books()
        assert (tables.placements, tables.open_epochs) == (once.placements, once.open_epochs)
        assert letters == []


@pytest.fixture
def ledgers(fresh_database: Callable[[str], str]) -> Iterator[Callable[[], Ledger]]:
    """Ledgers of one network, each with its own database."""
    made: list[Ledger] = []

    def make() -> Ledger:
        one = Ledger(fresh_database(f"ledger_{len(made)}"))
        if made:
            one.network = made[0].network
            one.restart()
        made.append(one)
        return one

    yield make
    for one in made:
        one.store.close()


def everything_sent(ledger: Ledger) -> list[bytes]:
    """Deliveries, a correction, mandates, a change, a withdrawal, closed months, a request to erase and its decision."""
    network = ledger.network

    def of_gemeente(number: int, **part: Any) -> bytes:
        return network.rekeyed(network.content_part(**part), [ANNE, BRAM], sender="gm9901", number=number)

    for name, key in SIGNERS.items():
        entry = Entry("grantor", name, f"{name}-1", "signing", verify_key_of(key), valid_from=0)
        network.directory.learn(sign_entry(two_of(network.root), entry))
    asked = {"request": REQUEST, "code": "0200", "person": bytes(16), "decision": b""}
    own = {"reader": "family-gm9901-a1b2", "purpose": "own-file"}
    month = {"payer": 9901, "stream": "wmo", "month": (1970 + TODAY // 366) * 12, "nothing_delivered": False}
    return [
        ledger.deliver(a_row("R1"), a_row("R2", subject=1)), ledger.deliver(a_withdrawal("R1"), number=2),
        of_gemeente(1, mandates=[a_given_mandate("M1"), a_given_mandate("M2", subject=1, **own)]),
        of_gemeente(2, mandates_changed=[a_mandate_change("M1", valid_until=TODAY + 30)]),
        of_gemeente(3, mandates_withdrawn=[sixteen("M2")]),
        network.rekeyed(network.content_part(months=[month]), [], number=3),
        network.rekeyed(network.content_part(), [ANNE], sender="gm9901", number=4, erasures=[asked]),
        network.rekeyed(network.content_part(), [], sender="gm9901", number=5, erasures=[asked | {"person": ANNE, "decision": signed()}]),
    ]  # fmt: skip


def rows_in(dsn: str) -> dict[str, list[Any]]:
    """Everything in a ledger's database but where it is in its input, and what waits to be sent."""
    with psycopg.connect(dsn) as c:
        names = [n for (n,) in c.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]
        kept = [n for n in names if n not in ("hop_input", "hop_outbox")]
        return {n: sorted(map(str, c.execute(f"SELECT * FROM {n}").fetchall())) for n in kept}


def test_intakes_records_three_times_leave_the_ledger_as_after_once(ledgers: Callable[[], Ledger]) -> None:
    one = ledgers()
    bodies = everything_sent(one)
    records = [a_hop_record(b, role="intake", number=n) for n, b in enumerate(bodies, 1)]
    told = [row for w in one.engine.windows(records) for row in one.engine.process(w)]
    assert len(receipts(told)) == len(bodies)
    assert codes(told) == []
    expected = rows_in(one.dsn)
    for sent in thrice(records):
        other = ledgers()
        heard = [row for w in other.engine.windows(again_at(sent)) for row in other.engine.process(w)]
        assert receipts(heard) == receipts(told)
        assert len(person_events(heard)) == len(person_events(told))
        assert rows_in(other.dsn) == expected


def test_the_same_things_in_new_envelopes_change_nothing_and_are_told_as_known(ledgers: Callable[[], Ledger]) -> None:
    one = ledgers()
    bodies = everything_sent(one)[:5]
    one.take(*bodies)
    before = rows_in(one.dsn)
    network = one.network
    again = [
        one.deliver(a_row("R1"), a_row("R2", subject=1), number=4), one.deliver(a_withdrawal("R1"), number=5),
        network.rekeyed(network.content_part(mandates_changed=[a_mandate_change("M1", valid_until=TODAY + 30)], mandates_withdrawn=[sixteen("M2")]), [ANNE, BRAM], sender="gm9901", number=5),
    ]  # fmt: skip
    for _ in range(2):
        told = one.take(*again)
        assert person_events(told) == []
        assert [(r["accepted"], r["duplicates"]) for r in receipts(told)] == [(0, 2), (0, 1), (0, 2)]
    after = rows_in(one.dsn)
    assert {n: r for n, r in after.items() if n != "hop_streams"} == {
        n: r for n, r in before.items() if n != "hop_streams"
    }


# --- the keyvault -------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> VaultInMemory:
    made = VaultInMemory(tmp_path)
    made.store.learn_mandates([a_mandate()], partition=0, next_offset=1)
    return made


def three(work: Callable[[Caller, bytes], bytes], caller: Caller, body: bytes) -> list[bytes]:
    return [work(caller, body) for _ in range(3)]


def lines(here: VaultInMemory) -> list[tuple[str, str]]:
    return [(r["action"], r["result"]) for r in here.log.records]


@pytest.mark.parametrize("kind", ["memory", pytest.param("postgres", marks=pytest.mark.servers)])
def test_mandates_three_times_and_in_any_order_leave_the_newest(kind: str, request: pytest.FixtureRequest) -> None:
    states = [
        a_mandate(revision=1),
        a_mandate(revision=2, purpose="youth-help"),
        a_mandate(revision=2, purpose="youth-help", given=False),
    ]
    for n, sent in enumerate([*thrice(states), *(states + list(o) for o in itertools.permutations(states))]):
        store: Any = InMemoryVaultStore()
        if kind == "postgres":
            if n > 3:
                break
            store = VaultStore(request.getfixturevalue("fresh_database")(f"vault_{n}"), WrappingKey(b"\x09" * 32))
            store.prepare(DAY)
        for offset, state in enumerate(sent, 1):
            store.learn_mandates([state], partition=0, next_offset=offset)
        found = store.mandate(HANDLE)
        assert (found.revision, found.purpose, found.given) == (2, "youth-help", False)
        if kind == "postgres":
            store.close()


def test_a_look_is_a_look_each_time_and_a_line_each_time(here: VaultInMemory) -> None:
    caller, pem = here.caller(READER)
    record, once = a_record(here.section_public), BoxKey(b"\x05" * 32)
    body = a_look(record, pem)
    answers = [codec.decode("vault_look_answer", a) for a in three(here.vault.look, caller, body)]
    assert len({open_sealed(once, a["keys"][0]) for a in answers}) == 1
    assert [a["log_sequence"] for a in answers] == [1, 2, 3]
    assert lines(here) == [("look", "given")] * 3


def test_a_withdrawal_an_order_an_erasure_and_the_ends_of_keys_three_times_are_one(here: VaultInMemory) -> None:
    here.vault.evaluations = replace(
        here.vault.evaluations, operators={"anne": verify_key_of(KEY), "bob": verify_key_of(ROOT)}, least=1, inhabitants=50
    )  # fmt: skip
    work, keys, erasures = (
        PseudonymWork(here.vault),
        KeyWork(here.vault),
        ErasureWork(here.vault, key_of, lambda _: None),
    )
    old = here.store.pseudonym_key(DAY)[0]

    three(here.vault.withdraw, GEMEENTE, codec.encode("vault_mandate", {"handle": HANDLE}))
    assert lines(here) == [("withdraw", "given")] * 3, "asked again is told again, and closed is closed"

    order = signed_order(Order.first_load(number=5, until=DAY, why="first").encoded(), {})
    for name, key in (("anne", KEY), ("bob", ROOT)):
        order = add_signature(order, name, key)
    three(work.order, OPERATOR, order)
    batch = blinding.blind([bytes([n]) for n in range(20)])
    body = codec.encode("vault_elements", {"key_id": old, "elements": list(batch.elements)})
    assert len(codec.decode("vault_evaluation", work.evaluate(INTAKE, body))["elements"]) == 1 + 5, (
        "not three times five"
    )
    assert lines(here)[3:] == [("order", "given")] * 3
    with pytest.raises(Refused, match="no more pseudonyms"):
        work.evaluate(INTAKE, body)

    here.log.records.clear()
    erase = codec.encode("vault_erase", {"person": ANNE, "decision": signed()})
    here.store.person_keys([ANNE], make=True, today=DAY)
    three(erasures.erase, PROJECTOR, erase)
    year = codec.encode("vault_settled_keys", {"partition": 1, "years": [2023]})
    erasures.year_keys(PROJECTOR, year)
    three(erasures.destroy_years, PROJECTOR, year)
    assert lines(here) == [("erase", "given"), ("year-end", "given")]
    assert here.store.person_keys([ANNE], make=True, today=DAY) == [None]

    here.log.records.clear()
    name = codec.decode("vault_key_name", keys.turn_section(OPERATOR, b""))["key_id"]
    three(keys.settle_section, PROJECTOR, codec.encode("vault_key_name", {"key_id": name}))
    assert lines(here) == [("turn", "given"), ("turn-end", "given")]


def test_the_end_of_a_turn_three_times_ends_one_key(here: VaultInMemory) -> None:
    old, work = here.store.pseudonym_key(DAY)[0], PseudonymWork(here.vault)
    here.store.place_order(Order.turn(key_id=old, number=5, until=DAY, why="yearly"), DAY)
    new = here.store.next_pseudonym_key()[0]  # type: ignore[index]
    three(work.end_turn, INTAKE, codec.encode("vault_turn_end", {"old_key_id": old, "new_key_id": new}))
    assert lines(here) == [("turn-end", "given")]
    assert here.store.pseudonym_key(DAY)[0] == new


def test_evaluations_asked_again_are_counted_again_and_give_the_same(here: VaultInMemory) -> None:
    key_id, batch = here.store.pseudonym_key(DAY)[0], blinding.blind([b"a"])
    body = codec.encode("vault_elements", {"key_id": key_id, "elements": list(batch.elements)})
    answers = three(PseudonymWork(here.vault).evaluate, INTAKE, body)
    assert len({codec.decode("vault_evaluation", a)["elements"][0] for a in answers}) == 1
    assert here.store.evaluation_days(DAY)[0] == 3


def test_lines_of_the_log_three_times_on_the_topic_are_one_log(here: VaultInMemory) -> None:
    caller, pem = here.caller(READER)
    for version in (1, 2, 3):
        here.vault.look(caller, a_look(a_record(here.section_public, version=version), pem))
    assert first_break(here.log.records) is None
    for sent in thrice(here.log.records):
        check = ChainCheck(heads={3: here.log.records[2]["hash"]})
        check.take(sent)
        assert check.end() == []


# --- what readers take --------------------------------------------------------------------------------------------


def test_entries_of_the_directory_and_changes_of_the_root_three_times_leave_the_newest() -> None:
    def an_entry(version: int, **changes: Any) -> bytes:
        usual: dict[str, Any] = {
            "kind": "sender",
            "name": "gm9901",
            "key_id": "s-1",
            "use": "signing",
            "public_key": b"k" * 32,
        }
        return sign_entry(two_of(ROOT), Entry(**(usual | {"valid_from": 0, "version": version} | changes)))

    entries = [an_entry(1), an_entry(2, revoked_at_ms=5), sign_change(two_of(ROOT), replace(pinned(KEY), version=2))]
    for sent in thrice(entries[:2]):
        known = Directory(pinned(ROOT))
        for data in sent:
            known.take(data)
        assert known.sender_key("gm9901", "s-1").revoked_at_ms == 5  # type: ignore[union-attr]
    for sent in thrice(entries):
        known = Directory(pinned(ROOT))
        for data in sent:
            try:
                known.take(data)
            except Refused:
                assert known.roots.version == 2, "what the root of before signed counts no more"
        assert known.roots.keys == pinned(KEY).keys
        assert known.sender_key("gm9901", "s-1").revoked_at_ms == 5  # type: ignore[union-attr]


def test_household_records_again_leave_the_newest_and_none_comes_back_after_its_mandates_end(
    here: VaultInMemory,
) -> None:
    caller, pem = here.caller(READER)
    made = [codec.encode("household_record", a_record(here.section_public, version=v)) for v in (1, 2, 3)]

    class Vault:
        def look(self, record: dict[str, Any]) -> None:
            here.vault.look(caller, a_look(record, pem, once=box_public_key(BoxKey(b"\x05" * 32))))

    for sent in thrice(made):
        reader = HouseholdSubscriber({}, "g", 9901, HANDLE, Vault())  # type: ignore[arg-type]
        for value in sent:
            reader._take(value)
        assert reader._record["version"] == 3  # type: ignore[index]
    here.vault.withdraw(GEMEENTE, codec.encode("vault_mandate", {"handle": HANDLE}))
    reader._take(b"")
    reader._take(made[2])
    with pytest.raises(Refused, match="withdrawn"):
        reader.look()


def test_releases_again_leave_the_newest() -> None:
    def a_release(version: int) -> bytes:
        fields = {"municipality": 9901, "level": "macro", "epoch": 24_300, "version": version, "cells": [], "completeness": [], "protection": "",
                  "parameters": "", "geometry_hash": bytes(32), "ledger_hash": bytes(32), "software": "",
                  "published_on": 20_120, "previous": bytes(32), "given_up": [], "awaits_quarter": False, "concentration": []}  # fmt: skip
        return released(KEY, codec.encode("released_epoch", fields))

    for sent in thrice([a_release(v) for v in (1, 2, 3)]):
        page = ReleaseSubscriber({}, "g", "macro.gm9901.v1", lambda _: [verify_key_of(KEY)])
        assert all(page.take(data, 0) for data in sent)
        assert page.epochs[24_300]["version"] == 3


def test_orders_to_close_and_requests_of_municipalities_three_times_are_one(
    fresh_database: Callable[[str], str],
) -> None:
    with release_store.connect(fresh_database("release")) as c:
        for statement in release_store.DDL:
            c.execute(statement.encode())
        for sent in thrice([0, 1, 2]):
            for epoch in sent:
                release_store.order(c, epoch=epoch, month=24_300 + epoch, first_month=24_300)
                release_store.ask(c, request=f"gm9901-{epoch}", municipality=9901, datum=b"datum %d" % epoch)
                release_store.ask(c, request=f"gm9901-{epoch}", municipality=9902, datum=b"another's")
        assert c.execute("SELECT count(*), max(epoch) FROM closings").fetchone() == (3, 2)
        assert release_store.requests(c, 9901) == [b"datum 0", b"datum 1", b"datum 2"]
        assert release_store.requests(c, 9902) == []


def test_receipts_three_times_end_their_numbers_once(tmp_path: Path) -> None:
    def a_receipt(number: int) -> dict[str, Any]:
        return {"outbox": box.id.raw, "number": number, "kind": "final", "code": "0200", "accepted": 1, "duplicates": 0, "refused": [],
                "log_sequence": number, "log_hash": bytes(32)}  # fmt: skip

    for n, sent in enumerate(thrice([1, 2])):
        box = Outbox(tmp_path / f"{n}.sqlite")
        for _ in range(3):
            box.add(lambda outbox, number: outbox.raw + bytes([number]), events=1, file="f.xml", references={})
        told = [box.take_receipt(a_receipt(number), next_offset=offset) for offset, number in enumerate(sent, 1)]
        assert [w.number for w in box.waiting(after=0)] == [3]
        assert len([t for t in told if t is not None]) == len(box.receipts()) == 2
        box.close()
