"""What records of `ledger.v1` say of references, standing debits and grants, mandates and erased persons: a fold, without Kafka or a database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from schemas import codec
from schemas.errors import Refused
from schemas.frames import LEDGER_ROW, ZERO16, Kind, rows_of
from schemas.mandate_terms import MandateTerms
from schemas.sealing import open_events
from schemas.secrets import DataKey
from streams.ledger import Books, Known, slot_of_row
from streams.ledger_mandates import GivenMandate

_SIZE: Final = LEDGER_ROW.itemsize


@dataclass(slots=True)
class Folded:
    """What a stretch of the topic says."""

    books: Books = field(default_factory=lambda: Books({}, set()))
    mandates: dict[bytes, GivenMandate] = field(default_factory=dict)
    erased: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Person -> marks of what was delivered to him or her."""


@dataclass(slots=True)
class Fold:
    """Folds records one by one. `until`: per source partition the first input offset that is judged again."""

    until: dict[int, int]
    numbers: dict[tuple[int, int], int] = field(default_factory=dict)
    grants: dict[tuple[int, bytes], tuple[tuple[int, int], Known]] = field(default_factory=dict)
    references: int = 0
    mandates: int = 0
    _seen: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))

    def wanted(self, partition: int, data: bytes) -> dict[str, Any] | None:
        """The fields of a record of the ledger that counts: a new number, of an input that is not judged again."""
        try:
            hop = codec.decode("hop_record", data)
            if hop["role"] != "ledger" or codec.name_of(hop["body"]) != "person_events":
                return None
            fields = codec.decode("person_events", hop["body"])
        except Refused:
            return None
        stream = hop["source_partition"], partition
        if hop["number"] <= self._seen[stream] or hop["source_offset"] >= self.until.get(hop["source_partition"], 0):
            return None
        self._seen[stream] = self.numbers[stream] = hop["number"]
        return fields | {"source_offset": hop["source_offset"]}

    def take(self, folded: Folded, fields: dict[str, Any], keys: dict[bytes, DataKey]) -> None:
        """One record, with the keys of its persons."""
        for sealed in fields["events"]:
            secret = keys.get(sealed["person"])
            if secret is not None:
                packed = open_events(secret, sealed["person"], "events", sealed["sealed"])
                rows_of(packed, LEDGER_ROW)
                self._rows(folded.books, sealed["person"], packed, fields["source_offset"])
        for sealed in fields["mandates"]:
            secret = keys.get(sealed["person"])
            if secret is not None:
                self._mandate(
                    folded, sealed["person"], open_events(secret, sealed["person"], "mandate", sealed["sealed"])
                )

        for gone in fields["erased"]:
            packed = gone["references"]
            folded.erased[gone["person"]] = [packed[i : i + 16] for i in range(0, len(packed), 16)]

    def _rows(self, books: Books, person: bytes, packed: bytes, offset: int) -> None:
        debit = ZERO16
        for at in range(0, len(packed), _SIZE):
            row = packed[at : at + _SIZE]
            fields = rows_of(row, LEDGER_ROW)[0]
            key = int(fields["provider"]), fields["reference"].tobytes()
            match row[0]:
                case Kind.DELIVERED:
                    self._remember(books, key, Known(person, row))
                    if (slot := slot_of_row(person, row)) is not None:
                        books.open(slot)
                case Kind.WITHDRAWN:
                    debit = key[1]
                    books.withdrawn.add(key)
                    if key in books.added:
                        books.added[key].withdrawn = True
                    if (slot := slot_of_row(person, row)) is not None:
                        books.close(slot)
                case Kind.WITHDRAWAL_SAID:
                    self._remember(books, key, Known(person, bytes([Kind.WITHDRAWN]) + row[1:] + debit))
                case Kind.GRANTED:
                    known = Known(person, row)
                    self._remember(books, key, known)
                    if (assignment := fields["assignment"].tobytes()) != ZERO16:
                        self._grant((key[0], assignment), (offset, at), known)

    def _remember(self, books: Books, key: tuple[int, bytes], known: Known) -> None:
        books.remember(key, known)
        self.references += 1

    def _grant(self, own: tuple[int, bytes], when: tuple[int, int], known: Known) -> None:
        """The last one stands; a provider's inputs have one order, whatever partitions its persons are in."""
        before = self.grants.get(own)
        if before is None or before[0] < when:
            self.grants[own] = when, known

    def _mandate(self, folded: Folded, person: bytes, change: bytes) -> None:
        fields = codec.decode("mandate_change", change)
        terms = MandateTerms.decode(fields["terms"])
        given = codec.encode("mandate_change", fields | {"given": True})
        folded.mandates[terms.handle] = GivenMandate(terms.municipality, person, given, withdrawn=not fields["given"])
        self.mandates += 1
