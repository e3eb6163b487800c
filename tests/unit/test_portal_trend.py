"""The trend: what was published each month, how complete it was, and that a missing provider never looks like a drop."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from municipality_page_builders import geography, record, released, released_epoch
from municipality_page_reading import opened, table, warnings
from municipality_year_builders import FIRST, LAST, a_year

from portals.municipality.trend import Complete, Point, complete, trend
from portals.municipality.trend_svg import BOTTOM, LEFT, TOP, WIDTH, became_known, so_far
from portals.municipality.words import euros, month_name
from schemas.values import Month


def a_trend(page, area: str = "GM9901P", group: str = "total", year: int = 2025):
    return trend({e: page.figures(e) for e in page.epochs()}, area, group, year)


def cells_of(page, area: str, group: str, year: int) -> dict[int, dict]:
    return {
        e: c
        for e, datum in page.macro.epochs.items()
        for c in datum["cells"]
        if (c["area"], c["group"], c["service_year"]) == (area, group, year)
    }


def a_point(epoch: int, amount: int | None, became: int | None, closed: int = 4, asked: int = 4) -> Point:
    return Point(epoch, amount, became, None, Complete(closed, asked), held=amount is None)


def test_every_point_is_a_published_figure_and_what_became_known_the_difference_to_the_one_before() -> None:
    page = a_year()
    for area, group, year in (
        ("GM9901P", "total", 2025),
        ("WK990101", "jeugdwet", 2024),
        ("GM9901P", "verblijf", 2025),
    ):
        found, cells = a_trend(page, area, group, year), cells_of(page, area, group, year)
        assert [p.epoch for p in found.points] == sorted(cells)
        for n, point in enumerate(found.points):
            assert point.euros == cells[point.epoch]["euros"]
            before = cells[point.epoch - 1]["euros"] if n else 0
            assert point.became_known == point.euros - before


def test_buurten_have_a_point_per_quarter() -> None:
    page = a_year()
    found = a_trend(page, "BU99010101", "total", 2024)
    assert found.months_apart == 3
    assert [Month.from_index(p.epoch).month for p in found.points] == [3, 6, 9, 12, 3, 6]
    text = opened("/verloop?gebied=BU99010101&jaar=2024", page)
    assert "Bekend geworden in elk kwartaal, over zorgjaar 2024" in text
    assert "Geleverd in 2024, zoals bekend eind elk kwartaal" in text


def test_an_epoch_that_is_missing_leaves_a_gap_and_no_difference_across_it() -> None:
    page = a_year(without=(LAST - 2,))
    points = {p.epoch: p for p in a_trend(page).points}
    assert LAST - 2 not in points
    assert points[LAST - 1].became_known is None
    assert points[LAST].became_known is not None


def test_a_held_area_shows_the_trend_of_the_one_around_it_in_words() -> None:
    page = a_year()
    park = next(a["code"] for a in page.figures(LAST).areas if a["name"] == "Bedrijvenpark")
    text = opened(f"/verloop?gebied={park}", page)
    assert a_trend(page, park).source == park[:2].replace("BU", "WK") + park[2:8]
    said = " ".join(warnings(text))
    assert "Achtergehouden om huishoudens te beschermen" in said
    assert "Dit is het verloop van Linderzoom." in said


def test_a_missing_provider_is_drawn_as_incomplete_and_said_to_be_no_drop() -> None:
    page = a_year()
    text = opened("/verloop?groep=jeugdwet", page)
    rows = {row[0]: row for row in table(text)}
    for epoch, percent in ((LAST - 2, 100), (LAST - 1, 96), (LAST, 94)):
        row = rows[month_name(epoch, "nl")]
        assert row[3] == f"{percent}%"
        assert row[4] == ("" if percent == 100 else "nog niet volledig")
    bars = re.findall(r'class="month (\w+)"( fill="url\(#streep-became\)")?', text)
    assert bars == [("whole", "")] * 4 + [("partly", ' fill="url(#streep-became)"')] * 2
    assert len(re.findall(r'class="line dashed"', text)) == 2
    assert "Zo'n lage staaf is geen daling." in text


def test_a_stream_whose_providers_all_reported_is_whole_in_the_same_month() -> None:
    text = opened("/verloop?groep=wmo", a_year())
    assert 'class="month partly"' not in text
    assert "nog niet volledig</td>" not in text


def test_delivered_in_and_became_known_in_are_two_pictures_with_their_own_words() -> None:
    text = opened("/verloop")
    assert "Geleverd in 2025, zoals bekend eind elke maand" in text
    assert "Bekend geworden in elke maand, over zorgjaar 2025" in text
    assert "zorg die in maart is geleverd kan in juni bekend worden" in text
    english = opened("/verloop?lang=en")
    assert "Delivered in 2025, as known at the end of each month" in english
    assert "Became known in each month, of service year 2025" in english


def test_each_month_of_the_table_leads_to_its_own_figure() -> None:
    page = a_year()
    text = opened("/verloop?gebied=WK990102&groep=wmo", page)
    found = cells_of(page, "WK990102", "wmo", 2025)
    for month, query in re.findall(r'<a id="maand-([\d-]+)" href="(/\?[^"]*)"', text):
        amount = found[Month.parse(month).index]["euros"]
        assert f'<p class="big">{euros(amount, "nl")}</p>' in opened(query, page)


def test_the_trend_ends_at_the_chosen_month() -> None:
    text = opened("/verloop?maand=2025-03", a_year())
    assert [row[0] for row in table(text)] == ["januari 2025", "februari 2025", "maart 2025"]


def test_the_table_is_sorted_as_asked() -> None:
    page = a_year()
    by_time = [row[0] for row in table(opened("/verloop", page))]
    assert [row[0] for row in table(opened("/verloop?volgorde=naam-af", page))] == by_time[::-1]
    assert [row[0] for row in table(opened("/verloop?volgorde=euro", page))] == by_time[::-1]
    became = [row[2] for row in table(opened("/verloop?volgorde=waarde-op", page))]
    assert became == sorted(became, key=lambda v: int(re.sub(r"\D", "", v)))


def test_completeness_is_of_the_stream_of_a_care_type_of_all_for_the_total_and_of_none_for_overig() -> None:
    figures = a_year().figures(LAST)
    assert complete(figures, "verblijf") == complete(figures, "jeugdwet") == Complete(136, 144)
    assert complete(figures, "total") == Complete(144 + 136 + 18, 144 + 144 + 18)
    assert complete(figures, "overig").percent is None
    assert Complete(999, 1_000).percent == 99


amounts = st.one_of(st.none(), st.integers(-3_000, 50_000).map(lambda n: n * 1_000))


@given(st.lists(st.tuples(amounts, amounts, st.integers(0, 4)), min_size=1, max_size=30))
def test_everything_is_drawn_inside_the_picture_and_higher_is_more(values) -> None:
    points = [a_point(FIRST + n, a, b, closed) for n, (a, b, closed) in enumerate(values)]
    for chart, read in ((so_far(points), lambda p: p.euros), (became_known(points), lambda p: p.became_known)):
        assert len(chart.marks) == len(points)
        for mark, point in zip(chart.marks, points, strict=True):
            assert LEFT <= mark.x <= WIDTH
            assert TOP - 0.1 <= mark.y <= BOTTOM + 0.1
            assert (mark.kind == "held") == (read(point) is None)
            assert mark.kind in ("held", "whole" if point.complete.whole else "partly")
        ticks = [t.euros for t in chart.ticks]
        assert ticks == sorted(ticks)
        assert 0 in ticks
        assert 2 <= len(ticks) <= 9
    line = [(p.euros, m.y) for p, m in zip(points, so_far(points).marks, strict=True) if p.euros is not None]
    assert all(y1 >= y2 for a, y1 in line for b, y2 in line if a <= b)


@given(st.lists(st.one_of(st.none(), st.integers(0, 50).map(lambda n: n * 1_000)), min_size=2, max_size=20))
def test_no_line_crosses_a_month_that_was_not_published(values) -> None:
    points = [a_point(FIRST + n, v, None) for n, v in enumerate(values)]
    both = sum(a is not None and b is not None for a, b in pairwise(values))
    assert len(so_far(points).pieces) == both


def test_a_year_of_which_nothing_was_shown_says_so() -> None:
    page = a_year()
    assert trend({e: page.figures(e) for e in page.epochs()}, "GM9901P", "wmo", 2030) is None
    assert trend({}, "GM9901P", "wmo", 2025) is None


def test_a_name_that_ends_with_a_point_gets_no_second_one() -> None:
    ground = geography()
    for area in ground["areas"]:
        if area["code"] == "BU99010101":
            area["name"] = "Kerkbuurt e.o."
    page = opened("/verloop?gebied=BU99010101", released(record(ground), record(released_epoch())))
    assert "Kerkbuurt e.o. Zorgjaar" in page
    assert "e.o.." not in page
