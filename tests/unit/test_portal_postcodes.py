"""Parts of buurten, streets, and why there is nothing per postcode: from published geography and cells only."""

from __future__ import annotations

import re

from municipality_page_builders import HELD_BUURT, geography, record, released, released_epoch
from municipality_page_reading import in_the_table, on_the_map, opened
from municipality_year_builders import LAST, a_year

from portals.municipality.postcodes import postcodes
from portals.municipality.words import euros


def test_the_answer_is_counted_from_what_is_published() -> None:
    page = a_year()
    ground, cells = page.macro.geography, page.meso.epochs[LAST]["cells"]
    clusters = [a for a in ground["areas"] if a["level"] == "cluster"]
    codes = {p for a in clusters for p in a["postcodes"]}
    of_year = [c for c in cells if c["service_year"] == 2025]
    shown = [c for c in of_year if c["decision"] == "released"]
    text = opened("/postcodes", page)
    assert "minstens 10 huishoudens met zorg" in text
    in_care = next(
        c["households"]
        for c in page.macro.epochs[LAST]["cells"]
        if (c["area"], c["group"], c["service_year"]) == ("GM9901P", "total", 2025)
    )
    average = f"{in_care / len(codes):.1f}".replace(".", ",")
    assert f"zijn dat er {average} per postcode" in text
    assert f"over {len(codes)} postcodes" in text
    assert f"samengevoegd tot {len(clusters)} delen" in text
    assert (
        f"Nu heeft {len(shown)} van de {len(of_year)} delen een eigen cijfer ({round(100 * len(shown) / len(of_year))}%)"
        in text
    )


def test_what_is_held_or_not_published_is_no_number_of_the_answer() -> None:
    epoch = released_epoch()
    for c in epoch["cells"]:
        if c["area"] == "GM9901P":
            c |= {"decision": "held", "euros": None, "households": None, "known_until": None}
    page = released(record(geography()), record(epoch))
    counts = postcodes(page.figures(page.epochs()[0]), 2025)
    assert (counts.postcodes, counts.in_care, counts.in_care_per_postcode) == (0, None, None)
    text = opened("/postcodes", page)
    assert "Van deze gemeente zijn geen postcodes uitgegeven. De delen van buurten zijn het fijnst: 4." in text
    assert "per postcode: " not in text
    assert "zij komen eens per kwartaal" in text


def test_the_answer_is_of_the_whole_whatever_was_chosen() -> None:
    page = a_year()
    assert opened("/postcodes?gebied=BU99010101&groep=wmo", page) == opened("/postcodes", page)


def test_a_buurt_shows_its_parts_with_their_streets_and_postcodes() -> None:
    page = a_year()
    ground, cells = page.macro.geography, page.meso.epochs[LAST]["cells"]
    buurt = next(a["parent"] for a in ground["areas"] if a["code"].endswith(".02"))
    rows = in_the_table(opened(f"/?gebied={buurt}", page))
    inside = [a for a in ground["areas"] if a["parent"] == buurt]
    assert {code for code in rows if "." in code} == {a["code"] for a in inside}
    for area in inside:
        row, cell = rows[area["code"]], next(c for c in cells if (c["area"], c["service_year"]) == (area["code"], 2025))
        assert ", ".join(area["postcodes"]) in row
        assert ("Hier ziet u" in row) == (cell["decision"] == "held")
        assert cell["euros"] is None or euros(cell["euros"], "nl") in row
        for street in ground["streets"]:
            if street["cluster"] == area["code"]:
                elsewhere = any(s["name"] == street["name"] and s["cluster"] != area["code"] for s in ground["streets"])
                assert (f"{street['name']} (deel)" in row) == elsewhere
                assert street["name"] in row


def test_parts_are_drawn_where_shapes_are_published() -> None:
    text = opened("/?gebied=BU99010101")
    drawn = set(re.findall(r'id="deel-([^"]+)"', text))
    assert drawn == {"BU99010101.01", "BU99010101.02"}
    assert 'id="deel-' not in opened(f"/?gebied={HELD_BUURT}")


def test_a_part_that_is_chosen_keeps_its_buurt_open() -> None:
    text = opened("/?gebied=BU99010101.02")
    assert 'id="deel-BU99010101.01"' in text
    assert '<option value="BU99010101.02" selected>' in text
    assert "BU99010101" in on_the_map(text)


def test_care_types_stand_in_a_bar_of_their_own_of_the_smallest_area_that_has_them() -> None:
    page = a_year()
    text = opened("/?gebied=BU99010101", page)
    types = text[text.index('id="balk-types"') :]
    assert "Dit is de verdeling van Lindermonde-Dorp." in types
    wijk = {
        c["group"]: c["euros"]
        for c in page.macro.epochs[LAST]["cells"]
        if (c["area"], c["service_year"]) == ("WK990101", 2025)
    }
    assert f"{euros(wijk['verblijf'], 'nl')}</td>" in types
    assert "Dit is de verdeling van" not in opened("/?gebied=WK990101", page)


def test_the_table_of_a_bar_is_sorted_by_name_and_amount_as_the_bar_is() -> None:
    page = a_year()

    def names(sort: str) -> list[str]:
        text = opened(f"/?gebied=WK990101&volgorde={sort}", page)
        rows = re.findall(
            r'swatch stream-([\w-]+)"></span>', text[text.index('id="balk-streams"') : text.index('id="balk-types"')]
        )
        drawn = re.findall(r'class="part stream-([\w-]+)"', text[: text.index('id="balk-types"')])
        assert rows == drawn
        return rows

    assert names("naam") == ["jeugdwet", "overig", "participatiewet", "wmo"]
    assert names("naam-af") == names("naam")[::-1]
    amounts = {
        c["group"]: c["euros"]
        for c in page.macro.epochs[LAST]["cells"]
        if (c["area"], c["service_year"]) == ("WK990101", 2025)
    }
    assert names("euro") == sorted(names(""), key=lambda g: -amounts[g])
    assert names("euro-op") == names("euro")[::-1]
