"""The projector's part of an erasure: a person's bookings go to a contributor linked to nothing, and the person's key is destroyed.

What was settled travels as a record of its own, for a rebuild that cannot open the person's events any more. Where the key is still there
the same is settled anew, with the same result; where it is gone, what the record says is booked. So it is with a service year that closes
for good: what erased persons left in it becomes one total per cell, that travels too, and the keys of the year are destroyed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from projections.settled import booked_again, by_year, closed_contributor, closed_total, contributor_of
from schemas import codec
from schemas.errors import Refused
from schemas.frames import SETTLED_ROW, Rows, rows_of
from schemas.sealing import open_under, seal_under
from schemas.secrets import DataKey
from schemas.values import Month
from streams import projector_store as store
from streams.hop import Output
from streams.hop_store import Transaction

_TOPIC: Final = "ledger.v1"
_ALWAYS: Final = 0
"""The year whose key is never destroyed: totals of closed years lie under it."""
_PUBLISHED_AFTER: Final = 2
"""A service year is published until the end of the year after; the first marker of the year after that closes it for good."""


@dataclass(frozen=True, slots=True)
class Settling:
    """What settles. `first_month`: label of epoch 0, as month index.

    `year_keys`: keys of service years in a partition, made where absent, None where destroyed; `destroy`: a person's key, by a decision;
    `destroy_year`: a partition's key of a service year.
    """

    year_keys: Callable[[int, Sequence[int]], Sequence[DataKey | None]]
    destroy: Callable[[bytes, bytes], None]
    destroy_year: Callable[[int, int], None]
    first_month: int

    def closed_until(self, epoch: int) -> int:
        """The last service year that is closed for good while `epoch` is open."""
        return Month.from_index(self.first_month + epoch - 1).year - _PUBLISHED_AFTER

    def _total(self, rows: Rows, year: int) -> Rows:
        """All that is left of a closed year; booked in the epoch whose marker closed it."""
        return closed_total(rows, year=year, epoch=max(0, Month(year + _PUBLISHED_AFTER, 1).index - self.first_month))

    def _book(self, tx: Transaction, rows: Rows, year: int, contributor: bytes, *, partition: int) -> None:
        store.add_bookings(tx, booked_again(rows, contributor))
        if contributor != closed_contributor(year):
            store.remember_settled(tx, contributor, partition=partition, year=year)

    # --- a person -------------------------------------------------------------------------------------------------

    def erase(
        self, tx: Transaction, erased: Sequence[dict[str, Any]], *, partition: int, offset: int, epoch: int, held: set[bytes]
    ) -> tuple[Output, set[bytes]]:  # fmt: skip
        """Settle the persons one record of the ledger erases; the record that says so, and whose households changed.

        `held`: those of them whose events can still be opened, so that their bookings are all there; `epoch`: the open one.
        """
        settled, households = [], set()
        for gone in erased:
            person = gone["person"]
            bookings = store.take_out(tx, person, settled=person in held)
            households |= set(bookings["household"].tolist())
            years = by_year(bookings) if person in held else {}
            parts = [
                part
                for year, rows in years.items()
                if (part := self._settle(tx, person, year, rows, partition=partition, epoch=epoch)) is not None
            ]
            settled.append({"person": person, "decision": gone["decision"], "years": parts})
        return _output("erasure_settled", {"persons": settled}, partition=partition, offset=offset), households

    def _settle(
        self, tx: Transaction, person: bytes, year: int, rows: Rows, *, partition: int, epoch: int
    ) -> dict[str, Any] | None:
        closed = year <= self.closed_until(epoch)
        (key,) = self.year_keys(partition, [_ALWAYS if closed else year])
        if key is None:
            return None
        left = self._total(rows, year) if closed else rows
        contributor = closed_contributor(year) if closed else contributor_of(key, person)
        self._book(tx, left, year, contributor, partition=partition)
        return {"year": year, "closed": closed, "sealed": seal_under(key, left.tobytes(), _bound(year, person))}

    def settled(self, tx: Transaction, record: dict[str, Any], *, partition: int, epoch: int) -> None:
        """Book what a record says was settled, where it is not booked yet. Raises `Refused` (`part`) for what does not open."""
        for gone in record["persons"]:
            if not store.settle(tx, gone["person"]):
                continue
            for part in gone["years"]:
                year = part["year"]
                (key,) = self.year_keys(partition, [_ALWAYS if part["closed"] else year])
                if key is None:
                    continue  # the year's total holds it
                rows = rows_of(open_under(key, part["sealed"], _bound(year, gone["person"])), SETTLED_ROW)
                if part["closed"] or year <= self.closed_until(epoch):
                    rows = rows if part["closed"] else self._total(rows, year)
                    self._book(tx, rows, year, closed_contributor(year), partition=partition)
                else:
                    self._book(tx, rows, year, contributor_of(key, gone["person"]), partition=partition)

    def destroy_keys(self, record: dict[str, Any]) -> None:
        """Have the keys destroyed of those whose settling is acknowledged. Raises `Refused` where the keyvault holds a decision for none."""
        refused: Refused | None = None
        for gone in record["persons"]:
            try:
                self.destroy(gone["person"], gone["decision"])
            except Refused as not_taken:
                refused = not_taken
        if refused is not None:
            raise refused

    # --- a year ---------------------------------------------------------------------------------------------------

    def close(self, tx: Transaction, *, partition: int, offset: int, epoch: int) -> Output | None:
        """At the marker that ends `epoch`: where a service year closes for good with it, one total per cell is left of what was settled."""
        year = self.closed_until(epoch + 1)
        if year == self.closed_until(epoch):
            return None
        key, always = self.year_keys(partition, [year, _ALWAYS])
        left = store.take_out_year(tx, partition=partition, year=year, settled=key is not None)
        total = self._total(left, year)
        if key is not None:
            self._book(tx, total, year, closed_contributor(year), partition=partition)
        sealed = b"" if always is None else seal_under(always, total.tobytes(), _bound(year, b""))
        return _output("year_settled", {"year": year, "sealed": sealed}, partition=partition, offset=offset)

    def year_settled(self, tx: Transaction, record: dict[str, Any], *, partition: int) -> None:
        """Book a year's total where it is not booked yet. Raises `Refused` (`part`)."""
        (always,) = self.year_keys(partition, [_ALWAYS])
        if always is not None and store.settle_year(tx, partition=partition, year=record["year"]):
            rows = rows_of(open_under(always, record["sealed"], _bound(record["year"], b"")), SETTLED_ROW)
            self._book(tx, rows, record["year"], closed_contributor(record["year"]), partition=partition)


def _output(name: str, fields: dict[str, Any], *, partition: int, offset: int) -> Output:
    return Output(
        topic=_TOPIC, partition=partition, key=b"", body=codec.encode(name, fields), source_partition=partition, source_offset=offset
    )  # fmt: skip


def _bound(year: int, person: bytes) -> bytes:
    return b"settled" + year.to_bytes(4, "big") + person
