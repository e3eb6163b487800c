"""Decides an epoch of every municipality once, and what becomes of a decision while it waits for its day.

An erasure changes no sum, so the decision stands. A new mandate lets the funder subtract more: as long as nobody has seen what was decided it is
decided again with the mandates of the day of publication.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from projections.release.audit.crew import Crew
from projections.release.cells import LAYERS
from projections.release.concentration import of_year
from projections.release.contributions import Contributions
from projections.release.gate import PROTECTION, Decision, decide
from projections.release.rules import Parameters
from schemas.requests import DataRequest
from schemas.sealing import sha256
from schemas.values import Month
from streams import release_books as books
from streams import release_geography as geography
from streams import release_store as store
from streams.metrics import software_version
from streams.release_records import QUARTERLY, Head, completeness

MANDATES: Final = "mandates"
"""The reason of a hold below a wijk that was published before a mandate came that would have changed it."""


LEVELS: Final = frozenset(layer.level for layer in LAYERS)


@dataclass(slots=True, kw_only=True)
class _Of:
    """What deciding needs of the zone; see `streams.release.Release`."""

    geographies: dict[int, dict[str, Any]]
    addresses: dict[int, dict[int, int]]
    first_month: int
    parameters: Parameters
    given_up: tuple[str, ...]
    crew: Crew | None = None


@dataclass(slots=True)
class Deciding(_Of):
    """One epoch to decide, within a transaction of the caller. `own`: release's database; `books`: its views of the projector's."""

    own: store.Connection
    books: books.Connection
    closing: store.Closing

    def decide(self) -> None:
        """Decide every municipality and keep it, with what was fixed along with it."""
        mandated = store.mandated_ever(self.own, books.mandated(self.books))
        for municipality, decisions in self._decided(mandated):
            store.save_decisions(self.own, municipality, self.closing.epoch, decisions)
            store.save_head(self.own, municipality, self.closing.epoch, self._head(municipality, mandated).told())
        store.decided(self.own, self.closing.epoch, under_mandate=len(mandated))

    def heed_new_mandates(self) -> None:
        """Decide again where mandates came since; what is out already stays, and if it would be different now nothing below it is published."""
        mandated = store.mandated_ever(self.own, books.mandated(self.books))
        if len(mandated) == self.closing.under_mandate:
            return
        for municipality, anew in self._decided(mandated):
            if self.closing.state == "month":
                self._replace(municipality, self._below(municipality, anew), QUARTERLY)
                continue
            self._replace(municipality, anew, LEVELS)
            store.save_head(self.own, municipality, self.closing.epoch, self._head(municipality, mandated).told())
        store.decided(self.own, self.closing.epoch, under_mandate=len(mandated))

    def _decided(self, mandated: set[bytes]) -> Iterable[tuple[int, list[Decision]]]:
        month = Month.from_index(self.closing.month)
        rows = books.contributions(self.books, epoch=self.closing.epoch)
        gemeente = rows["area"] // 1_000_000
        for municipality in sorted(self.geographies):
            epochs, _ = store.published(self.own, municipality, through=self.closing.epoch - 1)
            yield municipality, decide(
                rows[gemeente == municipality], epoch=self.closing.epoch, month_of_year=month.month, years=(month.year - 1, month.year),
                published=epochs, areas=geography.numbers(self.geographies[municipality]), mandated=mandated, parameters=self.parameters,
                addresses=self.addresses[municipality], streets=geography.streets(self.geographies[municipality]), crew=self.crew,
            )  # fmt: skip

    def _replace(self, municipality: int, decisions: list[Decision], levels: Collection[str]) -> None:
        store.take_back(self.own, municipality, self.closing.epoch, levels)
        store.save_decisions(self.own, municipality, self.closing.epoch, decisions)

    def _below(self, municipality: int, anew: list[Decision]) -> list[Decision]:
        """Decisions of buurten, streets and clusters where gemeente and wijken are out: the new ones if those above stay as published, else all held."""
        before = store.decisions(self.own, municipality, self.closing.epoch)
        was, now = (
            {d.cell: (d.released, d.euros, d.households) for d in ds if d.cell.level not in QUARTERLY}
            for ds in (before, anew)
        )
        head = Head.of(store.head(self.own, municipality, self.closing.epoch))
        if was == now and head.geometry_hash == self._geometry(municipality):
            return [d for d in anew if d.cell.level in QUARTERLY]
        return [_held(d) for d in before if d.cell.level in QUARTERLY]

    def _geometry(self, municipality: int) -> str:
        return sha256(geography.encoded(self.geographies[municipality])).hex()

    def _head(self, municipality: int, mandated: set[bytes]) -> Head:
        asked = [DataRequest.decode(d) for d in store.requests(self.own, municipality)]
        covered = books.coverage(self.books)
        return Head(
            completeness=completeness(asked, covered, since=self.first_month, until=self.closing.month),
            parameters=self.parameters.told(), given_up=list(self.given_up), protection=PROTECTION,
            geometry_hash=self._geometry(municipality), ledger_hash=sha256(self.closing.positions.encode()).hex(),
            software=software_version(), concentration=self._concentration(municipality, mandated),
        )  # fmt: skip

    def _concentration(self, municipality: int, mandated: set[bytes]) -> list[dict[str, Any]]:
        """Of the service year before, where this epoch is the last one that publishes it."""
        month, datum = Month.from_index(self.closing.month), self.geographies[municipality]
        if month.month != 12:
            return []
        rows = books.contributions(self.books, epoch=self.closing.epoch)
        own = Contributions(
            rows[rows["area"] // 1_000_000 == municipality], epoch=self.closing.epoch, mandated=mandated
        )
        areas = geography.numbers(datum)
        found = of_year(
            own.year(month.year - 1), month.year - 1, areas=areas, households=geography.households(datum), parameters=self.parameters
        )  # fmt: skip
        return [
            {
                "area": c.area, "area_level": c.level, "service_year": c.service_year, "half_within": c.half_within,
                "curve": [{"households": of, "money": share} for of, share in c.curve], "stacked": list(c.stacked),
            }
            for c in found
        ]  # fmt: skip


def _held(decision: Decision) -> Decision:
    return Decision(decision.cell, released=False, reason=MANDATES, euros=None, households=None)
