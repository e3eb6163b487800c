"""Intake, ledger, projector and keyvault, each with its own database on a real PostgreSQL, and topics in memory between them. For tests.

They are wired as their processes are, and `run` does what their workers do: take what is new, commit, send, forget what is acknowledged.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg
from broken_off import InOneProcess, LogOnTopic, Steps
from erasure_builders import SIGNERS, key_of
from ledger_builders import PAYER, PROVIDER, TODAY, Network
from psycopg import sql
from three_roots import two_of

from deploy.key_register import receipts_key_entry
from keyvault import group
from keyvault.client import PersonKeyCache, PublicKey
from keyvault.erasure_work import ErasureWork
from keyvault.limits import EvaluationRules
from keyvault.mandate_subscriber import mandate_of
from keyvault.metrics import VaultMetrics
from keyvault.service import routes
from keyvault.store import VaultStore
from keyvault.vault import Vault
from schemas import topics
from schemas.directory import Entry, sign_entry
from schemas.envelope import RecipientKeys, seal_envelope
from schemas.errors import Unavailable
from schemas.sealing import box_public_key, partition_of, verify_key_of
from schemas.secrets import AddressKey, PersonIdKey, SigningKey, WrappingKey
from schemas.values import Month, day_of
from streams import intake_store, ledger_store, projector_store, pseudonym_table
from streams.address_book import AddressBook
from streams.hop import InputRecord
from streams.hop_engine import HopEngine
from streams.hop_store import OutboxRow, PostgresHopStore, prepared
from streams.household_records import HouseholdRecords, RecordRules
from streams.intake_placing import Placing
from streams.intake_role import IntakeRole
from streams.ledger_mandates import Limits
from streams.ledger_role import LedgerRole
from streams.metrics import WorkerMetrics
from streams.projector import Projector
from streams.projector_erasure import Settling
from streams.pseudonyms import Pseudonyms
from streams.section_key import SectionKey

ROLES: Final = ("intake", "ledger", "projector", "keyvault")
SENDER, GEMEENTE = f"p{PROVIDER}", f"gm{PAYER}"
DAY: Final = day_of(TODAY)
NOON: Final = dt.datetime.combine(DAY, dt.time(12), dt.UTC)
FIRST: Final = Month(2026, 11)
PROJECTOR, RELEASE = SigningKey(b"\x07" * 32), SigningKey(b"\x0b" * 32)
_WRAPPING, _SCALAR, _PERSON_ID = WrappingKey(b"\x09" * 32), group.random_scalar(), PersonIdKey(b"\x05" * 32)
_READ_AGAIN: Final = 1
"""Records before the next offset of a partition that a consumer group hands out again: it commits later than the database."""
Result = TypeVar("Result")
Record = tuple[bytes, bytes | None]


def network() -> Network:
    """A network with a provider, a municipality and those who decide on erasures there."""
    made = Network()
    made.admit(SENDER)
    made.admit(GEMEENTE)
    for name, key in SIGNERS.items():
        entry = Entry("grantor", name, f"{name}-1", "signing", verify_key_of(key), valid_from=0)
        made.directory.learn(sign_entry(two_of(made.root), entry))
    return made


def envelope(
    network: Network, number: int, *, identity: dict[str, Any], content: dict[str, Any], sender: str = GEMEENTE
) -> bytes:
    """What a sender puts on the road."""
    return seal_envelope(
        header=network.header(sender, number), identity=identity, content=content, signing=network.signing[sender],
        recipients=RecipientKeys("i1", box_public_key(network.identity), "c1", box_public_key(network.content)),
    )  # fmt: skip


@dataclass
class Sender:
    """What an outbox's thread does, one record after the other; receipts last."""

    road: Road
    acknowledged: list[int] = field(default_factory=list)

    def put(self, rows: Sequence[OutboxRow]) -> None:
        for row in sorted(rows, key=lambda r: r.final):
            self.road.steps.step(row.topic)
            self.road.topics[row.topic][row.partition].append((row.key, row.value))
            self.acknowledged.append(row.id)


@dataclass
class Road:
    """The four of them. `dsns`: of each role's database."""

    dsns: dict[str, str]
    network: Network
    book: AddressBook
    steps: Steps
    first: Month = FIRST
    topics: dict[str, dict[int, list[Record]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def __post_init__(self) -> None:
        self.log = LogOnTopic(self.steps)
        for role, ddl in (
            ("intake", intake_store.DDL),
            ("ledger", ledger_store.DDL),
            ("projector", projector_store.DDL),
        ):
            with prepared(self.dsns[role], ddl):
                pass
        for (
            dsn
        ) in self.dsns.values():  # processes are killed here, no machine loses its power: nothing waits for a disk
            with psycopg.connect(dsn) as c:
                c.execute(
                    sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(c.info.dbname))
                )
        self._pin()

    def _pin(self) -> None:
        store = VaultStore(self.dsns["keyvault"], _WRAPPING)
        store.prepare(DAY)
        key_id, key = store.pseudonym_key(DAY)
        store.close()
        self.pinned = {key_id: PublicKey(key_id, group.times_base(key.reveal()))}
        with prepared(self.dsns["intake"]) as tx:
            pseudonym_table.begin(
                tx, key_id=key_id, scalar_print=pseudonym_table.scalar_print(_SCALAR), state=pseudonym_table.IN_USE
            )

    def start(self) -> None:
        """All four as processes that begin: what an earlier one committed and did not send goes first."""
        self.vault_store = VaultStore(self.dsns["keyvault"], _WRAPPING)
        evaluations = EvaluationRules(inhabitants=100_000_000)
        self.vault = Vault(
            self.vault_store, self.log, lambda _: [verify_key_of(PROJECTOR)], VaultMetrics(), clock=NOON.timestamp, evaluations=evaluations
        )  # fmt: skip
        self.routes = routes(self.vault, ErasureWork(self.vault, key_of, self._receipts_key))
        self.clients = {
            name: InOneProcess(name, self.steps, lambda: self.routes) for name in (*ROLES, GEMEENTE, "operator")
        }
        self.stores = {role: PostgresHopStore(self.dsns[role], role) for role in ROLES[:3]}
        roles = (self._intake(), self._ledger(), self._projector())
        self.engines = {r.name: HopEngine(r, self.stores[r.name], r.metrics) for r in roles}  # type: ignore[arg-type]
        self.senders = {name: Sender(self) for name in self.engines}
        self._records()
        self.read: dict[str, dict[int, int]] = {}
        for name, engine in self.engines.items():
            self.senders[name].put(engine.take_over(range(topics.ROAD_PARTITIONS)))
            with self.stores[name].transaction() as tx:
                offsets = self.stores[name].next_offsets(tx, range(topics.ROAD_PARTITIONS))
            self.read[name] = {p: max(0, n - _READ_AGAIN) for p, n in offsets.items()}

    def _receipts_key(self, key_id: str) -> bytes:
        public = verify_key_of(self.vault_store.signing_key(DAY)[1])
        return sign_entry(two_of(self.network.root), receipts_key_entry(key_id, public))

    def _intake(self) -> IntakeRole:
        vault, apart = self.clients["intake"], PostgresHopStore(self.dsns["intake"], "intake")

        def keep(rows: Any, generation: int, persons: dict[bytes, bytes]) -> None:
            with apart.transaction() as tx:
                intake_store.save_handles(tx, rows)
                pseudonym_table.save_persons(tx, generation, persons)

        self.apart = apart
        scalars = {pseudonym_table.scalar_print(_SCALAR): _SCALAR}
        return IntakeRole(
            directory=self.network.directory, identity_keys={"i1": self.network.identity},
            pseudonyms=Pseudonyms(vault, self.pinned.get, scalars, _PERSON_ID, bytes(32), keep=keep),
            placing=Placing(self.book, AddressKey(bytes(32)), vault.placement_public_keys),
            metrics=WorkerMetrics("intake"), learn_more=lambda: None,
        )  # fmt: skip

    def _ledger(self) -> LedgerRole:
        return LedgerRole(
            directory=self.network.directory, content_keys={"c1": self.network.content}, metrics=WorkerMetrics("ledger"),
            keys=PersonKeyCache(self.clients["ledger"].person_keys), limits=Limits(households={PAYER: 1_000_000}),
        )  # fmt: skip

    def _projector(self) -> Projector:
        vault = self.clients["projector"]
        return Projector(
            keys=PersonKeyCache(vault.person_keys), placement_keys=PersonKeyCache(vault.placement_keys),
            settling=Settling(vault.year_keys, vault.erase, vault.destroy_year, self.first.index),
            release_keys=lambda _: [verify_key_of(RELEASE)], metrics=WorkerMetrics("projector"),
        )  # fmt: skip

    def _records(self) -> None:
        section = SectionKey(self.clients["projector"])
        self.records = HouseholdRecords(
            self.stores["projector"], section.current, section.settled, lambda: PROJECTOR, self.first, lambda: NOON, RecordRules()
        )  # fmt: skip
        with prepared(self.dsns["projector"]) as tx:  # the lease of whoever was killed has run out
            tx.execute("UPDATE leases SET until = now() - interval '1 s' WHERE name = 'household records'")

    def stop(self) -> None:
        for store in (*self.stores.values(), self.apart):
            store.close()
        self.vault_store.close()

    # --- what their workers do ------------------------------------------------------------------------------------

    def put(self, data: bytes, *, sender: str = GEMEENTE) -> None:
        """A sender's envelope on `delivered.v1`."""
        self.topics["delivered.v1"][partition_of(sender.encode(), topics.ROAD_PARTITIONS)].append((b"", data))

    def run(self) -> None:
        """Until nothing moves any more, household records of a round included."""
        while self._once():
            pass
        self.tick()

    def tick(self) -> None:
        """One round of household records."""
        again(lambda: self.records.tick(self.senders["projector"]))  # type: ignore[arg-type]
        self._forget()

    def _once(self) -> bool:
        moved = False
        for name, engine in self.engines.items():
            sender = self.senders[name]
            for window in engine.windows(list(self._new(engine.role.input_topic, self.read[name]))):
                moved = True
                rows = again(lambda e=engine, w=window, s=sender: e.process(w, s.acknowledged))  # type: ignore[misc]
                sender.acknowledged.clear()
                sender.put(rows)
        self._learn_mandates()
        self._forget()
        return moved

    def _new(self, topic: str, read: dict[int, int]) -> Iterator[InputRecord]:
        for partition, lane in sorted(self.topics[topic].items()):
            for offset, (key, value) in enumerate(lane[read[partition] :], read[partition]):
                yield InputRecord(partition, offset, key, value or b"", TODAY * topics.DAY_MS)
            read[partition] = len(lane)

    def _learn_mandates(self) -> None:
        start = self.vault_store.mandates_next_offset(0)
        new = self.topics["mandates.v1"][0][start:]
        if new:
            key = self.network.directory.counting_grantor
            states = [mandate_of(value or b"", key) for _, value in new]
            self.vault_store.learn_mandates(states, partition=0, next_offset=start + len(new))

    def _forget(self) -> None:
        for name, sender in self.senders.items():
            if sender.acknowledged:
                with self.stores[name].transaction() as tx:
                    self.stores[name].delete(tx, sender.acknowledged)
                sender.acknowledged.clear()


def again(work: Callable[[], Result]) -> Result:
    """As a worker does: what is away is tried again in place."""
    while True:
        with contextlib.suppress(Unavailable):
            return work()


def address_book(folder: Path, count: int) -> AddressBook:
    """So many houses of one street."""
    rows = "".join(f"1234AB;{n};BU99010101;;\n" for n in range(1, count + 1))
    (folder / "address_register.csv").write_text("PC6;Huisnummer;Buurt;Wijk;Gemeente\n" + rows)
    (folder / "clusters.csv").write_text("PC6;Buurt;Cluster\n1234AB;BU99010101;3\n")
    (folder / "special_addresses.csv").write_text("PC6;Huisnummer;Toevoeging;Soort\n")
    return AddressBook.read([folder])
