"""What lies within a chosen buurt: its clusters and its streets, each as a table, and a map of whichever of the two is chosen."""

from __future__ import annotations

from dataclasses import replace

from portals.municipality import words
from portals.municipality.choice import Choice
from portals.municipality.figures import Figures
from portals.municipality.map_drawing import Atlas, draw_rows
from portals.municipality.rows import Row, Teller, ordered
from portals.municipality.streets import streets_in
from portals.municipality.view import Context, legend, speaker
from schemas.geography import area_code, clusters_of_street


def inside_of(choice: Choice, figures: Figures, atlas: Atlas, code: str) -> Context:
    """The parts of the buurt that `code` is or lies in, with their streets or postcodes, and its streets that have a figure.

    `inside_map` draws the parts, or where streets are chosen (`by_street`) these and the parts that are in none of them, so that nothing of the buurt is
    blank; None where no shapes are known. A buurt in which no street has a figure has its parts drawn.
    """
    buurt = code[:10] if figures.level(code) in ("buurt", "street", "cluster") else ""
    if not buurt:
        return {"buurt": "", "inside": [], "inside_map": None, "whole_streets": [], "by_street": False}
    say, teller = speaker(choice.lang), Teller(figures, figures, "total", choice.year, choice.measure, choice.lang)
    parts = [teller.row(a["code"]) for a in figures.of_level("cluster") if a["parent"] == buurt]
    streets = [teller.row(at, name=name) for name, at in streets_in(figures.geography or {}, buurt)]
    by_street = choice.inside == "straat" and bool(streets)
    if by_street:
        known = {cluster for row in streets for cluster in _clusters(row.code, parts)}
        streets += [row for row in parts if row.code not in known]
    shapes = {
        "id": "straten" if by_street else "deel", "title": say("streets_whole" if by_street else "clusters"),
        "legend": legend(replace(choice, group="total"), change=False),
    }  # fmt: skip
    return {
        "buurt": buurt, "buurt_name": figures.area_name(buurt), "by_street": by_street,
        "inside": [(row, _streets(figures, row.code, choice.lang)) for row in ordered(parts, choice.sort)],
        "inside_map": draw_rows(atlas, figures, streets if by_street else parts, shapes),
        "whole_streets": [(row, _made_of(figures, row, choice.lang)) for row in ordered(streets, choice.sort)],
    }  # fmt: skip


def _clusters(code: str, parts: list[Row]) -> list[str]:
    """Clusters of the area whose figure a street has: a street, a cluster, or all of the buurt."""
    found = [area_code(c) for c in clusters_of_street(code)] if "_" in code else [code]
    return found if "." in code else [row.code for row in parts]


def _made_of(figures: Figures, row: Row, lang: str) -> str:
    """What a street consists of: the names of its parts, or the area whose figure it has; of a part in no such street that it is one."""
    match figures.level(row.code):
        case "street":
            return "; ".join(figures.area_name(area_code(c)) for c in clusters_of_street(row.code))
        case "cluster" if not any(at == row.code for _, at in streets_in(figures.geography or {}, row.code[:10])):
            return words.text("streets_none_whole", lang)
        case _:
            return figures.area_name(row.code)


def _streets(figures: Figures, cluster: str, lang: str) -> tuple[str, str]:
    """Streets of a cluster, marked where they also run elsewhere, and its postcodes; each may be empty."""
    of_street: dict[str, set[str]] = {}
    for street in (figures.geography or {}).get("streets", []):
        of_street.setdefault(street["name"], set()).add(street["cluster"])
    names = [
        name if len(clusters) == 1 else words.text("street_part", lang, street=name)
        for name, clusters in sorted(of_street.items())
        if cluster in clusters
    ]
    area = figures.area(cluster)
    return ", ".join(names), ", ".join(area["postcodes"]) if area else ""
