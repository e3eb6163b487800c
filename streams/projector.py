"""The projector as a role of the hop: opens the ledger's events and folds them into bookings, nothing else.

Sees person and household ids, areas and content; never a BSN or an address. A window is folded in rounds between epoch
markers, so that every booking carries the epoch that was open in its own partition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from schemas import codec
from schemas.directory import KeysAt
from schemas.errors import ContractBroken, Refused
from schemas.frames import LEDGER_ROW, PLACEMENT_ROW, rows_of
from schemas.mandate_terms import MandateTerms
from schemas.sealing import open_events, open_sealed, partition_of, unpadded
from schemas.secrets import BoxKey, DataKey
from streams import projector_store as store
from streams.booking_fold import BookingFold, Round
from streams.dead_letters import dead_letter
from streams.epoch_marker import marker_holds
from streams.hop import InputRecord, Numbered, Output, Poison
from streams.hop_engine import hop_number
from streams.hop_store import Transaction
from streams.metrics import WorkerMetrics
from streams.projector_erasure import Settling

INPUT: Final = "ledger.v1"
_BYTES_PER_EVENT: Final = LEDGER_ROW.itemsize + 40
Key = TypeVar("Key")


class BorrowedKeys(Protocol[Key]):
    """Keys of persons on loan."""

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, Key]:
        """Keys of these persons; who has none any more is absent."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """A record of ledger.v1: its schema name and fields (empty when unreadable)."""

    name: str
    fields: dict[str, Any]
    size: int


@dataclass(frozen=True, slots=True)
class _Loans:
    """Keys of a window's persons: of what was delivered to them, of where they are placed; and who is erased so far."""

    events: dict[bytes, DataKey]
    placements: dict[bytes, BoxKey]
    gone: set[bytes]


@dataclass(slots=True)
class Projector:
    """See `streams.hop.Role`."""

    keys: BorrowedKeys[DataKey]
    placement_keys: BorrowedKeys[BoxKey]
    settling: Settling
    release_keys: KeysAt
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
        keys, books = self._keys(tx, accepted), BookingFold(self.metrics, publish=self.publish)
        while lanes:
            this, erasures = Round(), list[tuple[Numbered[LedgerRecord], int]]()
            for partition, records in list(lanes.items()):
                rest = self._collect(tx, partition, records, open_epochs, this, keys, outputs, erasures)
                if rest:
                    lanes[partition] = rest
                else:
                    del lanes[partition]
            books.fold(tx, this)
            outputs.extend(self._erase(tx, books, erasures, keys))
        return outputs

    def _keys(self, tx: Transaction, accepted: Sequence[Numbered[LedgerRecord]]) -> _Loans:
        records = [a.payload.fields for a in accepted if a.payload.name == "person_events"]
        sealed = {p["person"] for r in records for kind in ("events", "mandates", "months", "erased") for p in r[kind]}
        placed = {part["person"] for r in records for part in r["placements"]}
        return _Loans(
            self.keys.keys(sorted(sealed)) if sealed else {},
            self.placement_keys.keys(sorted(placed)) if placed else {},
            store.erased(tx, sealed | placed),
        )

    def _collect(
        self, tx: Transaction, partition: int, records: list[Numbered[LedgerRecord]], open_epochs: dict[int, int],
        this: Round, keys: _Loans, outputs: list[Output], erasures: list[tuple[Numbered[LedgerRecord], int]],
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
                    if fields["erased"]:
                        keys.gone.update(e["person"] for e in fields["erased"])
                        erasures.append((taken, epoch))
                case "erasure_settled" | "year_settled":
                    erasures.append((taken, epoch))
                case "epoch_closed":
                    if not self._marker(tx, partition, taken, fields, epoch):
                        outputs.append(dead_letter(self.metrics, self.input_topic, taken.record, "signature"))
                    else:
                        open_epochs[partition] = epoch + 1
                        erasures.append((taken, epoch))
                        return records[index + 1 :]
                case other:
                    msg = f"A record {other} stands in the ledger that this version does not know; update the software."
                    raise ContractBroken(msg)
        return []

    def _marker(
        self, tx: Transaction, partition: int, taken: Numbered[LedgerRecord], fields: dict[str, Any], epoch: int
    ) -> bool:
        if not marker_holds(self.release_keys(taken.record.timestamp_ms), partition=partition, fields=fields):
            return False
        if fields["epoch"] != epoch:
            msg = f"Partition {partition} of the ledger closes epoch {fields['epoch']} while {epoch} is open."
            raise ContractBroken(msg)
        store.pass_marker(tx, partition, epoch)
        return True

    def _open(self, taken: Numbered[LedgerRecord], epoch: int, this: Round, keys: _Loans) -> list[Output]:
        """Take placements and events into the round; letters about those that don't open. What has no key any more is passed over."""
        letters: list[Output] = []
        for placement in taken.payload.fields["placements"]:
            person = placement["person"]
            known, secret = this.placements.get(person), None if person in keys.gone else keys.placements.get(person)
            if secret is not None and (known is None or placement["version"] > known[0]):
                try:
                    rows = open_sealed(secret, placement["sealed"])
                    rows_of(rows, PLACEMENT_ROW)
                except Refused:
                    letters.append(dead_letter(self.metrics, self.input_topic, taken.record, "part"))
                    continue
                this.placements[person] = (placement["version"], rows, epoch)
        for sealed in taken.payload.fields["events"]:
            opened = self._opened(taken, sealed, "events", keys, letters)
            if opened is not None:
                this.events.append((sealed["person"], opened, epoch))
        return letters

    def _opened(
        self, taken: Numbered[LedgerRecord], sealed: dict[str, Any], kind: str, keys: _Loans,
        letters: list[Output],
    ) -> bytes | None:  # fmt: skip
        """The opened bytes, or None: the key is gone, so it is not there any more, or it does not open, so a letter tells."""
        secret = None if sealed["person"] in keys.gone else keys.events.get(sealed["person"])
        if secret is None:
            return None
        try:
            return open_events(secret, sealed["person"], kind, sealed["sealed"])
        except Refused:
            letters.append(dead_letter(self.metrics, self.input_topic, taken.record, "part"))
            return None

    def _close_months(self, tx: Transaction, taken: Numbered[LedgerRecord], keys: _Loans) -> list[Output]:
        letters: list[Output] = []
        for sealed in taken.payload.fields["months"]:
            opened = self._opened(taken, sealed, "months", keys, letters)
            if opened is not None:
                d = codec.decode("months_closed", unpadded(opened))
                store.close_months(
                    tx,
                    [(d["provider"], m["payer"], m["stream"], m["month"], m["nothing_delivered"]) for m in d["months"]],
                )
        return letters

    def _mandates(self, tx: Transaction, taken: Numbered[LedgerRecord], keys: _Loans) -> list[Output]:
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
                state = {**change, "person": sealed["person"]}
                outputs.append(
                    Output(
                        topic="mandates.v1", partition=0, key=terms.handle, body=codec.encode("mandate_state", state),
                        numbered=False, source_partition=taken.record.partition, source_offset=taken.record.offset,
                    )
                )  # fmt: skip
        return outputs

    def _erase(
        self, tx: Transaction, books: BookingFold, erasures: list[tuple[Numbered[LedgerRecord], int]], keys: _Loans
    ) -> list[Output]:
        """Settle what erased persons left, and have keys destroyed once that is acknowledged; in the order of the records."""
        outputs: list[Output] = []
        for taken, epoch in erasures:
            fields, record = taken.payload.fields, taken.record
            output: Output | None = None
            try:
                match taken.payload.name:
                    case "person_events":
                        output, households = self.settling.erase(
                            tx, fields["erased"], partition=record.partition, offset=record.offset, epoch=epoch, held=set(keys.events)
                        )  # fmt: skip
                        books.mark(tx, set(), households)
                    case "epoch_closed":
                        output = self.settling.close(tx, partition=record.partition, offset=record.offset, epoch=epoch)
                    case "erasure_settled":
                        self.settling.settled(tx, fields, partition=record.partition, epoch=epoch)
                        if self.publish:
                            self.settling.destroy_keys(fields)
                    case _:
                        self.settling.year_settled(tx, fields, partition=record.partition)
                        if self.publish:
                            self.settling.destroy_year(record.partition, fields["year"])
            except Refused as refused:
                outputs.append(dead_letter(self.metrics, self.input_topic, record, refused.code))
            if output is not None and self.publish:
                outputs.append(output)
        return outputs


def record_partition(handle: bytes, count: int) -> int:
    """Partition of a mandate's record on its household topic."""
    return partition_of(handle, count)
