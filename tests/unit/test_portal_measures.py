"""Amounts per inhabitant, per household and per 1,000: from rounded released euros and published numbers of people only."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from municipality_page_builders import BUURTEN, geography, record, released, released_epoch
from municipality_page_reading import chosen, in_the_table, on_the_map, opened
from municipality_year_builders import a_year

from portals.municipality.measures import COLOURS, Measure, bounds, class_of, people, stream_of, value
from portals.municipality.words import TYPES
from schemas.care import CARE_TYPES

KERKBUURT, MOLENHOEK = "BU99010101", "BU99010102"


def a_geography(**people_of: dict[str, int | None]):
    """Every area with 1,000 inhabitants, 200 of them under 18, 500 households; `BU...={...}` says otherwise."""
    ground = geography()
    for area in ground["areas"]:
        area.update({"inhabitants": 1_000, "under_18": 200, "aged_75_and_over": 90, "households": 500})
        area.update(people_of.get(area["code"], {}))
    return ground | {"population_year": 2025}


def a_page(**people_of: dict[str, int | None]):
    return released(record(a_geography(**people_of)), record(released_epoch()))


@given(
    euros=st.integers(-10_000, 100_000).map(lambda n: n * 1_000),
    count=st.integers(50, 100_000),
    measure=st.sampled_from([Measure.PER_INHABITANT, Measure.PER_HOUSEHOLD, Measure.PER_THOUSAND]),
)
def test_a_rate_is_the_released_amount_over_the_published_number_to_the_unit_shown(euros, count, measure) -> None:
    found = value(euros, {"inhabitants": count, "households": count, "under_18": 0}, measure)
    times, unit = (1_000, 1_000) if measure is Measure.PER_THOUSAND else (1, 1)
    assert found % unit == 0
    assert abs(found * count - euros * times) * 2 <= count * unit


@pytest.mark.parametrize(
    "measure", [Measure.PER_INHABITANT, Measure.PER_HOUSEHOLD, Measure.PER_THOUSAND, Measure.PER_YOUTH]
)
def test_nothing_is_divided_below_fifty_inhabitants_or_by_what_is_not_known(measure) -> None:
    few = {"inhabitants": 49, "households": 60, "under_18": 60}
    assert people(few, measure) is None
    assert people(few | {"inhabitants": 50}, measure) in (50, 60)
    assert people(few | {"inhabitants": None}, measure) is None
    assert people(None, measure) is None
    assert value(100_000, few, measure) is None
    nobody = {"inhabitants": 50, "households": 0, "under_18": 49}
    assert people(nobody, measure) == (50 if "inwoner" in measure or "duizend" in measure else None)
    assert value(100_000, few, Measure.EUROS) == 100_000


def test_the_page_divides_and_says_by_what() -> None:
    text = opened(f"/?maat=inwoner&gebied={KERKBUURT}", a_page(**{KERKBUURT: {"inhabitants": 880}}))
    assert chosen(text) == "Kerkbuurt: € 250 per inwoner."
    assert "Inwoners: 880; jonger dan 18: 200; 75 en ouder: 90; huishoudens: 500; begin 2025." in text
    assert re.search(r"Euro: <strong>€ 220\.000</strong>", text)
    assert re.search(r"Euro per huishouden: <strong>€ 440</strong>", text)
    assert re.search(r"Euro per 1\.000 inwoners: <strong>€ 250\.000</strong>", text)
    assert chosen(opened("/?maat=duizend&lang=en", a_page())) == "Waterrijk: € 4,400,000 per 1,000 inhabitants."


def test_an_area_of_few_inhabitants_shows_the_one_around_it_hatched_and_says_why() -> None:
    page = a_page(**{KERKBUURT: {"inhabitants": 49}})
    text = opened(f"/?maat=inwoner&gebied={KERKBUURT}", page)
    assert chosen(text) == (
        "Kerkbuurt. Hier wonen minder dan 50 mensen, of hoeveel is niet bekend: dit cijfer wordt niet gedeeld. Hier ziet u Dorpskern: het "
        "kleinste gebied eromheen dat wel getoond mag worden. Dorpskern: € 2.200 per inwoner"
    )
    assert on_the_map(text)[KERKBUURT][1] == "held class-4"
    assert "€ 220.000" not in in_the_table(text)[KERKBUURT]
    assert chosen(opened(f"/?gebied={KERKBUURT}", page)) == "Kerkbuurt: € 220.000."


def test_where_no_number_of_people_is_known_no_rate_is_offered() -> None:
    page = released(record(geography()), record(released_epoch()))
    assert 'value="inwoner"' not in opened(page=page)
    assert opened("/?maat=inwoner", page).count("per inwoner") == 0


def test_per_young_person_is_offered_for_what_is_spent_on_them() -> None:
    assert 'value="jongere"' not in opened("/", a_page())
    assert 'value="jongere"' not in opened("/?groep=begeleiding", a_page())
    assert chosen(opened("/?groep=jeugdwet&maat=jongere", a_page())) == "Waterrijk: € 10.000 per inwoner onder 18."


def test_a_held_area_of_a_rate_has_the_colour_of_the_area_around_it_and_of_an_amount_none() -> None:
    page = a_page()
    assert on_the_map(opened("/?maat=inwoner", page))[MOLENHOEK][1] == "held class-4"
    assert on_the_map(opened("/", page))[MOLENHOEK][1] == "held none"


def test_classes_are_the_same_in_every_month_and_area() -> None:
    page = a_year()
    legends = {
        re.search(r'<ul class="legend">.*?</ul>', opened(query, page), re.DOTALL)[0]
        for query in (
            "/?maat=inwoner",
            "/?maat=inwoner&maand=2024-03",
            "/?maat=inwoner&gebied=BU99010101&maand=2025-03",
        )
    }
    assert len(legends) == 1


@pytest.mark.parametrize("measure", list(Measure))
@pytest.mark.parametrize("group", ["total", "wmo", "verblijf"])
@pytest.mark.parametrize("change", [False, True])
def test_there_is_a_colour_for_every_class_and_every_bound_begins_one(measure, group, change) -> None:
    of = bounds(measure, group, change=change)
    assert list(of) == sorted(set(of))
    assert len(of) + 1 == len(COLOURS)
    assert [class_of(b, of) for b in of] == list(range(1, len(COLOURS)))
    assert class_of(of[0] - 1, of) == 0


def test_every_published_care_type_has_a_stream_and_a_name() -> None:
    for care in CARE_TYPES.values():
        if care.published_as:
            assert stream_of(care.published_as) == care.group.value
    assert set(TYPES) == {t.published_as for t in CARE_TYPES.values() if t.published_as}


def test_a_row_has_a_rate_of_its_own_only_where_its_figure_and_its_people_are_published() -> None:
    """Of the six buurten two are held, one has 49 inhabitants, one an unknown number."""
    page = a_page(**{code: {"inhabitants": n} for code, n in zip(BUURTEN, (49, 50, 50, None, 3_000, 60), strict=True)})
    rows = in_the_table(opened("/?maat=inwoner", page))
    assert {code for code in BUURTEN if "Hier ziet u" not in rows[code]} == {"BU99010103", "BU99010203"}
