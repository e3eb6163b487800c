"""Maps as the views have them: which areas are on it, what each says, and its legend. Shapes are drawn once for each published geography."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from portals.municipality.figures import Figures
from portals.municipality.map_svg import WIDTH, Canvas
from portals.municipality.rows import Row, Teller
from portals.municipality.view import Context


@dataclass(frozen=True, slots=True)
class Drawing:
    """One map: `areas` are (row, path); `classes` and `change` make its legend. `id` keeps its links apart from another map's."""

    id: str
    title: str
    height: float
    areas: list[tuple[Row, str]]
    legend: Context
    width: float = WIDTH


class Atlas:
    """Shapes of the areas of a level, drawn once for each published geography."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[bytes, str], Canvas] = {}

    def canvas(self, figures: Figures, level: str) -> Canvas:
        """All areas of a level. A wijk without a shape is its buurten together."""
        return self._kept(figures, level, lambda: _pieces(figures, level))

    def canvas_of(self, figures: Figures, codes: Sequence[str]) -> Canvas:
        """These areas, which lie beside each other. A street is its clusters together, without the borders between them."""
        shapes = {code: [area["geometry"]] for code in codes if (area := figures.area(code)) is not None}
        return self._kept(figures, " ".join(codes), lambda: shapes)

    def _kept(self, figures: Figures, what: str, pieces: Callable[[], dict[str, list[str]]]) -> Canvas:
        key = (figures.geometry_hash if figures.areas else b"", what)
        if key not in self._drawn:
            self._drawn[key] = Canvas(pieces())
        return self._drawn[key]


def _pieces(figures: Figures, level: str) -> dict[str, list[str]]:
    """Area -> the shapes it is made of."""
    found: dict[str, list[str]] = {a["code"]: [a["geometry"]] for a in figures.of_level(level)}
    if level == "wijk":
        for buurt in figures.of_level("buurt"):
            found.setdefault(buurt["parent"], []).append(buurt["geometry"])
    return found


def draw(atlas: Atlas, teller: Teller, level: str, shapes: Context) -> Drawing | None:
    """The map of a level in the words of a teller; None where no area has a shape. `shapes`: id, title, legend."""
    canvas = atlas.canvas(teller.figures, level)
    return _drawing(canvas, {code: teller.row(code) for code in canvas.paths}, shapes)


def draw_rows(atlas: Atlas, figures: Figures, rows: Iterable[Row], shapes: Context) -> Drawing | None:
    """The map of areas that rows tell of, in the order of their codes, whatever the order of the rows; the rest as in `draw`."""
    by_code = {row.code: row for row in rows}
    return _drawing(atlas.canvas_of(figures, sorted(by_code)), by_code, shapes)


def _drawing(canvas: Canvas, rows: Mapping[str, Row], shapes: Context) -> Drawing | None:
    if canvas.empty:
        return None
    areas = [(rows[code], path) for code, path in canvas.paths.items()]
    return Drawing(shapes["id"], shapes["title"], canvas.height, areas, shapes["legend"])
