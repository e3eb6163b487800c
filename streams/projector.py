"""The projector as a role of the hop: opens the ledger's events and folds them into bookings, nothing else.

Sees person and household ids, areas and content; never a BSN or an address. A window is folded in rounds between epoch
markers, so that every booking carries the epoch that was open in its own partition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from projections.bookings import Placements, booked, rebooked
from schemas import codec
from schemas.errors import ContractBroken, Refused
from schemas.frames import LEDGER_ROW, PLACEMENT_ROW, rows_of
from schemas.mandate_terms import MandateTerms
from schemas.sealing import open_events, open_sealed, partition_of
from schemas.secrets import BoxKey, DataKey
from streams import projector_store as store
from streams.dead_letters import dead_letter
from streams.epoch_marker import marker_holds
from streams.hop import InputRecord, Numbered, Output, Poison
from streams.hop_engine import hop_number
from streams.hop_store import Transaction
from streams.metrics import WorkerMetrics

INPUT: Final = "ledger.v1"
_BYTES_PER_EVENT: Final = LEDGER_ROW.itemsize + 40


class BorrowedKeys(Protocol):
    """Person keys on loan."""

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, DataKey]:
        """Keys of these persons; who has none any more is absent."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """A record of ledger.v1: its schema name and fields (empty when unreadable)."""

    name: str
    fields: dict[str, Any]
    size: int


@dataclass(slots=True)
class _Round:
    """What of a window lies between two markers, all partitions together."""

    events: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    placements: dict[bytes, tuple[int, bytes, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Projector:
    """See `streams.hop.Role`."""

    keys: BorrowedKeys
    placement_secret: BoxKey
    release_public: bytes | None
    metrics: WorkerMetrics
    publish: bool = True
    name: str = "projector"
    input_topic: str = INPUT

    def identify(self, record: InputRecord) -> Numbered[LedgerRecord] | Poison:
        """Every record of ledger.v1 comes from a worker of ours and carries a number."""
        try:
            stream, number, hop = hop_number(record, from_roles=("ledger", "projector", "release"))
            name = codec.name_of(hop["body"])
            payload = LedgerRecord(name, codec.decode(name, hop["body"]), len(hop["body"]))
        except Refused as broken:
            return Poison(record, broken.code)
        return Numbered(record, stream, number, payload)

    def events_in(self, payload: LedgerRecord) -> int:
        """About as many as its bytes hold."""
        return max(1, payload.size // _BYTES_PER_EVENT)

    def seen(self, tx: Transaction, record: Numbered[LedgerRecord]) -> Sequence[Output]:  # noqa: ARG002
        """Nothing: it was done."""
        return ()

    def beyond(self, tx: Transaction, record: Numbered[LedgerRecord], *, expected: int) -> Sequence[Output]:  # noqa: ARG002
        """Nothing: the sender knows what failed and sends it again."""
        return ()

    def apply(self, tx: Transaction, accepted: Sequence[Numbered[LedgerRecord]]) -> Sequence[Output]:
        """Fold the window."""
        open_epochs = defaultdict(int, store.epochs(tx))
        lanes: dict[int, list[Numbered[LedgerRecord]]] = defaultdict(list)
        for a in accepted:
            lanes[a.record.partition].append(a)
        outputs: list[Output] = []
        keys = self._keys(accepted)
        while lanes:
            this = _Round()
            for partition, records in list(lanes.items()):
                rest = self._collect(tx, partition, records, open_epochs, this, keys, outputs)
                if rest:
                    lanes[partition] = rest
                else:
                    del lanes[partition]
            self._fold(tx, this)
        return outputs

    def _keys(self, accepted: Sequence[Numbered[LedgerRecord]]) -> dict[bytes, DataKey]:
        wanted = {
            sealed["person"]
            for a in accepted if a.payload.name == "person_events"
            for kind in ("events", "mandates", "months") for sealed in a.payload.fields[kind]
        }  # fmt: skip
        return self.keys.keys(sorted(wanted)) if wanted else {}

    def _collect(
        self, tx: Transaction, partition: int, records: list[Numbered[LedgerRecord]], open_epochs: dict[int, int],
        this: _Round, keys: dict[bytes, DataKey], outputs: list[Output],
    ) -> list[Numbered[LedgerRecord]]:  # fmt: skip
        """Take a partition's records up to and with its first marker; returns what comes after it."""
        epoch = open_epochs[partition]
        for index, taken in enumerate(records):
            fields = taken.payload.fields
            match taken.payload.name:
                case "person_events":
                    outputs.extend(self._open(taken, epoch, this, keys))
                    outputs.extend(self._close_months(tx, taken, keys))
                    outputs.extend(self._mandates(tx, taken, keys))
                case "epoch_closed":
                    if not self._marker(tx, partition, fields, epoch):
                        outputs.append(dead_letter(self.metrics, self.input_topic, taken.record, "signature"))
                    else:
                        open_epochs[partition] = epoch + 1
                        return records[index + 1 :]
                case other:
                    msg = f"A record {other} stands in the ledger that this version does not know; update the software."
                    raise ContractBroken(msg)
        return []

    def _marker(self, tx: Transaction, partition: int, fields: dict[str, Any], epoch: int) -> bool:
        if self.release_public is None or not marker_holds(self.release_public, partition=partition, fields=fields):
            return False
        if fields["epoch"] != epoch:
            msg = f"Partition {partition} of the ledger closes epoch {fields['epoch']} while {epoch} is open."
            raise ContractBroken(msg)
        store.pass_marker(tx, partition, epoch)
        return True

    def _open(
        self, taken: Numbered[LedgerRecord], epoch: int, this: _Round, keys: dict[bytes, DataKey]
    ) -> list[Output]:
        """Take placements and events into the round; letters about those that don't open."""
        letters: list[Output] = []
        for placement in taken.payload.fields["placements"]:
            known = this.placements.get(placement["person"])
            if known is None or placement["version"] > known[0]:
                try:
                    rows = open_sealed(self.placement_secret, placement["sealed"])
                    rows_of(rows, PLACEMENT_ROW)
                except Refused:
                    letters.append(dead_letter(self.metrics, self.input_topic, taken.record, "part"))
                    continue
                this.placements[placement["person"]] = (placement["version"], rows, epoch)
        for sealed in taken.payload.fields["events"]:
            opened = self._opened(taken, sealed, "events", keys, letters)
            if opened is not None:
                this.events.append((sealed["person"], opened, epoch))
        return letters

    def _opened(
        self, taken: Numbered[LedgerRecord], sealed: dict[str, Any], kind: str, keys: dict[bytes, DataKey],
        letters: list[Output],
    ) -> bytes | None:  # fmt: skip
        """The opened bytes, or None: the key is gone, so it is not there any more, or it does not open, so a letter tells."""
        secret = keys.get(sealed["person"])
        if secret is None:
            return None
        try:
            return open_events(secret, sealed["person"], kind, sealed["sealed"])
        except Refused:
            letters.append(dead_letter(self.metrics, self.input_topic, taken.record, "part"))
            return None

    def _close_months(self, tx: Transaction, taken: Numbered[LedgerRecord], keys: dict[bytes, DataKey]) -> list[Output]:
        letters: list[Output] = []
        for sealed in taken.payload.fields["months"]:
            opened = self._opened(taken, sealed, "months", keys, letters)
            if opened is not None:
                d = codec.decode("months_closed", opened)
                store.close_months(
                    tx,
                    [(d["provider"], m["payer"], m["stream"], m["month"], m["nothing_delivered"]) for m in d["months"]],
                )
        return letters

    def _mandates(self, tx: Transaction, taken: Numbered[LedgerRecord], keys: dict[bytes, DataKey]) -> list[Output]:
        outputs: list[Output] = []
        for sealed in taken.payload.fields["mandates"]:
            opened = self._opened(taken, sealed, "mandate", keys, outputs)
            if opened is None:
                continue
            change = codec.decode("mandate_change", opened)
            terms, given = MandateTerms.decode(change["terms"]), change["given"]
            tx.execute(
                "INSERT INTO mandates (handle, person, municipality, purpose, valid_until, given, marked) "
                "VALUES (%s, %s, %s, %s, %s, %s, true) ON CONFLICT (handle) DO UPDATE SET purpose = EXCLUDED.purpose, "
                "valid_until = EXCLUDED.valid_until, given = EXCLUDED.given, marked = true",
                (terms.handle, sealed["person"], terms.municipality, terms.purpose, terms.valid_until, given),
            )
            if self.publish:
                state = terms.as_fields() | {"person": sealed["person"], "given": given}
                state.pop("key_id")
                outputs.append(
                    Output(
                        topic="mandates.v1", partition=0, key=terms.handle, body=codec.encode("mandate_state", state),
                        numbered=False, source_partition=taken.record.partition, source_offset=taken.record.offset,
                    )
                )  # fmt: skip
        return outputs

    def _fold(self, tx: Transaction, this: _Round) -> None:
        """Placements first, then events: what a placement changes of the same round's events nets to nothing anyway."""
        persons = {p for p, _, _ in this.events} | set(this.placements)
        if not persons:
            return
        standing = store.placements_of(tx, sorted(persons))
        changed = {
            p: (v, rows, epoch)
            for p, (v, rows, epoch) in this.placements.items()
            if p not in standing or v > standing[p][0]
        }
        if changed:
            self._rebook(tx, changed)
            standing |= {p: (v, rows) for p, (v, rows, _) in changed.items()}
        touched: set[bytes] = set()
        if this.events:
            touched = self._book(tx, this.events, {p: standing.get(p, (0, b""))[1] for p in persons})
        self._mark(tx, persons, touched)

    def _rebook(self, tx: Transaction, changed: dict[bytes, tuple[int, bytes, int]]) -> None:
        store.save_placements(tx, {p: (v, rows) for p, (v, rows, _) in changed.items()})
        before = store.standing_of(tx, sorted(changed))
        if len(before):
            places = Placements({p: rows for p, (_, rows, _) in changed.items()})
            epochs = np.array([changed[p][2] for p in before["person"].tolist()], dtype=np.int64)
            moved = rebooked(before, epochs, places)
            store.add_bookings(tx, moved)
            if len(moved):
                self._mark(tx, set(), set(moved["household"].tolist()))

    def _book(self, tx: Transaction, events: list[tuple[bytes, bytes, int]], packed: dict[bytes, bytes]) -> set[bytes]:
        places = Placements(packed)
        counts = [len(rows_of(rows, LEDGER_ROW)) for _, rows, _ in events]
        together = rows_of(b"".join(rows for _, rows, _ in events), LEDGER_ROW)
        owner = np.repeat(np.array([places.index[p] for p, _, _ in events], dtype=np.int64), counts)
        epochs = np.repeat(np.array([e for _, _, e in events], dtype=np.int64), counts)
        rows, unplaced = booked(together, owner, epochs, places)
        self.metrics.events_out.inc(len(together))
        self.metrics.unplaced.inc(unplaced)
        store.add_bookings(tx, rows)
        return set(rows["household"].tolist())

    def _mark(self, tx: Transaction, persons: set[bytes], households: set[bytes]) -> None:
        """Live mandates that show any of these get a new record at the next tick."""
        if self.publish:
            tx.execute(
                "UPDATE mandates SET marked = true WHERE NOT marked AND (person = ANY(%s) OR household = ANY(%s))",
                (list(persons), list(households)),
            )


def record_partition(handle: bytes, count: int) -> int:
    """Partition of a mandate's record on its household topic."""
    return partition_of(handle, count)
