"""The views made of areas: the map with its table and chosen area, and before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from portals.municipality import words
from portals.municipality.choice import Choice
from portals.municipality.compare import Changes, Period, Window, window
from portals.municipality.concentration_view import concentration_section
from portals.municipality.figures import STREAMS, Bar, Figures, Part, placed_code
from portals.municipality.inside_view import inside_of
from portals.municipality.map_drawing import Atlas, draw
from portals.municipality.measures import Measure, stream_of
from portals.municipality.released import Released
from portals.municipality.rows import Teller, ordered
from portals.municipality.trend import complete
from portals.municipality.view import Context, frame, legend, rates, speaker


def listed(figures: Figures, level: str) -> list[str]:
    """The areas of the table: the whole, the wijken, and the buurten where they are the map's level."""
    codes = [placed_code(figures.municipality), *(a["code"] for a in figures.of_level("wijk"))]
    return codes + ([a["code"] for a in figures.of_level("buurt")] if level == "buurt" else [])


def finest(reading: Figures | Changes, choice: Choice, year: int) -> str:
    """The finest level of the map that has figures of this choice."""
    return "buurt" if reading.decided_at("buurt", choice.group, year) else "wijk"


def drawn(teller: Teller, level: str) -> str:
    """The level to draw: wijken where no buurt has a figure of its own, since a bare amount is never the colour of a smaller area."""
    if level != "buurt" or teller.measure is not Measure.EUROS:
        return level

    def own(at: str) -> bool:
        return any(teller.row(a["code"]).shown.own for a in teller.figures.of_level(at))

    return "wijk" if not own("buurt") and own("wijk") else level


def map_page(choice: Choice, figures: Figures, released: Released, atlas: Atlas) -> Context:
    """The page it opens on."""
    say = speaker(choice.lang)
    chosen = window(choice.period, choice.epoch, choice.year, released.epochs())
    wanted = chosen if choice.period is not Period.YEAR else None
    shown = replace(choice, period=Period.YEAR) if wanted is None else choice
    reading, at = figures, figures
    changes = None
    if wanted is not None:
        at = released.figures(wanted.after)
        changes = Changes(None if wanted.before is None else released.figures(wanted.before), at)
    source = changes or reading
    level = finest(source, choice, choice.year)
    teller = Teller(at, source, choice.group, choice.year, choice.measure, choice.lang, change=changes is not None)
    on_map = drawn(teller, level)
    context = frame(shown, figures, released, "/")
    selected = teller.row(context["selected_code"])
    classes = legend(choice, change=changes is not None)
    context |= {
        "no_window": choice.period is not Period.YEAR and wanted is None, "level": level, "on_map": on_map, "selected": selected,
        "drawing": draw(atlas, teller, on_map, {"id": "kaart", "title": say("map_" + on_map), "legend": classes}),
        "rows": ordered([teller.row(code) for code in listed(figures, level)], choice.sort),
        "rest": None if changes else figures.own(f"GM{figures.municipality:04d}", choice.group, choice.year),
        "rates": rates(at, selected.shown.source, selected.shown.euros, choice), "changed": changes is not None, "about_area": selected.of,
        "bars": _bars(figures, choice, selected.code), "spread": concentration_section(choice, figures, released),
    }  # fmt: skip
    if wanted is not None:
        context["known"] = _known_change(wanted, choice, say)
    return context | inside_of(choice, figures, atlas, context["selected_code"])


def _known_change(of: Window, choice: Choice, say: Any) -> str:
    since = (
        say("since_start") if of.before is None else say("since_end", month=words.month_name(of.before, choice.lang))
    )
    return str(say("known_change", year=choice.year, since=since, month=words.month_name(of.after, choice.lang)))


def _bars(figures: Figures, choice: Choice, code: str) -> list[Context]:
    """The bar of streams, and of care types where they are published: `key`, the bar, and names of what is missing."""
    found = []
    wholes: Mapping[str, list[str]] = {
        "streams": list(STREAMS),
        "types": sorted(figures.types(), key=lambda g: (STREAMS.index(stream_of(g)), g)),
    }
    for key, groups in wholes.items():
        whole = ["total"] if key == "streams" else sorted({stream_of(g) for g in groups})
        bar: Bar | None = figures.bar(code, choice.year, groups, whole=whole) if groups else None
        if bar is None:
            continue
        parts = _sorted_parts(bar, choice)
        missing = ", ".join(words.group_short(g, choice.lang) for g in bar.missing)
        found.append(
            {
                "key": key,
                "bar": bar,
                "parts": parts,
                "missing": missing,
                "shares": not missing or bar.rest,
                "of": figures.area_name(bar.source),
            }
        )
    return found


def _sorted_parts(bar: Bar, choice: Choice) -> list[Part]:
    """Pieces of a bar in the order of its table: as published, or by name or amount."""
    field, _, direction = choice.sort.partition("-")
    if field == "naam":
        return sorted(bar.parts, key=lambda p: words.group_short(p.group, choice.lang), reverse=direction == "af")
    if field == "euro":
        return sorted(bar.parts, key=lambda p: p.euros, reverse=direction != "op")
    return list(bar.parts)


def compare_page(choice: Choice, figures: Figures, released: Released, atlas: Atlas) -> Context:
    """Before and after: two published figures of each area, and their difference where they are of one service year."""
    say, other = speaker(choice.lang), released.figures(choice.other_epoch)
    (first_epoch, first_year, first), (last_epoch, last_year, last) = sorted(
        [(choice.other_epoch, choice.other_year, other), (choice.epoch, choice.year, figures)], key=lambda e: (e[1], e[0])
    )  # fmt: skip
    same = first_year == last_year
    changes = Changes(first, last) if same and first_epoch != last_epoch else None
    level = finest(changes, choice, last_year) if changes else max(
        (finest(first, choice, first_year), finest(last, choice, last_year)), key=("buurt", "wijk").index
    )  # fmt: skip
    tellers = [
        Teller(first, first, choice.group, first_year, choice.measure, choice.lang),
        Teller(last, last, choice.group, last_year, choice.measure, choice.lang),
    ]
    titles = [
        say("compare_before", year=first_year, month=words.month_name(first_epoch, choice.lang)),
        say("compare_after", year=last_year, month=words.month_name(last_epoch, choice.lang)),
    ]
    classes = [legend(choice, change=False)] * 2
    if changes:
        tellers.append(Teller(last, changes, choice.group, last_year, choice.measure, choice.lang, change=True))
        months = {k: words.month_name(e, choice.lang) for k, e in (("before", first_epoch), ("after", last_epoch))}
        titles.append(say("compare_change", **months))
        classes.append(legend(choice, change=True))
    drawings = [
        draw(atlas, teller, level, {"id": f"kaart{n}", "title": title, "legend": shades})
        for n, (teller, title, shades) in enumerate(zip(tellers, titles, classes, strict=True), start=1)
    ]
    by = {row.code: row for row in (tellers[-1].row(code) for code in listed(last, level))}
    table = [[teller.row(code) for teller in tellers] for code in (r.code for r in ordered(by.values(), choice.sort))]
    ends = [(first_epoch, complete(first, choice.group)), (last_epoch, complete(last, choice.group))]
    return frame(choice, figures, released, "/vergelijk") | {
        "other_years": other.years(), "same_year": same, "changes": changes is not None, "level": level, "titles": titles,
        "drawings": [d for d in drawings if d is not None], "table": table, "ends": ends, "snapshots": [first, last] if first_epoch != last_epoch else [last],
        "known": " ".join(f"{t}." for t in titles[:2]),
        "chosen": [teller.row(choice.area or placed_code(figures.municipality)) for teller in tellers],
    }  # fmt: skip
