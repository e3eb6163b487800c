"""A ledger with its own database on a real PostgreSQL, and what it sends, opened. For tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from schemas import codec
from schemas.frames import LEDGER_ROW, rows_of
from schemas.sealing import open_events
from streams.hop_engine import HopEngine
from streams.hop_store import OutboxRow, PostgresHopStore, prepared
from streams.ledger_role import LedgerRole
from streams.ledger_store import DDL
from streams.metrics import WorkerMetrics
from tests.unit.ledger_builders import PAYER, PROVIDER, KeysInMemory, Network, a_hop_record, rows, sixteen

ANNE, BRAM = sixteen("Anne"), sixteen("Bram")
SENDER = f"p{PROVIDER}"


class Ledger:
    """A ledger with its database; `take` gives it bodies of rekeyed.v1 records and returns what it sends."""

    def __init__(self, dsn: str) -> None:
        self.network = Network()
        self.network.admit(SENDER)
        self.network.admit("gm9901", [PAYER])
        self.keys, self.metrics, self.dsn = KeysInMemory(), WorkerMetrics("ledger"), dsn
        self.learned: list[Callable[[], object]] = []
        with prepared(dsn, DDL):
            pass
        self.count = 0
        self.start()

    def start(self) -> None:
        role = LedgerRole(
            directory=self.network.directory, content_keys={"c1": self.network.content}, keys=self.keys, metrics=self.metrics,
            learn_more=lambda: [learn() for learn in self.learned],
        )  # fmt: skip
        self.store = PostgresHopStore(self.dsn, role.name)
        self.engine = HopEngine(role, self.store, self.metrics)
        self.engine.take_over([0])

    def restart(self) -> None:
        self.store.close()
        self.start()

    def take(self, *bodies: bytes) -> list[OutboxRow]:
        records = []
        for body in bodies:
            self.count += 1
            records.append(a_hop_record(body, role="intake", number=self.count))
        return [row for window in self.engine.windows(records) for row in self.engine.process(window)]

    def deliver(self, *frames: np.ndarray, persons: tuple[bytes, ...] = (ANNE, BRAM), **fields: object) -> bytes:
        return self.network.rekeyed(self.network.content_part(rows(*frames)), persons, **fields)

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"zorgstroom_{name}", {"role": "ledger"} | labels) or 0.0

    def opened(self, sent: list[OutboxRow]) -> dict[bytes, np.ndarray]:
        """Rows per person as written to the ledger."""
        found: dict[bytes, list[bytes]] = defaultdict(list)
        for fields in person_events(sent):
            for e in fields["events"]:
                key = KeysInMemory().keys([e["person"]])[e["person"]]
                found[e["person"]].append(open_events(key, e["person"], "events", e["sealed"]))
        return {p: rows_of(b"".join(pieces), LEDGER_ROW) for p, pieces in found.items()}


def person_events(sent: list[OutboxRow]) -> list[dict]:
    return [
        codec.decode("person_events", codec.decode("hop_record", row.value)["body"])
        for row in sent
        if row.topic == "ledger.v1"
    ]


def receipts(sent: list[OutboxRow]) -> list[dict]:
    return [codec.decode("receipt", row.value) for row in sent if row.topic.startswith("receipts.")]


def letters(sent: list[OutboxRow]) -> list[dict]:
    return [codec.decode("dead_letter", row.value) for row in sent if row.topic == "dead-letters.v1"]


def codes(sent: list[OutboxRow]) -> list[str]:
    return [r["code"] for receipt in receipts(sent) for r in receipt["refused"]]
