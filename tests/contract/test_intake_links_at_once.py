"""A link and a move of the other, heard by two workers at once: whoever commits first, both persons end at one place."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from producers.packing import identity_of
from schemas.frames import ALWAYS, PLACEMENT_ROW
from schemas.sealing import box_public_key
from schemas.secrets import AddressKey, BoxKey
from schemas.values import SenderId
from streams import intake_store
from streams.address_book import AddressBook
from streams.hop import InputRecord, Numbered
from streams.hop_store import PostgresHopStore, prepared
from streams.intake_placing import Opened, Placing
from streams.intake_role import IntakeRole
from streams.metrics import WorkerMetrics
from tests.unit.ledger_builders import sixteen

ANNE, BRAM = sixteen("Anne"), sixteen("Bram")
MARCH = 20_160
LONG_ENOUGH = 10

pytestmark = pytest.mark.servers


@pytest.fixture
def role(tmp_path) -> IntakeRole:
    (tmp_path / "address_register.csv").write_text("PC6;Huisnummer;Buurt;Wijk;Gemeente\n1234AB;7;BU99010101;;\n")
    (tmp_path / "clusters.csv").write_text("PC6;Buurt;Cluster\n1234AB;BU99010101;3\n")
    (tmp_path / "special_addresses.csv").write_text("PC6;Huisnummer;Toevoeging;Soort\n")
    public = box_public_key(BoxKey.generate())
    unused: Any = None
    return IntakeRole(
        directory=unused, identity_keys={}, pseudonyms=unused, placing=Placing(AddressBook.read([tmp_path]), AddressKey(bytes(32)), lambda persons: [public] * len(persons)),
        metrics=WorkerMetrics("intake"), learn_more=lambda: None,
    )  # fmt: skip


@pytest.fixture
def stores(fresh_database):
    dsn = fresh_database("intake")
    with prepared(dsn, intake_store.DDL):
        pass
    made = [PostgresHopStore(dsn, "intake") for _ in range(2)]
    yield made
    for store in made:
        store.close()


def heard(sender: str, persons: list[bytes], **identity: Any) -> Opened:
    header: Any = SimpleNamespace(header=SimpleNamespace(sender=SenderId(sender)))
    payload: Any = SimpleNamespace(envelope=header)
    parts = identity_of(**identity)
    return Opened(Numbered(InputRecord(0, 0, b"", b"", 0), b"", 1, payload), parts, {}, persons)


def a_move() -> Opened:
    address = {"postcode": "1234AB", "number": 7, "suffix": ""}
    return heard("p99000001", [BRAM], subjects=[{"address": address, "as_of": MARCH, "born": None}])


def a_link() -> Opened:
    link = {"subject": 0, "to_subject": 1, "from_day": ALWAYS, "until_day": None}
    nobody = {"address": None, "as_of": None, "born": None}
    return heard("gm9901", [ANNE, BRAM], subjects=[nobody, nobody], links=[link])


@pytest.mark.parametrize("first", [a_move, a_link])
def test_a_link_and_a_move_heard_at_once_end_at_one_place(role, stores, first) -> None:
    other = a_link if first is a_move else a_move
    early, late = stores

    def hear_the_other() -> None:
        with late.transaction() as tx:
            role.placing.place(tx, [other()], {})

    waiting = threading.Thread(target=hear_the_other)
    with early.transaction() as tx:
        role.placing.place(tx, [first()], {})
        waiting.start()
        waiting.join(0.5)
    waiting.join(LONG_ENOUGH)
    with early.transaction() as tx:
        found = intake_store.lock_placements(tx, [ANNE, BRAM])
    assert found[ANNE][1] == found[BRAM][1]
    assert len(found[ANNE][1]) == PLACEMENT_ROW.itemsize
