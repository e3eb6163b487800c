"""The ground to look at in a browser: one HTML page with a map as SVG, a table of clusters and buurten, and remarks. No scripts, no figures of care."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

import shapely

from projections.geometry.ground import Area, Ground
from projections.geometry.streets import whole_streets

_WIDTH: Final = 1000.0
_FILLS: Final = ("#bdc9e1", "#fee8c8", "#ccebc5", "#fbb4ae", "#decbe4", "#e5d8bd")
"""Light enough for the lines over them; neighbours mostly differ, and the lines tell them apart anyway."""
_NUMBER: Final = ' class="n"'
_STYLE: Final = """
body{font:16px/1.5 sans-serif;margin:1rem auto;max-width:75rem;padding:0 1rem;color:#111}
svg{width:100%;height:auto;border:1px solid #666}
.cluster{stroke:#555;stroke-width:.6}.buurt{fill:none;stroke:#111;stroke-width:1.4}.wijk{fill:none;stroke:#111;stroke-width:2.6}
.empty{fill:#fff}.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #999;padding:.2rem .5rem;text-align:left;vertical-align:top}
td.n,th.n{text-align:right}
"""


def page(ground: Ground, remarks: Sequence[str]) -> str:
    """The page, in Dutch names and English words; every text from a file is escaped."""
    title = f"{ground.name}: areas of {ground.year}"
    counts = f"{len(ground.at('wijk'))} wijken, {len(ground.at('buurt'))} buurten, {len(ground.at('cluster'))} clusters, {len(ground.register.addresses)} addresses"
    notes = "".join(f"<li>{escape(r)}</li>" for r in remarks)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main><h1>{escape(title)}</h1><p>{counts}. White: no address, or not drawn.</p>\n"
        f"{_map(ground)}\n<h2>Remarks</h2>{f'<ul>{notes}</ul>' if notes else '<p>None.</p>'}\n"
        f"<h2>Clusters</h2>{_clusters(ground)}\n<h2>Buurten</h2>{_buurten(ground)}\n<h2>Streets that are whole clusters</h2>{_streets(ground)}\n"
        "</main></body></html>\n"
    )


def _map(ground: Ground) -> str:
    left, bottom, right, top = shapely.bounds(ground.at("gemeente")[0].shape).tolist()
    scale = _WIDTH / max(1.0, right - left)
    height = (top - bottom) * scale

    def path(shape: Any) -> str:
        rings = [r for p in shapely.get_parts(shape) for r in (p.exterior, *p.interiors)]
        return "".join(
            "M" + "L".join(f"{(x - left) * scale:.1f},{(top - y) * scale:.1f}" for x, y in ring.coords) + "Z"
            for ring in rings
        )

    def drawn(area: Area, klass: str, fill: str = "") -> str:
        about = f"{area.code} {area.name}" + (f", {area.addresses} addresses" if area.addresses else "")
        paint = f' fill="{fill}"' if fill else ""
        return f'<path class="{klass}"{paint} d="{path(area.shape)}"><title>{escape(about)}</title></path>'

    parts = [drawn(b, "empty") for b in ground.at("buurt")]
    parts += [
        drawn(c, "cluster", _FILLS[n % len(_FILLS)]) for n, c in enumerate(ground.at("cluster")) if c.shape is not None
    ]
    for level in ("buurt", "wijk"):
        parts += [f'<path class="{level}" pointer-events="none" d="{path(a.shape)}"/>' for a in ground.at(level)]
    label = escape(f"Map of {ground.name}; the table below has the same areas")
    return f'<svg viewBox="-5 -5 {_WIDTH + 10:.0f} {height + 10:.0f}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def cell(value: object) -> str:
        number = isinstance(value, int)
        return f"<td{_NUMBER if number else ''}>{escape('' if value is None else str(value))}</td>"

    top = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>\n" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table></div>'


def _clusters(ground: Ground) -> str:
    rows = [
        (a.code, a.name, a.addresses, " ".join(a.postcodes), "yes" if a.shape is not None else "listed") for a in ground.at("cluster")
    ]  # fmt: skip
    return _table(("Cluster", "Name", "Addresses", "Postcodes", "On the map"), rows)


def _buurten(ground: Ground) -> str:
    addresses = {a.parent: 0 for a in ground.at("cluster")}
    for cluster in ground.at("cluster"):
        addresses[cluster.parent] += cluster.addresses
    rows = [
        (a.code, a.name, addresses.get(a.code, 0), a.people.inhabitants, a.people.under_18, a.people.aged_75_and_over, a.people.households)
        for a in ground.areas if a.level in ("gemeente", "wijk", "buurt")
    ]  # fmt: skip
    year = f" {ground.population_year}" if ground.population_year else ""
    return _table(
        ("Area", "Name", "Addresses", f"Inhabitants{year}", "Under 18", "75 and over", "Households"),
        [r if str(r[0]).startswith("BU") else (*r[:2], None, *r[3:]) for r in rows],
    )


def _streets(ground: Ground) -> str:
    if not ground.streets:
        return "<p>No file told the names of streets.</p>"
    whole = whole_streets(ground.streets)
    return _table(("Street", "Clusters"), [(s, " ".join(c)) for s, c in whole.items()]) if whole else "<p>None.</p>"
