"""Why there are no figures per postcode, answered with the municipality's own published numbers and the public rules.

Nothing here comes from care data that is not published: postcodes and areas are geography, the rest are released cells.
"""

from __future__ import annotations

from dataclasses import dataclass

from portals.municipality.figures import Figures, placed_code


@dataclass(frozen=True, slots=True)
class Postcodes:
    """Counts of one municipality and service year; `clusters_now`: with a figure of this epoch, `clusters_ever`: with any of the year.

    `in_care`: published households with care in the whole municipality, None where that is held. `least`: households a figure needs.
    """

    postcodes: int
    clusters: int
    clusters_due: int
    clusters_now: int
    clusters_ever: int
    households: int | None
    in_care: int | None
    least: int

    @property
    def in_care_per_postcode(self) -> float | None:
        """Households with care per postcode on average, to one decimal."""
        return None if self.in_care is None or not self.postcodes else round(self.in_care / self.postcodes, 1)

    @property
    def in_care_per_cluster(self) -> float | None:
        """The same per cluster."""
        return None if self.in_care is None or not self.clusters else round(self.in_care / self.clusters, 1)

    @property
    def postcodes_per_cluster(self) -> float | None:
        """Postcodes per cluster on average."""
        return round(self.postcodes / self.clusters, 1) if self.clusters and self.postcodes else None


def postcodes(figures: Figures, year: int) -> Postcodes:
    """Count them for one epoch and service year."""
    clusters = figures.of_level("cluster")
    cells = [cell for a in clusters if (cell := figures.own(a["code"], "total", year)) is not None]
    shown = [cell for cell in cells if cell["decision"] == "released" and cell["euros"] is not None]
    ever = [cell for cell in cells if cell["euros"] is not None]
    whole = figures.own(placed_code(figures.municipality), "total", year)
    area = figures.area(placed_code(figures.municipality))
    return Postcodes(
        postcodes=len({p for a in clusters for p in a["postcodes"]}), clusters=len(clusters), clusters_due=len(cells),
        clusters_now=len(shown), clusters_ever=len(ever), households=None if area is None else area["households"],
        in_care=None if whole is None else whole["households"], least=int(figures.parameters.get("least_contributors", 0)),
    )  # fmt: skip
