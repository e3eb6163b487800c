"""A baseline on the page: what it is of, another year beside it, what is left out, and when a year that is not out will be."""

from __future__ import annotations

import re
from typing import Any

import pytest
from municipal_builders import marked, record, who
from municipality_page_builders import HELD_BUURT, geography, released, square
from municipality_page_builders import record as signed
from own_page_served import Served, Visitor
from test_municipal_baseline import NOW, THEN, asked, epoch_of

from projections.municipal_baseline import frozen_fields, geometry_hash, providers_asked
from schemas.municipal_events import Event, Kind


def served_with(
    *epochs: dict[str, Any],
    shapes: dict[str, Any] | None = None,
    frozen: dict[str, Any] | None = None,
    then_came: dict[str, Any] | None = None,
) -> Visitor:
    after = [signed(then_came)] if then_came else []
    page = released(signed(shapes or geography()), *(signed(e) for e in epochs), *after)
    served = Served(sign_in=False, released=page)
    count = providers_asked([asked("p98000001", "p98000002")], municipality=9901, year=2025)
    fields = frozen_fields(frozen or epochs[0], geography(), service_year=2025, providers=count)
    served.topic.append(
        record(Event(Kind.BASELINE_FROZEN, who() | fields | {"baseline": "b1", "name": "Start <2025>"}))
    )
    served.topic.append(record(marked()))
    return served.visitor()


def test_it_says_what_was_frozen_when_and_by_whom() -> None:
    page = served_with(epoch_of(THEN, 2025)).text("/nulmeting/b1")
    for word in (
        "Start <2025>", "Zorgjaar 2025, zoals bekend eind maart 2026, 3 maanden na het eind van het jaar", "door Anne Voorbeeld", "Grenzen van 2025",
        geometry_hash(geography()).hex()[:12], "Inwonertal niet bekend", "2 aanbieders: zoveel verschillende vroeg de gemeente", "Regels van toen",
    ):  # fmt: skip
        assert word in page


def test_a_year_that_is_not_out_yet_says_when_it_will_be_by_the_rules() -> None:
    visitor = served_with(epoch_of(THEN, 2025))
    assert (
        "Zorgjaar 2026 zoals bekend eind maart 2027 is nog niet uitgegeven. Volgens de regels komt het op 14 april 2027."
        in visitor.text("/nulmeting/b1?jaar=2026")
    )


def test_a_month_that_was_passed_over_is_not_promised() -> None:
    visitor = served_with(epoch_of(THEN, 2025), epoch_of(NOW + 1, 2026))
    assert "is niet uitgegeven" in visitor.text("/nulmeting/b1?jaar=2026")


def test_the_later_year_stands_beside_it_with_what_was_left_out() -> None:
    page = served_with(epoch_of(THEN, 2025), epoch_of(NOW, 2026, GM9901P=5_000_000)).text("/nulmeting/b1?jaar=2026")
    assert "Zorgjaar 2026 zoals bekend eind maart 2027, naast de nulmeting" in page
    for amount in ("€ 4.400.000", "€ 5.000.000", "€ 600.000"):
        assert f'<td class="number">{amount}</td>' in page
    assert "Toen achtergehouden of ouder" in page
    assert "Molenhoek (Jeugdwet, Overige zorg (Zvw en Wlz), Participatiewet, Alle geldstromen samen, Wmo)" in page, (
        "once per area"
    )
    assert HELD_BUURT not in page
    assert "tariefstijging per jaar, opgegeven" not in page


def test_a_tariff_rise_is_shown_with_its_source_and_only_with_one() -> None:
    visitor = served_with(epoch_of(THEN, 2025), epoch_of(NOW, 2026))
    page = visitor.text("/nulmeting/b1?jaar=2026&index=10&bron=Contract+<2026>")
    assert "Met 10% tariefstijging per jaar, opgegeven door de gemeente. Bron: Contract <2026>." in page
    assert "€ 4.840.000" in page
    assert "-€ 440.000" in page
    assert "<2026>" not in visitor.get("/nulmeting/b1?jaar=2026&index=10&bron=Contract+<2026>").text
    for query in (
        "index=10",
        "index=abc&bron=x",
        "index=99&bron=x",
        "index=NaN&bron=x",
        "index=1e9&bron=x",
        f"index=1&bron={'x' * 201}",
    ):
        wrong = visitor.text(f"/nulmeting/b1?jaar=2026&{query}")
        assert "noem de bron" in wrong
        assert "€ 4.840.000" not in wrong


def test_changed_boundaries_are_left_out_by_name() -> None:
    later = geography()
    later["areas"] = [a | {"geometry": square(0, 0, 900)} if a["code"] == "BU99010101" else a for a in later["areas"]]
    now = epoch_of(NOW, 2026) | {"geometry_hash": geometry_hash(later)}
    page = served_with(epoch_of(THEN, 2025), now, shapes=later).text("/nulmeting/b1?jaar=2026")
    assert (
        "Grenzen veranderd: Kerkbuurt (Jeugdwet, Overige zorg (Zvw en Wlz), Participatiewet, Alle geldstromen samen, Wmo)"
        in page
    )


def test_boundaries_that_change_after_both_years_leave_their_comparison_as_it_was() -> None:
    later = geography() | {"year": 2028}
    later["areas"] = [a | {"geometry": square(0, 0, 900)} for a in later["areas"]]
    years = epoch_of(THEN, 2025), epoch_of(NOW, 2026)
    before, after = (served_with(*years, then_came=g).text("/nulmeting/b1?jaar=2026") for g in (None, later))
    assert "€ 4.400.000" in before
    assert before == after


def test_boundaries_that_are_not_known_are_never_taken_for_the_same() -> None:
    now = epoch_of(NOW, 2026) | {"geometry_hash": bytes(32)}
    page = served_with(epoch_of(THEN, 2025), now).text("/nulmeting/b1?jaar=2026")
    assert "€ 4.400.000" not in page
    assert "Grenzen veranderd" in page


def test_a_release_that_is_not_as_it_was_frozen_is_not_compared() -> None:
    then = epoch_of(THEN, 2025)
    page = served_with(then, epoch_of(NOW, 2026), frozen=then | {"version": 99}).text("/nulmeting/b1?jaar=2026")
    assert "niet meer zoals zij was" in page
    assert "€" not in page


def test_the_list_names_baselines_and_marks_and_a_strange_one_is_a_sentence() -> None:
    visitor = served_with(epoch_of(THEN, 2025))
    page = visitor.text("/nulmeting?lang=en")
    assert "Service year 2025, as known at the end of March 2026, 3 months after the end of the year" in page
    assert "3 March 2025: Wijkteam begint (Waterrijk, Wmo (social support))" in page
    assert visitor.get("/nulmeting/none").status_code == 400


@pytest.mark.parametrize("year", ["1999", "abcd", "2025", "9999", "\u0662\u0660\u0662\u0666"])
def test_a_year_that_cannot_be_compared_becomes_one_that_can(year: str) -> None:
    assert "Zorgjaar 2026" in served_with(epoch_of(THEN, 2025)).text(f"/nulmeting/b1?jaar={year}")


def rows_of(page: str) -> list[list[str]]:
    """Area, group and amounts of the comparison's rows."""
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", body, re.DOTALL)]


def test_the_comparison_begins_with_the_total_of_the_whole_and_is_sorted_by_its_headings() -> None:
    visitor = served_with(epoch_of(THEN, 2025), epoch_of(NOW, 2026, GM9901P=5_000_000, WK990101=1_000_000))
    where = "/nulmeting/b1?jaar=2026&index=5&bron=Contract"
    usual = rows_of(visitor.text(where))
    assert [row[:2] for row in usual[:3]] == [
        ["Waterrijk", "Alle geldstromen samen"],
        ["Waterrijk", "Wmo"],
        ["Waterrijk", "Jeugdwet"],
    ]
    levels = [{"Waterrijk": 0, "Dorpskern": 1, "Buitenwijk & Polder": 1}.get(row[0], 2) for row in usual]
    assert levels == sorted(levels)

    def amounts(asked: str, column: int) -> list[int]:
        rows = rows_of(visitor.text(f"{where}&volgorde={asked}"))
        assert sorted(rows) == sorted(usual)
        return [int(row[column].replace("€ ", "").replace(".", "")) for row in rows]

    for field, column in (("waarde", 2), ("euro", 4), ("verschil", 5)):
        assert amounts(field, column) == sorted(amounts(field, column), reverse=True)
        assert amounts(f"{field}-op", column) == sorted(amounts(field, column))
    names = [row[0] for row in rows_of(visitor.text(f"{where}&volgorde=naam-af"))]
    assert names == sorted(names, reverse=True)
    assert rows_of(visitor.text(f"{where}&volgorde=nergens")) == usual
    page = visitor.text(f"{where}&volgorde=naam")
    assert page.count("aria-sort") == 1
    (back,) = set(re.findall(r'href="(\?[^"]*volgorde=verschil)#naast"', page))
    assert rows_of(visitor.text(f"/nulmeting/b1{back}")) == rows_of(visitor.text(f"{where}&volgorde=verschil"))


def gaps(epoch: dict[str, Any], **closed: int) -> dict[str, Any]:
    """The epoch with so many of twelve provider months closed per stream, and nothing told of other care."""
    told = [{"group": group, "months_closed": months, "months_asked": 12} for group, months in closed.items()]
    return epoch | {"completeness": [*told, {"group": "overig", "months_closed": 0, "months_asked": 0}]}


def test_a_missing_provider_is_said_beside_a_difference_and_never_passes_for_a_drop() -> None:
    then = gaps(epoch_of(THEN, 2025), wmo=12, jeugdwet=12)
    now = gaps(epoch_of(NOW, 2026, GM9901P=2_000_000), wmo=12, jeugdwet=9)
    page = served_with(then, now).text("/nulmeting/b1?jaar=2026")
    warned = page.partition('id="niet-volledig">')[2].partition("</p>")[0]
    assert (
        warned
        == "Let op: niet alle aanbieders hebben alles doorgegeven. Een verschil kan ook daarvan komen. Volledigheid: Jeugdwet toen 100%, nu 75%."
    )
    assert "Jeugdwet: 9 van 12 gevraagde aanbiedermaanden afgesloten (75%)" in page
    whole = served_with(then, gaps(epoch_of(NOW, 2026), wmo=12, jeugdwet=12)).text("/nulmeting/b1?jaar=2026")
    assert 'id="niet-volledig"' not in whole


def test_a_comparison_says_from_which_snapshots_it_is_how_complete_they_are_and_its_address() -> None:
    page = served_with(epoch_of(THEN, 2025), epoch_of(NOW, 2026)).text("/nulmeting/b1?jaar=2026&index=10&bron=VNG")
    about = page.partition('id="over"')[2]
    for month in ("maart 2026", "maart 2027"):
        assert f"uitgave 1 van {month}" in about
        assert f"Volledigheid, {month}" in about
    assert 'href="/nulmeting/b1?lang=nl&jaar=2026&index=10&bron=VNG"' in about


def test_a_tariff_rise_is_written_as_the_language_writes_it_and_stays_in_the_other_language() -> None:
    visitor = served_with(epoch_of(THEN, 2025), epoch_of(NOW, 2026))
    page = visitor.text("/nulmeting/b1?jaar=2026&index=4,2&bron=VNG&volgorde=naam")
    assert "Met 4,2% tariefstijging" in page
    assert 'href="?jaar=2026&index=4%2C2&bron=VNG&volgorde=naam&lang=en"' in page
    assert "tariff rise of 4.2% a year" in visitor.text("/nulmeting/b1?jaar=2026&index=4,2&bron=VNG&lang=en")


def test_what_a_difference_may_be_off_is_said_of_the_coarser_of_both() -> None:
    coarse = epoch_of(NOW, 2026) | {"parameters": '{"euros_base": 5000}'}
    assert "afgerond op 5.000 euro; een verschil kan er 5.000 euro naast" in served_with(
        epoch_of(THEN, 2025), coarse
    ).text("/nulmeting/b1?jaar=2026")
    usual = served_with(epoch_of(THEN, 2025), epoch_of(NOW, 2026)).text("/nulmeting/b1?jaar=2026")
    assert "afgerond op 1.000 euro; een verschil" in usual
