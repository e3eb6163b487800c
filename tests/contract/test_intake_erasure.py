"""Intake forgets who asked to be erased, on a real PostgreSQL: and who comes back is somebody new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from erasure_builders import REQUEST, a_decision, key_of, signed

from keyvault import group, voprf
from keyvault.client import PublicKey
from producers.packing import identity_of
from schemas.frames import ZERO16
from schemas.secrets import AddressKey, Bsn, PersonIdKey
from schemas.values import SenderId
from streams import intake_store
from streams import pseudonym_table as table
from streams.address_book import AddressBook
from streams.hop import InputRecord, Numbered
from streams.hop_store import PostgresHopStore, prepared
from streams.intake_erasure import ErasureDesk, Heard
from streams.intake_placing import Opened, Placing
from streams.pseudonym_table import scalar_print
from streams.pseudonyms import Asked, Pseudonyms

pytestmark = pytest.mark.servers
SCALAR, KEY = group.random_scalar(), group.random_scalar().reveal()
ANNE, BRAM, COR = "999900006", "999900018", "999900031"
ADDRESS = {"postcode": "1234AB", "number": 7, "suffix": ""}
DAY = 20_001


class Evaluator:
    has_spare = True

    def elements(self, inputs: list[bytes], pinned: object) -> list[bytes]:
        del pinned
        return [group.multiply(KEY, voprf.hash_to_group(i)) for i in inputs]


def pseudonyms() -> Pseudonyms:
    pinned = {"voprf-1": PublicKey("voprf-1", bytes(32))}.get
    return Pseudonyms(Evaluator(), pinned, {scalar_print(SCALAR): SCALAR}, PersonIdKey(bytes(32)), bytes(32))


@pytest.fixture
def store(fresh_database: Any) -> Iterator[PostgresHopStore]:
    dsn = fresh_database("intake")
    with prepared(dsn, intake_store.DDL):
        pass
    made = PostgresHopStore(dsn, "intake")
    with made.transaction() as tx:
        table.begin(tx, key_id="voprf-1", scalar_print=scalar_print(SCALAR), state=table.IN_USE)
    yield made
    made.close()


@pytest.fixture
def placing(tmp_path: Path) -> Placing:
    (tmp_path / "address_register.csv").write_text("PC6;Huisnummer;Buurt;Wijk;Gemeente\n1234AB;7;BU99010101;;\n")
    (tmp_path / "clusters.csv").write_text("PC6;Buurt;Cluster\n1234AB;BU99010101;3\n")
    (tmp_path / "special_addresses.csv").write_text("PC6;Huisnummer;Toevoeging;Soort\n")
    return Placing(
        AddressBook.read([tmp_path]), AddressKey(bytes(32)), lambda persons: [bytes([9]) + bytes(31)] * len(persons)
    )


def who(
    store: PostgresHopStore,
    *bsns: str,
    role: Pseudonyms | None = None,
    sender: str = "p99000001",
    only_known: bool = False,
) -> list[bytes]:
    asked = [Asked(sender, b.encode()[:8] * 2, Bsn(b), 1, 24_300, only_known) for b in bsns]
    with store.transaction() as tx:
        return (role or pseudonyms()).resolve(tx, asked)[0]


def heard(
    store: PostgresHopStore,
    *,
    asked: list[tuple[bytes, bytes]] = (),
    decided: tuple[bytes, ...] = (),
    gemeente: int = 9901,
) -> Heard:  # type: ignore[assignment]
    """What becomes of requests (request, person) and decisions of a municipality."""
    identity = identity_of(
        erasures_asked=[{"subject": i, "request": r} for i, (r, _) in enumerate(asked)], erasures_decided=list(decided)
    )
    with store.transaction() as tx:
        return ErasureDesk(gemeente, key_of, DAY, {}).hear(tx, identity, [p for _, p in asked], {})


def codes(found: Heard) -> list[str]:
    return [row["code"] for row in found.rows]


def lives(
    store: PostgresHopStore, placing: Placing, person: bytes, sender: str = "p99000001", **identity: Any
) -> Opened:
    payload: Any = SimpleNamespace(envelope=SimpleNamespace(header=SimpleNamespace(sender=SenderId(sender))))
    parts = identity_of(subjects=[{"address": ADDRESS, "as_of": 20_000, "born": None}], **identity)
    opened = Opened(Numbered(InputRecord(0, 0, b"", b"", 0), b"", 1, payload), parts, {}, [person])
    with store.transaction() as tx:
        placing.place(tx, [opened], {})
    return opened


def rows(store: PostgresHopStore, person: bytes) -> dict[str, int]:
    tables = ("elements", "dated_addresses", "residences", "placements", "births", "links")
    with store.transaction() as tx:
        counted = {
            t: tx.execute(f"SELECT count(*) FROM {t} WHERE person = %s".encode(), (person,)).fetchone()[0]
            for t in tables
        }
    return {t: n for t, n in counted.items() if n}


def test_who_is_erased_leaves_no_row_and_returns_as_somebody_new(store: PostgresHopStore, placing: Placing) -> None:
    running = pseudonyms()
    anne, bram = who(store, ANNE, BRAM, role=running)
    lives(store, placing, anne)
    assert rows(store, anne) == {"elements": 1, "dated_addresses": 1, "placements": 1}
    assert codes(heard(store, asked=[(REQUEST, anne)])) == ["0200"]
    assert who(store, ANNE, role=running) == [anne], "asking changes nothing"
    found = heard(store, decided=(signed(),))
    assert [(r["code"], r["person"], r["decision"]) for r in found.rows] == [("0200", anne, signed())]
    assert rows(store, anne) == {}
    for role in (running, pseudonyms()):
        (again,) = who(store, ANNE, role=role)
        assert again not in (anne, bram, ZERO16)
    assert who(store, ANNE, BRAM, sender="p99000002") == [again, bram], "for every sender the same new one"


def test_each_return_after_an_erasure_is_another_person(store: PostgresHopStore) -> None:
    seen = []
    for n in range(4):
        (person,) = who(store, ANNE)
        seen.append(person)
        request = bytes([n]) * 16
        assert codes(heard(store, asked=[(request, person)])) == ["0200"]
        assert codes(heard(store, decided=(signed(a_decision(request)),))) == ["0200"]
    assert len(set(seen)) == 4


def test_who_is_not_known_is_not_made_known_by_asking(store: PostgresHopStore) -> None:
    assert who(store, COR, only_known=True) == [ZERO16]
    with store.transaction() as tx:
        assert tx.execute("SELECT count(*) FROM elements").fetchone() == (0,)
        assert tx.execute("SELECT count(*) FROM handle_cache").fetchone() == (0,)
    (cor,) = who(store, COR)
    assert who(store, COR, only_known=True) == [cor]


def test_asked_twice_decided_twice_and_by_another(store: PostgresHopStore, placing: Placing) -> None:
    anne, bram = who(store, ANNE, BRAM)
    lives(store, placing, anne)
    assert codes(heard(store, asked=[(REQUEST, anne)], gemeente=9902)) == ["erasure-elsewhere"]
    assert codes(heard(store, asked=[(REQUEST, anne), (REQUEST, anne), (b"q" * 16, anne), (REQUEST, bram)])) == [
        "0200",
        "0200",
        "erasure-asked",
        "erasure-request",
    ]
    assert codes(heard(store, decided=(signed(a_decision(b"x" * 16)),))) == ["erasure-request"], (
        "of a request nobody made"
    )
    assert codes(heard(store, decided=(signed(),), gemeente=9902)) == ["erasure-request"]
    assert codes(heard(store, decided=(signed(None, "grantor-gm9901-anne"), b"no decision"))) == [
        "erasure-signatures",
        "unreadable",
    ]
    refusal = signed(a_decision(granted=False))
    assert codes(heard(store, decided=(refusal, refusal, signed()))) == ["0200", "0200", "erasure-request"], (
        "what was refused is not granted"
    )
    assert rows(store, anne)["elements"] == 1
    assert codes(heard(store, asked=[(b"s" * 16, anne)])) == ["0200"], "after a refusal one may ask again"
    granted = signed(a_decision(b"s" * 16))
    assert codes(heard(store, decided=(granted, granted))) == ["0200", "0200"], (
        "the ledger hears it again and takes it once"
    )
    assert codes(heard(store, decided=(signed(a_decision(b"s" * 16, granted=False)),))) == ["erasure-request"]


def test_who_was_linked_to_someone_erased_counts_at_home_again(store: PostgresHopStore, placing: Placing) -> None:
    anne, bram = who(store, ANNE, BRAM)
    lives(store, placing, anne)
    payload: Any = SimpleNamespace(envelope=SimpleNamespace(header=SimpleNamespace(sender=SenderId("gm9901"))))
    link = identity_of(
        subjects=[{"address": None, "as_of": None, "born": None}] * 2,
        links=[{"subject": 0, "to_subject": 1, "from_day": 20_000, "until_day": None}],
    )
    linked = Opened(Numbered(InputRecord(0, 0, b"", b"", 0), b"", 1, payload), link, {}, [bram, anne])
    with store.transaction() as tx:
        placing.place(tx, [linked], {})
    assert [p["person"] for p in linked.placements] == [bram]
    heard(store, asked=[(REQUEST, anne)])
    found = heard(store, decided=(signed(),))
    assert found.moved == {bram}
    with store.transaction() as tx:
        placing.place(tx, [linked := Opened(linked.taken, identity_of(), {}, [])], {bram: linked})
        assert tx.execute("SELECT count(*) FROM links").fetchone() == (0,)
    assert [p["person"] for p in linked.placements] == [bram]


def test_news_of_someone_who_is_gone_leaves_nothing(store: PostgresHopStore, placing: Placing) -> None:
    (anne,) = who(store, ANNE)
    heard(store, asked=[(REQUEST, anne)])
    heard(store, decided=(signed(),))
    late = lives(store, placing, anne)  # a window that knew the id from before
    assert late.placements == []
    assert rows(store, anne) == {}
