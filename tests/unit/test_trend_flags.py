"""The municipality's dated marks in the pictures of a trend: where they stand, that they touch nothing, and that the list explains each."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from municipal_builders import marked, record
from municipality_year_builders import LAST, a_year
from own_page_served import Served

from portals.municipality.trend import Complete, Point, Trend
from portals.municipality.trend_flags import flags, numbered
from portals.municipality.trend_svg import LEFT, WIDTH, became_known, so_far
from projections.municipal_stories import Mark
from schemas.values import Month, day_number

JANUARY = Month(2025, 1).index


def a_mark(day: str) -> Mark:
    found = dt.date.fromisoformat(day)
    return Mark(Month.of(found).index, day, "Wijkteam begint", "GM9901P", "total")


def a_trend(*epochs: int, apart: int = 1) -> Trend:
    points = tuple(Point(e, 1_000, 1_000, None, Complete(1, 1), held=False) for e in epochs)
    return Trend("GM9901P", "GM9901P", "total", 2025, points, apart)


def lines(days: list[str], of: Trend) -> tuple[list[float], list[float]]:
    drawn = flags(numbered([a_mark(d) for d in days], of), of)
    return [x for f in drawn.so_far for x in f.xs], [x for f in drawn.became for x in f.xs]


def test_a_day_stands_between_the_ends_of_two_months_and_inside_the_bar_of_its_own() -> None:
    of = a_trend(*range(JANUARY, JANUARY + 12))
    points, bars = so_far(of.points), became_known(of.points)
    for month in range(2, 13):
        for day in (1, 14, 28):
            at_points, at_bars = lines([f"2025-{month:02d}-{day:02d}"], of)
            assert points.marks[month - 2].x <= at_points[0] < points.marks[month - 1].x
            left = LEFT + (month - 1) * bars.step
            assert left - 0.1 <= at_bars[0] < left + bars.step


def test_a_day_of_a_quarter_stands_in_its_third_of_it() -> None:
    of = a_trend(JANUARY + 2, JANUARY + 5, apart=3)
    _, bars = lines(["2025-04-01", "2025-05-01", "2025-06-01"], of)
    step = (WIDTH - LEFT) / 2
    assert bars == pytest.approx([LEFT + step, LEFT + step * 4 / 3, LEFT + step * 5 / 3], abs=0.1)


def test_a_day_outside_the_pictures_is_listed_without_a_number_and_not_drawn() -> None:
    of = a_trend(JANUARY, JANUARY + 1)
    told = numbered([a_mark(d) for d in ("2024-12-31", "2025-01-01", "2025-02-28", "2025-03-01")], of)
    assert [one.number for one in told] == [None, 1, 2, None]
    assert [one.epoch for one in told] == [None, JANUARY, JANUARY + 1, None]
    assert [f.label for f in flags(told, of).became] == ["1", "2"]
    assert numbered([a_mark("2025-01-01")], a_trend())[0].number is None


def test_a_day_of_a_month_that_is_missing_stands_where_the_next_begins() -> None:
    of = a_trend(JANUARY, JANUARY + 2)
    assert lines(["2025-02-15"], of)[1] == pytest.approx([LEFT + (WIDTH - LEFT) / 2])


def test_marks_too_close_for_a_number_each_share_a_box_and_keep_their_lines() -> None:
    of = a_trend(*range(JANUARY, JANUARY + 12))
    drawn = flags(numbered([a_mark(d) for d in ("2025-03-01", "2025-03-02", "2025-03-05", "2025-09-01")], of), of)
    assert [f.label for f in drawn.became] == ["1–3", "4"]
    assert [len(f.xs) for f in drawn.became] == [3, 1]


@given(
    st.lists(st.dates(dt.date(2024, 6, 1), dt.date(2026, 12, 31)), max_size=40),
    st.integers(1, 30),
    st.sampled_from([1, 3]),
)
def test_no_box_touches_another_all_are_inside_and_every_mark_is_in_one(
    days: list[dt.date], count: int, apart: int
) -> None:
    of = a_trend(*(JANUARY + apart * (n + 1) - 1 for n in range(count)), apart=apart)
    told = numbered([a_mark(d.isoformat()) for d in sorted(days)], of)
    inside = [one for one in told if one.number is not None]
    assert [one.number for one in inside] == list(range(1, len(inside) + 1))
    for drawn in (flags(told, of).so_far, flags(told, of).became):
        assert sum(len(f.xs) for f in drawn) == len(inside)
        for a, b in pairwise(drawn):
            assert a.left + a.width <= b.left + 0.1
        for f in drawn:
            assert f.left >= 0
            assert f.left + f.width <= WIDTH + 0.1
            assert all(LEFT <= x <= WIDTH for x in f.xs)
        ends = [int(n) for f in drawn for n in f.label.split("–")]
        assert ends == sorted(ends)


def test_the_page_draws_them_explains_each_number_and_says_it_in_the_table_too() -> None:
    served = Served(sign_in=False, released=a_year())
    for n, (day, area, what) in enumerate([
        (dt.date(2025, 3, 3), "GM9901P", "Wijkteam <begint>"), (dt.date(2025, 5, 20), "WK990101", "Nieuw contract"), (dt.date(2023, 1, 9), "GM9901P", "Lang geleden"),
    ]):  # fmt: skip
        served.topic.append(record(marked(f"i{n}", area=area, group="total", day=day_number(day), what=what)))
    raw = served.visitor().get("/verloop?gebied=WK990101&groep=wmo&lang=nl").text
    page = unescape(raw)
    assert "<begint>" not in raw
    assert re.findall(r'class="flag-name">([^<]*)<', page) == ["1", "2"] * 2
    assert page.count('class="flag-line"') == 4
    assert page.count('aria-describedby="tabel maatregel-lijst"') == 2
    listed = re.findall(r"<li>([^\n]*?)</li>", page.partition('id="maatregel-lijst"')[2].partition("</ul>")[0])
    assert listed == [
        "Buiten dit plaatje, 9 januari 2023: Lang geleden (Lindermonde, Alle geldstromen samen)",
        "Lijn 1, 3 maart 2025: Wijkteam <begint> (Lindermonde, Alle geldstromen samen)",
        "Lijn 2, 20 mei 2025: Nieuw contract (Lindermonde-Dorp, Alle geldstromen samen)",
    ]
    rows = re.findall(r'id="maand-([\d-]+)".*?</tr>', page, re.DOTALL)
    assert str(Month.from_index(LAST)) in rows
    for month, said in (("2025-03", "Lijn 1: Wijkteam <begint>."), ("2025-05", "Lijn 2: Nieuw contract.")):
        row = re.search(rf'id="maand-{month}".*?</tr>', page, re.DOTALL)
        assert row is not None
        assert said in row[0]
    assert "Line 1, 3 March 2025: Wijkteam" in unescape(
        served.visitor().get("/verloop?gebied=WK990101&groep=wmo&lang=en").text
    )


def test_a_trend_without_marks_has_no_room_for_them() -> None:
    page = Served(sign_in=False, released=a_year()).visitor().text("/verloop")
    assert "flag" not in page
    assert "maatregel" not in page
    assert 'viewBox="0 0 640 300"' in page
