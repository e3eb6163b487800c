"""The council's page with the municipality's own part: change since the baseline, one story, how the money is spread; read back from the PDF."""

from __future__ import annotations

import io
import re
from typing import Any

import pypdf
import pytest
from municipal_builders import frozen, note_released, record, withdrawn, written
from municipality_page_builders import (
    DECEMBER,
    HELD_BUURT,
    HELD_EVER_BUURT,
    JUNE,
    concentration,
    december,
    geography,
    released,
)
from municipality_page_builders import record as signed
from own_page_served import Served, Visitor
from test_council_page import large
from test_municipal_baseline import NOW, THEN, epoch_of

from portals.municipality.concentration import Concentration, Stacked
from portals.municipality.exports.council_beside import Beside, Change, Told
from portals.municipality.exports.council_page import council_page
from portals.municipality.markdown import as_lines
from portals.municipality.own_words import own_text
from projections.municipal_baseline import frozen_fields
from projections.municipal_stories import note_for_council
from schemas.municipal_events import Event
from schemas.values import Month

YEAR_2025 = {"first_month": Month(2025, 1).index, "last_month": Month(2025, 3).index}


def pdf_of(visitor: Visitor, query: str = "") -> str:
    """The words of the page, which is always one."""
    answer = visitor.get(f"/export/council.pdf?{query}")
    assert answer.status_code == 200, answer.text
    pdf = pypdf.PdfReader(io.BytesIO(answer.content))
    assert len(pdf.pages) == 1
    return " ".join(pdf.pages[0].extract_text().split())


def a_baseline(then: dict[str, Any], baseline: str = "b1", **other: Any) -> Event:
    fields = frozen_fields(then, geography(), service_year=2025, providers=7)
    return frozen(baseline, **fields | {"name": f"Start {baseline}", "protection": "full"} | other)


def with_events(*events: Event, epochs: tuple[dict[str, Any], ...]) -> tuple[Served, Visitor]:
    served = Served(sign_in=False, released=released(signed(geography()), *(signed(e) for e in epochs)))
    for event in events:
        served.topic.append(record(event))
    return served, served.visitor()


# --- change since the baseline ------------------------------------------------------------------------------------


def test_the_total_is_compared_with_the_baseline_equally_long_after_the_end_of_its_year() -> None:
    then, now = epoch_of(THEN, 2025), epoch_of(NOW, 2026, GM9901P=5_000_000)
    _, visitor = with_events(a_baseline(then), epochs=(then, now))
    said = pdf_of(visitor, "jaar=2026")
    assert "Verschil met de nulmeting + € 600.000 (+14%)" in said
    assert "Nulmeting “Start b1”, zorgjaar 2025 zoals bekend eind maart 2026: € 4.400.000." in said
    assert "Zorgjaar 2026, even lang na het eind van dat jaar (eind maart 2027): € 5.000.000." in said
    assert "+ € 600,000 (+14%)" in pdf_of(visitor, "jaar=2026&lang=en")


def test_a_change_says_which_streams_were_not_complete_at_either_end() -> None:
    told = [{"group": group, "months_closed": 12, "months_asked": 12} for group in ("wmo", "jeugdwet")]
    then, now = epoch_of(THEN, 2025) | {"completeness": told}, epoch_of(NOW, 2026)
    _, visitor = with_events(a_baseline(then), epochs=(then, now))
    assert (
        "Een verschil kan ook daarvan komen. Volledigheid: Jeugdwet toen 100%, nu 75%; Participatiewet toen onbekend, nu 0%."
        in pdf_of(visitor, "jaar=2026")
    )
    _, visitor = with_events(a_baseline(then), epochs=(then, now | {"completeness": told}))
    assert "kan ook daarvan komen" not in pdf_of(visitor, "jaar=2026")


def test_the_comparison_leads_to_its_page_for_the_council_and_a_story_to_its() -> None:
    then, now = epoch_of(THEN, 2025), epoch_of(NOW, 2026, GM9901P=5_000_000)
    _, visitor = with_events(a_baseline(then), *a_story("n1", "Van de buurt."), epochs=(then, now))
    links = [
        re.search(r'id="voor-de-raad" href="([^"]+)"', visitor.text(p))
        for p in ("/nulmeting/b1?jaar=2026", "/verhalen/n1")
    ]
    compared, told = (pdf_of(visitor, link[1].partition("?")[2]) for link in links if link)
    assert "+ € 600.000" in compared
    assert "Van de buurt." in told


def test_less_is_written_with_a_minus() -> None:
    then, now = epoch_of(THEN, 2025), epoch_of(NOW, 2026, GM9901P=4_000_000)
    _, visitor = with_events(a_baseline(then), epochs=(then, now))
    assert "\N{MINUS SIGN} € 400.000 (\N{MINUS SIGN}9%)" in pdf_of(visitor, "jaar=2026")


def held_total(epoch: dict[str, Any]) -> dict[str, Any]:
    cells = [
        c | {"decision": "held", "known_until": epoch["epoch"] - 3} if (c["area"], c["group"]) == ("GM9901P", "total") else c
        for c in epoch["cells"]
    ]  # fmt: skip
    return epoch | {"cells": cells}


LATER = epoch_of(NOW, 2026)


@pytest.mark.parametrize(
    ("events", "epochs", "query", "said"),
    [
        ("", (LATER,), "jaar=2026", "Er is nog geen nulmeting."),
        ("b", (), "jaar=2025", "Er is geen nulmeting van een zorgjaar voor 2025."),
        ("b", (epoch_of(NOW - 6, 2026),), "jaar=2026", "Zorgjaar 2026 is met de nulmeting te vergelijken zodra de cijfers van eind maart 2027 er zijn."),
        ("b", (epoch_of(NOW + 1, 2026),), "jaar=2026", "Zorgjaar 2026 zoals bekend eind maart 2027 is niet uitgegeven"),
        ("b", (held_total(LATER),), "jaar=2026", "Reden: Nu achtergehouden of ouder."),
        ("x", (LATER,), "jaar=2026", "niet meer zoals zij was; vergelijken kan niet."),
    ],
    ids=["none", "the year itself", "too early", "passed over", "held", "another release"],
)  # fmt: skip
def test_where_nothing_can_be_compared_one_sentence_says_why(
    events: str, epochs: tuple[Any, ...], query: str, said: str
) -> None:
    then = epoch_of(THEN, 2025)
    told = {"": [], "b": [a_baseline(then)], "x": [a_baseline(then, release_hash=bytes(32))]}[events]
    _, visitor = with_events(*told, epochs=(then, *epochs))
    page = pdf_of(visitor, query)
    assert page.count(said) == 1
    assert "even lang na" not in page


def test_an_earlier_month_shows_what_could_be_compared_then() -> None:
    then, now = epoch_of(THEN, 2025), epoch_of(NOW, 2026, GM9901P=5_000_000)
    _, visitor = with_events(a_baseline(then), epochs=(then, epoch_of(NOW - 6, 2026), now))
    assert "zodra de cijfers van eind maart 2027 er zijn" in pdf_of(visitor, "jaar=2026&maand=2026-09")
    assert "€ 600.000" in pdf_of(visitor, "jaar=2026&maand=2027-03")


def test_of_several_baselines_the_last_counts_or_the_one_the_address_names() -> None:
    then, now = epoch_of(THEN, 2025), epoch_of(NOW, 2026)
    other = a_baseline(then, "b2", at_ms=a_baseline(then).fields["at_ms"] - 1)
    _, visitor = with_events(a_baseline(then), other, epochs=(then, now))
    assert "“Start b1”" in pdf_of(visitor, "jaar=2026")
    assert "“Start b2”" in pdf_of(visitor, "jaar=2026&nulmeting=b2")
    wrong = visitor.get("/export/council.pdf?nulmeting=b3")
    assert wrong.status_code == 422
    assert "b1, b2" in wrong.text


# --- the story ----------------------------------------------------------------------------------------------------


def a_story(note: str, text: str, **other: Any) -> list[Event]:
    at_ms = other.pop("released_ms", None)
    return [written(note, text=text, **YEAR_2025 | other), note_released(note, **({"at_ms": at_ms} if at_ms else {}))]


def test_amounts_about_a_held_figure_carry_their_date_and_those_about_one_that_was_never_published_are_not_there() -> (
    None
):
    amount = "Het kostte 12.000 euro."
    _, visitor = with_events(*a_story("n1", amount, area=HELD_BUURT), epochs=(epoch_of(JUNE, 2025),))
    said = pdf_of(visitor)
    assert amount in said
    assert "Bedragen in deze tekst zijn van 25 maart 1970; nu wordt een cijfer van dit gebied achtergehouden." in said
    _, visitor = with_events(*a_story("n1", amount, area=HELD_EVER_BUURT), epochs=(epoch_of(JUNE, 2025),))
    assert "12.000" not in pdf_of(visitor)


def test_the_story_stands_there_with_who_speaks_of_what_and_its_words() -> None:
    text = "Het **wijkteam** begon.\n\n- eerst *vier* mensen\n- nu [acht](https://voorbeeld.example)\n\n1. een"
    _, visitor = with_events(*a_story("n1", text, speaker="client", consent=True), epochs=(epoch_of(JUNE, 2025),))
    said = pdf_of(visitor)
    assert "Kerkbuurt, Wmo, januari 2025 tot en met maart 2025. Wie spreekt: Cliënt, met toestemming." in said
    assert "Het wijkteam begon. • eerst vier mensen • nu acht 1. een" in said
    assert "voorbeeld.example" not in said
    assert "nog geen verhaal" not in said
    assert "Who speaks: Client, with consent." in pdf_of(visitor, "lang=en")


def test_which_story_is_a_rule_the_whole_first_then_the_total_then_the_last_released() -> None:
    early, late = 1_000, 2_000
    order = [
        a_story("n7", "a", area="GM9901P", group="total", released_ms=late), a_story("n2", "a", area="GM9901P", group="total", released_ms=early),
        a_story("n3", "a", area="GM9901P", group="total", released_ms=early), a_story("n4", "a", area="GM9901P", group="wmo"),
        a_story("n5", "a", area="WK990101", group="total"), a_story("n6", "a", area="BU99010101", group="total"), a_story("n1", "a", area="BU99010102"),
    ]  # fmt: skip
    for n in range(len(order)):
        served, _ = with_events(*(e for events in reversed(order[n:]) for e in events), epochs=())
        found = note_for_council(served.topic.reader.story, year=2025)
        assert found is not None
        assert found[0].id == order[n][0].fields["note"]


def test_a_story_of_another_year_waits_for_that_year_and_one_over_two_years_is_of_both() -> None:
    months = {"first_month": Month(2024, 12).index, "last_month": Month(2025, 1).index}
    served, _ = with_events(*a_story("n1", "a", **months), epochs=())
    found = {year: note_for_council(served.topic.reader.story, year=year) for year in (2023, 2024, 2025, 2026)}
    assert [year for year, note in found.items() if note] == [2024, 2025]


def test_the_address_may_name_another_story_for_the_council_and_no_other() -> None:
    secret = a_story("n3", "Onder ons.", audience="providers", area="GM9901P", group="total")
    waiting = [written("n4", text="Wacht nog.", area="GM9901P")]
    gone = [*a_story("n5", "Weg.", area="GM9901P"), withdrawn("n5")]
    events = [
        *a_story("n1", "Van de gemeente.", area="GM9901P"),
        *a_story("n2", "Van de buurt."),
        *secret,
        *waiting,
        *gone,
    ]
    _, visitor = with_events(*events, epochs=(epoch_of(JUNE, 2025),))
    assert "Van de gemeente." in pdf_of(visitor)
    assert "Van de buurt." in pdf_of(visitor, "verhaal=n2")
    for note in ("n3", "n4", "n5", "none"):
        answer = visitor.get(f"/export/council.pdf?verhaal={note}")
        assert answer.status_code == 422
        assert "n1, n2." in answer.text


def test_a_story_only_for_the_talk_with_providers_is_never_on_it() -> None:
    served, visitor = with_events(
        *a_story("n1", "Onder ons.", audience="providers", area="GM9901P", group="total"),
        epochs=(epoch_of(JUNE, 2025),),
    )
    said = pdf_of(visitor)
    assert "Over zorgjaar 2025 is nog geen verhaal voor de raad vrijgegeven." in said
    assert "Onder ons" not in said
    assert served.topic.reader.story.notes["n1"].shown is not None


def test_a_withdrawn_or_revised_story_is_gone_from_the_next_page_on() -> None:
    served, visitor = with_events(*a_story("n1", "Eerst."), epochs=(epoch_of(JUNE, 2025),))
    tag = visitor.get("/export/council.pdf").headers["etag"]
    assert "Eerst." in pdf_of(visitor)
    for event in (written("n1", 2, text="Daarna.", **YEAR_2025), note_released("n1", 2)):
        served.topic.append(record(event))
    assert "Daarna." in pdf_of(visitor)
    assert visitor.get("/export/council.pdf", headers={"if-none-match": tag}).status_code == 200
    served.topic.append(record(withdrawn("n1")))
    assert "nog geen verhaal" in pdf_of(visitor)


def test_a_story_is_text_and_nothing_more() -> None:
    evil = '#import "x" $x$ \\u{1F600} <script>alert(1)</script> #read("/etc/hostname") @x'
    _, visitor = with_events(*a_story("n1", evil), epochs=(epoch_of(JUNE, 2025),))
    assert "".join(evil.replace("\\u", "\\u").split()) in "".join(pdf_of(visitor).split())


def test_lines_of_a_note_keep_their_marks_and_lose_only_signs() -> None:
    assert as_lines("a *b*\nc\n\n> d\n\n- e\n- f\n\n7. g") == ["a b c", "d", "• e", "• f", "7. g"]
    assert as_lines("") == []


def test_the_same_events_and_figures_give_the_same_bytes() -> None:
    then, now = epoch_of(THEN, 2025), epoch_of(NOW, 2026)
    made = [
        with_events(a_baseline(then), *a_story("n1", "Hetzelfde."), epochs=(then, now))[1]
        .get("/export/council.pdf?jaar=2026")
        .content
        for _ in range(2)
    ]
    assert made[0] == made[1]


# --- how the money is spread --------------------------------------------------------------------------------------


def test_how_the_money_is_spread_stands_there_also_later_with_the_year_it_is_of() -> None:
    newest = epoch_of(DECEMBER + 2, 2025)
    _, visitor = with_events(epochs=(december(), newest))
    said = pdf_of(visitor, "jaar=2025")
    assert "De helft van het geld ging naar hooguit 5% van alle huishoudens; 45 huishoudens" in said
    assert "Zorgjaar 2024, alle geldstromen samen, zoals bekend eind december 2025." in said
    assert "Geld de helft Huishoudens hooguit 5%" in said


def test_before_it_is_released_the_page_says_when_it_comes() -> None:
    _, visitor = with_events(epochs=(epoch_of(JUNE, 2025), december()))
    assert "Van zorgjaar 2025 is dit er nog niet: het komt met de cijfers van eind december 2026." in pdf_of(
        visitor, "maand=2025-06"
    )
    _, visitor = with_events(epochs=(december([]), epoch_of(DECEMBER + 1, 2024)))
    assert "Van zorgjaar 2024 wordt dit voor Waterrijk niet gezegd" in pdf_of(visitor, "jaar=2024")
    _, visitor = with_events(epochs=(epoch_of(DECEMBER + 1, 2024),))
    assert "met de cijfers van eind december 2025, en die ontbreken hier" in pdf_of(visitor, "jaar=2024")


def test_what_is_kept_back_has_the_one_sentence_and_no_picture() -> None:
    _, visitor = with_events(epochs=(december(concentration(half_within=None)),))
    said = pdf_of(visitor, "jaar=2024")
    assert "is niet te zeggen" in said
    assert "Achtergehouden om huishoudens te beschermen" in said
    assert "Geld de helft" not in said


# --- all of it is one page ----------------------------------------------------------------------------------------

LONGEST = {
    "nl": ("w" * 4_000,),
    "words": (" ".join(["wijkteam"] * 444),),
    "lines": tuple(f"• {n}" for n in range(1_300)),
    "wide": ("W" * 4_000,),
}


@pytest.mark.parametrize(("kind", "half_within"), [("nl", 0), ("words", None), ("lines", 5), ("wide", 0)])
def test_it_is_one_page_with_everything_at_its_longest(kind: str, half_within: int | None) -> None:
    stacked = tuple(Stacked(n, n == 4, 123_455) for n in (1, 2, 3, 4))
    spread = Concentration("GM9901P", "placed", 2024, DECEMBER, half_within, (), stacked, 10, 5)
    gaps = own_text(
        "partly",
        "nl",
        streams="; ".join([own_text("partly_of", "nl", group="Participatiewet", was="99%", now="98%")] * 3),
    )
    change = Change("Naam " * 24, 2024, THEN, 123_456_000, 2025, NOW, 234_567_000, preliminary=True, partly=gaps)
    story = Told(
        f"{'Gebied ' * 6}, {'Soort ' * 12}, januari 2025 tot en met maart 2025.",
        "Wie spreekt: Cliënt, met toestemming.",
        LONGEST[kind],
        "/verhalen/0123456789abcdef",
    )
    made = council_page(large(400), "nl", year=2025, beside=Beside(change, "", spread, "", story, ""))
    pdf = pypdf.PdfReader(io.BytesIO(made))
    assert len(pdf.pages) == 1
    text = " ".join(pdf.pages[0].extract_text().split())
    assert "Hetheleverhaalstaatopdepaginavandegemeente:/verhalen/0123456789abcdef" in text.replace(" ", "")
    assert "Versie van het programma: 1" in text
