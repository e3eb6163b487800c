"""Before and after, quarters and months: only ever the difference of two published figures of one cell within one service year."""

from __future__ import annotations

import re
from itertools import product

import pytest
from municipality_page_builders import BUURTEN, JUNE, WIJKEN, cell, geography, record, released, released_epoch
from municipality_page_reading import chosen, in_the_table, on_the_map, opened, table
from municipality_year_builders import FIRST, LAST, STREAMS, a_year

from portals.municipality.compare import Changes, Period, Window, window
from portals.municipality.words import euros
from schemas.values import Month

MARCH, MAY = JUNE - 3, JUNE - 1


def in_records(page, epoch: int) -> dict[tuple[str, str, int], dict]:
    """The cells of an epoch as they stand on the topics."""
    cells = page.macro.epochs[epoch]["cells"] + page.meso.epochs[epoch]["cells"]
    return {(c["area"], c["group"], c["service_year"]): c for c in cells}


@pytest.mark.parametrize(
    ("period", "epoch", "year", "expected"),
    [
        (Period.MONTH, Month(2025, 6), 2025, Window(Month(2025, 5).index, Month(2025, 6).index)),
        (Period.MONTH, Month(2025, 1), 2025, Window(None, Month(2025, 1).index)),
        (Period.MONTH, Month(2025, 1), 2024, Window(Month(2024, 12).index, Month(2025, 1).index)),
        (Period.QUARTER, Month(2025, 6), 2025, Window(Month(2025, 3).index, Month(2025, 6).index)),
        (Period.QUARTER, Month(2025, 5), 2025, Window(None, Month(2025, 3).index)),
        (Period.QUARTER, Month(2025, 2), 2025, None),
        (Period.MONTH, Month(2024, 1), 2023, None),
    ],
)
def test_a_window_ends_at_two_published_epochs_or_at_the_start_of_the_year(period, epoch, year, expected) -> None:
    assert window(period, epoch.index, year, range(FIRST, LAST + 1)) == expected


def test_a_window_with_an_end_that_was_never_published_is_none() -> None:
    epochs = [e for e in range(FIRST, LAST + 1) if e != LAST - 1]
    assert window(Period.MONTH, LAST, 2025, epochs) is None
    text = opened("/?periode=maand", a_year(without=(LAST - 1,)))
    assert "Van deze periode is niet aan beide kanten een cijfer uitgegeven." in text
    assert "Zorgjaar 2025 tot nu toe, zoals bekend eind juni 2025" in text


def test_every_difference_is_of_two_records_of_one_cell_published_each_at_its_own_end() -> None:
    page = a_year()
    ends = (LAST - 3, LAST - 2, LAST)
    for before, after in product(ends, ends):
        if before >= after:
            continue
        changes = Changes(page.figures(before), page.figures(after))
        first, last = in_records(page, before), in_records(page, after)
        for key, c in last.items():
            both = [end.get(key) for end in (first, last)]
            published = [
                b is not None and b["decision"] == "released" and b["known_until"] == e
                for b, e in zip(both, (before, after), strict=True)
            ]
            found = changes.own(*key)
            assert (found is not None) == all(published), key
            assert found is None or found == c["euros"] - first[key]["euros"]


def test_a_quarter_shows_what_became_known_in_it_per_buurt_and_a_month_per_wijk() -> None:
    page = a_year()
    text = opened("/?periode=kwartaal", page)
    assert "Over zorgjaar 2025: wat bekend werd van eind maart 2025 tot en met eind juni 2025." in text
    assert "Kaart per buurt" in text
    first, last = in_records(page, LAST - 3), in_records(page, LAST)
    shown = in_the_table(text)
    own = 0
    for code, row in shown.items():
        if "Hier ziet u" in row:
            continue
        own += 1
        key = (code, "total", 2025)
        assert euros(last[key]["euros"] - first[key]["euros"], "nl") in row
    assert own > len(shown) / 2
    assert all(code.startswith("WK") for code in on_the_map(opened("/?periode=maand", page)))
    assert any(code.startswith("BU") for code in on_the_map(text))


def test_the_first_month_of_a_service_year_is_since_its_start() -> None:
    text = opened("/?periode=maand&maand=2025-01", a_year())
    assert "wat bekend werd van het begin van het zorgjaar tot en met eind januari 2025" in text


def held_at(epoch: int, area: str):
    """June and March, where one buurt was held at one of them, with the value of three months before."""
    records = []
    for e in (MARCH, JUNE):
        datum = released_epoch(e, version=e)
        for c in datum["cells"]:
            if c["area"] == area and e == epoch:
                c |= {"decision": "held", "known_until": e - 3}
        records.append(record(datum))
    return released(record(geography()), *records)


@pytest.mark.parametrize("epoch", [MARCH, JUNE])
def test_a_cell_held_at_one_end_has_no_difference_of_its_own(epoch: int) -> None:
    text = opened("/?periode=kwartaal&gebied=BU99010101", held_at(epoch, "BU99010101"))
    assert "Achtergehouden om huishoudens te beschermen" in chosen(text)
    assert chosen(text).endswith("Dorpskern: € 0")
    assert on_the_map(text)["BU99010101"][1] == "held none"


def test_before_after_and_difference_stand_in_one_table_and_on_three_maps() -> None:
    page = a_year()
    text = opened("/vergelijk?met=2025-03&maand=2025-06", page)
    assert len(re.findall(r'<svg viewBox="-4 -4', text)) == 3
    assert "Verschil: bekend geworden tussen eind maart 2025 en eind juni 2025" in text
    assert "Dit is het verschil tussen twee uitgegeven cijfers van hetzelfde gebied" in text
    whole = table(text)[0]
    ends = [in_records(page, e)["GM9901P", "total", 2025]["euros"] for e in (LAST - 3, LAST)]
    assert whole[2:5] == [euros(v, "nl") for v in (*ends, ends[1] - ends[0])]


def test_the_order_in_which_the_two_are_named_does_not_matter() -> None:
    page = a_year()
    one, other = (
        opened(f"/vergelijk?met={a}&maand={b}", page) for a, b in (("2025-03", "2025-06"), ("2025-06", "2025-03"))
    )
    assert table(one) == table(other)


def test_two_service_years_stand_side_by_side_and_nothing_is_subtracted() -> None:
    page = a_year()
    text = opened("/vergelijk?maand=2025-06&jaar=2025&met=2024-06&metjaar=2024", page)
    assert "Twee zorgjaren staan naast elkaar. Hier wordt niets van elkaar afgetrokken" in text
    assert len(re.findall(r'<svg viewBox="-4 -4', text)) == 2
    assert "Voor: zorgjaar 2024, zoals bekend eind juni 2024" in text
    whole = table(text)[0]
    before = in_records(page, Month(2024, 6).index)["GM9901P", "total", 2024]["euros"]
    after = in_records(page, LAST)["GM9901P", "total", 2025]["euros"]
    assert whole[2:4] == [euros(before, "nl"), euros(after, "nl")]
    assert euros(after - before, "nl") not in text
    assert "Volledigheid eind juni 2024: 100%" in text
    assert "Volledigheid eind juni 2025: 97%" in text


def test_one_and_the_same_figure_is_not_compared() -> None:
    text = opened("/vergelijk?met=2025-06", a_year())
    assert "Kies twee verschillende maanden of zorgjaren." in text


def test_a_decrease_has_a_class_of_its_own() -> None:
    records = []
    for e, amount in ((MARCH, 90_000), (JUNE, 80_000)):
        datum = released_epoch(e, version=e)
        datum["cells"] = [cell("GM9901P", "placed", "total", amount, known=e)]
        datum["cells"] += [
            cell(c, area, "total", amount, known=e)
            for c, area in {**dict.fromkeys(WIJKEN, "wijk"), **dict.fromkeys(BUURTEN, "buurt")}.items()
        ]
        records.append(record(datum))
    text = opened("/?periode=kwartaal", released(record(geography()), *records))
    assert {klass for _, klass in on_the_map(text).values()} == {"less"}
    assert chosen(text) == "Waterrijk: -€ 10.000."
    assert "afname: er is meer teruggenomen dan erbij kwam" in text


def test_nothing_is_subtracted_between_areas_or_groups() -> None:
    """Every amount on the compare page is a published one, or the difference of two published ones of one cell."""
    page = a_year()
    allowed = set()
    first, last = in_records(page, LAST - 3), in_records(page, LAST)
    for key in last:
        for group in STREAMS:
            values = [
                c["euros"]
                for c in (first.get((key[0], group, 2025)), last.get((key[0], group, 2025)))
                if c and c["euros"] is not None
            ]
            allowed |= {euros(v, "nl") for v in values}
            allowed |= {euros(values[1] - values[0], "nl")} if len(values) == 2 else set()
    for group in STREAMS:
        for row in table(opened(f"/vergelijk?met=2025-03&groep={group}", page)):
            assert set(row[2:5]) <= allowed, row
