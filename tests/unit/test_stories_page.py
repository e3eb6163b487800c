"""Stories beside figures, through the page's own addresses: written, revised, released by a second person, withdrawn; and what nobody sees."""

from __future__ import annotations

import re
from html import unescape

import pytest
from municipal_builders import GM, JANUARY, MARCH, NOW, keys, marked, note_released, reader, record, written
from municipality_page_builders import HELD_BUURT
from own_page_served import Served, Topic, Visitor, story

from portals.municipality.own_words import TEXTS
from projections.municipal_stories import notes_for_export
from schemas import codec
from schemas.municipal_events import Kind, verified_event


@pytest.fixture
def served() -> Served:
    return Served()


def kept(answer) -> str:
    """The address of a note that was kept."""
    assert answer.status_code == 303, unescape(re.sub("<[^>]+>", " ", answer.text))
    return answer.headers["location"].partition("?")[0]


def released(served: Served, **other: str) -> str:
    note = kept(served.visitor("wies").send("/verhalen/nieuw", story(**other)))
    assert kept(served.visitor("vera").send(f"{note}/vrijgeven", {"revision": "1"})) == note
    return note


def test_a_story_is_seen_by_readers_once_a_second_person_released_it(served: Served) -> None:
    note = kept(served.visitor("wies").send("/verhalen/nieuw", story()))
    rik = served.visitor("rik")
    assert "wijkteam" not in rik.text("/verhalen")
    assert rik.get(note).status_code == 400
    vera = served.visitor("vera")
    assert "<strong>wijkteam</strong>" in vera.get(f"{note}/vrijgeven").text
    assert kept(vera.send(f"{note}/vrijgeven", {"revision": "1"})) == note
    page = rik.text("/verhalen")
    assert "Het <strong>wijkteam</strong> begon in maart." in page
    assert "Kerkbuurt, Wmo, januari 2025 tot en met maart 2025." in page
    assert "Vrijgegeven op 25 maart 1970 door Vera Voorbeeld" in page
    assert "Wie spreekt: Beleid. Voor wie: Raad en inwoners." in page


def test_the_page_is_nothing_but_its_topic(served: Served) -> None:
    note = released(served)
    kept(served.visitor("wies").send(f"{note}/herzien", story(revision="2", text="Beter gezegd.")))
    kept(served.visitor("wies").send("/verhalen/nieuw", story(group="jeugdwet", audience="providers")))
    topic = Topic()
    for data in served.topic.records:
        topic.append(data)
    again = Served(topic=topic)

    def page(of: Served, sub: str, path: str) -> str:
        return re.sub(r'name="csrf" value="[^"]+"', "", of.visitor(sub).text(path))

    for path in ("/verhalen", note, f"{note}/vrijgeven", "/nulmeting"):
        assert page(again, "vera", path) == page(served, "vera", path)
    assert "Beter gezegd." in page(again, "vera", note)
    assert topic.reader.story == served.topic.reader.story


def test_the_bytes_on_the_topic_are_what_was_typed_and_who_did_it_and_nothing_of_the_session(served: Served) -> None:
    released(served)
    payloads = [codec.decode("signed_municipal_event", data)["payload"] for data in served.topic.records]
    assert [codec.name_of(p) for p in payloads] == ["note_written", "note_released"]
    wrote, let_out = (codec.decode(codec.name_of(p), p) for p in payloads)
    note = {"note": wrote["note"], "revision": 1}
    assert wrote == note | {
        "municipality": GM, "at_ms": NOW, "actor": "wies", "actor_name": "Wies Voorbeeld", "area": "BU99010101", "group": "wmo",
        "first_month": 24300, "last_month": 24302, "speaker": "policy", "consent": False, "audience": "council", "text": story()["text"],
    }  # fmt: skip
    assert let_out == note | {"municipality": GM, "at_ms": NOW, "actor": "vera", "actor_name": "Vera Voorbeeld"}
    assert {verified_event(keys(), data, municipality=GM, appended_ms=NOW).kind for data in served.topic.records} == {
        Kind.NOTE_WRITTEN, Kind.NOTE_RELEASED,
    }  # fmt: skip


def test_who_wrote_does_not_release_also_with_both_roles(served: Served) -> None:
    wout = served.visitor("wout")
    note = kept(wout.send("/verhalen/nieuw", story()))
    assert "geef-vrij" not in wout.text(f"{note}/vrijgeven")
    answer = wout.send(f"{note}/vrijgeven", {"revision": "1"})
    assert answer.status_code == 403
    assert "tweede persoon" in answer.text
    other = kept(served.visitor("wies").send("/verhalen/nieuw", story()))
    kept(wout.send(f"{other}/herzien", story(revision="2", text="Beter gezegd.")))
    assert wout.send(f"{other}/vrijgeven", {"revision": "2"}).status_code == 403
    assert kept(served.visitor("vera").send(f"{other}/vrijgeven", {"revision": "2"}))


@pytest.mark.parametrize(
    ("sub", "path"),
    [("rik", "/verhalen/nieuw"), ("vera", "/verhalen/nieuw"), ("rik", "{}/herzien"), ("vera", "{}/herzien"), ("vera", "{}/intrekken"),
     ("rik", "{}/vrijgeven"), ("wies", "{}/vrijgeven")],
)  # fmt: skip
def test_a_role_does_what_it_is_for_and_nothing_else(served: Served, sub: str, path: str) -> None:
    note = kept(served.visitor("wies").send("/verhalen/nieuw", story()))
    visitor, before = served.visitor(sub), list(served.topic.records)
    assert visitor.get(path.format(note)).status_code == 403
    assert visitor.send(path.format(note), story(revision="2")).status_code == 403
    assert served.topic.records == before


def test_a_revision_waits_while_the_released_text_stands_and_every_version_is_kept(served: Served) -> None:
    note = released(served)
    wies, rik = served.visitor("wies"), served.visitor("rik")
    assert "Het **wijkteam** begon in maart." in wies.text(f"{note}/herzien")
    kept(wies.send(f"{note}/herzien", story(revision="2", text="Het wijkteam begon in april.")))
    assert "maart" in rik.text(note)
    assert "april" not in rik.text(note)
    history = wies.text(note)
    assert "Versie 2, geschreven op 25 maart 1970 door Wies Voorbeeld" in history
    assert "Versie 1, geschreven op" in history
    assert "Wacht op vrijgave" in history
    assert "Versie 1, geschreven op 25 maart 1970 door Wies" in rik.text(note)


def test_of_two_who_revise_at_one_time_the_second_is_told(served: Served) -> None:
    note = kept(served.visitor("wies").send("/verhalen/nieuw", story()))
    kept(served.visitor("wout").send(f"{note}/herzien", story(revision="2", text="Eerst.")))
    answer = served.visitor("wies").send(f"{note}/herzien", story(revision="2", text="Later."))
    assert answer.status_code == 400
    assert len(served.topic.records) == 2
    assert served.visitor("vera").send(f"{note}/vrijgeven", {"revision": "1"}).status_code == 400, (
        "what was read is not the newest"
    )


def test_a_withdrawn_story_is_gone_for_everybody_and_its_words_with_it(served: Served) -> None:
    note = released(served)
    kept(served.visitor("wies").send(f"{note}/intrekken"))
    assert "wijkteam" not in served.visitor("rik").text("/verhalen")
    assert served.visitor("rik").get(note).status_code == 400
    page = served.visitor("wies").text(note)
    assert "Ingetrokken op 25 maart 1970 door Wies Voorbeeld." in page
    assert "wijkteam" not in page


def test_what_is_for_the_talk_with_providers_only_signed_in_people_see_and_no_export_carries() -> None:
    served = Served(figures_without_sign_in=True)
    note = released(served, audience="providers")
    assert "wijkteam" in served.visitor("rik").text("/verhalen")
    stranger = served.visitor()
    assert "wijkteam" not in stranger.text("/verhalen")
    assert stranger.get(note).status_code == 400
    assert notes_for_export(served.topic.reader.story) == []


@pytest.mark.parametrize(
    ("text", "place", "kind"),
    [
        ("Voor 123 456 782 geldt dit.", "123 456 782", "burgerservicenummer"),
        ("Op 9901 AB 12 wel.", "9901 AB 12", "postcode met huisnummer"),
        ("Mail anne@example.org.", "anne@example.org", "e-mailadres"),
        ("Bel 06-12345678.", "06-12345678", "telefoonnummer"),
    ],
)
def test_what_may_not_be_in_it_is_refused_with_its_place_and_what_was_typed_is_still_there(
    served: Served, text: str, place: str, kind: str
) -> None:
    answer = served.visitor("wies").send("/verhalen/nieuw", story(text=text))
    assert answer.status_code == 422
    page = unescape(answer.text)
    assert f"<mark>{place}</mark>" in page
    assert kind in page
    assert f">\n{text}</textarea>" in page
    assert served.topic.records == []
    note = kept(served.visitor("wies").send("/verhalen/nieuw", story()))
    assert served.visitor("wies").send(f"{note}/herzien", story(revision="2", text=text)).status_code == 422


def test_amounts_are_refused_beside_a_held_figure_and_kept_beside_others(served: Served) -> None:
    wies, amount = served.visitor("wies"), "Het kostte 12.000 euro."
    assert wies.send("/verhalen/nieuw", story(area=HELD_BUURT, text=amount)).status_code == 422
    assert wies.send("/verhalen/nieuw", story(group="begeleiding", text=amount)).status_code == 422, (
        "not released for this area"
    )
    assert wies.send("/verhalen/nieuw", story(first_month="2024-12", text=amount)).status_code == 422, (
        "nothing is known of that year"
    )
    kept(wies.send("/verhalen/nieuw", story(text=amount)))
    kept(wies.send("/verhalen/nieuw", story(area=HELD_BUURT, text="Zonder bedrag.")))


def test_a_text_that_may_not_be_shown_any_more_is_not_released(served: Served) -> None:
    note = kept(served.visitor("wies").send("/verhalen/nieuw", story(text="Het kostte 12.000 euro.")))
    for cell in served.pages.released.macro.epochs[max(served.pages.released.epochs())]["cells"]:
        if cell["area"] == "BU99010101":
            cell["decision"] = "held"
    assert served.visitor("vera").send(f"{note}/vrijgeven", {"revision": "1"}).status_code == 400


def now_held(served: Served, *, euros: int | None) -> None:
    """In the newest release the buurt's Wmo figure is kept back, with the value it had before, or None where it never had one."""
    for cell in served.pages.released.macro.epochs[max(served.pages.released.epochs())]["cells"]:
        if (cell["area"], cell["group"]) == ("BU99010101", "wmo"):
            cell |= {"decision": "held", "euros": euros}


def test_amounts_about_a_published_figure_that_is_held_later_stay_with_their_date(served: Served) -> None:
    note = released(served, text="Het kostte 12.000 euro.")
    now_held(served, euros=60_000)
    since = "Bedragen in deze tekst zijn van 25 maart 1970; nu wordt een cijfer van dit gebied achtergehouden."
    rik = served.visitor("rik")
    for path in ("/verhalen", note, "/?gebied=BU99010101&groep=wmo"):
        page = rik.text(path)
        assert "12.000 euro" in page
        assert since in page
    assert since not in rik.text("/verhalen?gebied=BU99010201")
    wies = served.visitor("wies")
    assert wies.send(f"{note}/herzien", story(revision="2", text="Het kostte 13.000 euro.")).status_code == 422


def test_amounts_about_a_figure_that_was_never_published_are_shown_to_no_reader_and_in_no_export(
    served: Served,
) -> None:
    note = released(served, text="Het kostte 12.000 euro.")
    plain = released(served, text="Zonder bedrag.")
    now_held(served, euros=None)
    rik = served.visitor("rik")
    for path in ("/verhalen", "/?gebied=BU99010101&groep=wmo"):
        page = rik.text(path)
        assert "12.000" not in page
        assert "Zonder bedrag." in page
    assert rik.get(note).status_code == 400
    assert rik.get(f"/export/council.pdf?jaar=2025&verhaal={note.rpartition('/')[2]}").status_code == 422
    assert rik.get(f"/export/council.pdf?jaar=2025&verhaal={plain.rpartition('/')[2]}").status_code == 200
    wies = served.visitor("wies")
    assert "Niet te zien voor lezers" in wies.text("/verhalen")
    assert "Lezers zien dit verhaal nu niet" in wies.text(note)
    kept(wies.send(f"{note}/herzien", story(revision="2", text="Nu zonder.")))
    kept(served.visitor("vera").send(f"{note}/vrijgeven", {"revision": "2"}))
    assert "Nu zonder." in rik.text("/verhalen")
    assert "Niet te zien" not in wies.text("/verhalen")


def test_amounts_that_came_past_the_page_about_what_no_release_speaks_of_are_not_shown(served: Served) -> None:
    served.topic.append(record(written(text="Het kostte 12.000 euro.", first_month=JANUARY - 12, last_month=MARCH)))
    served.topic.append(record(note_released()))
    assert notes_for_export(served.topic.reader.story)
    assert "12.000" not in served.visitor("rik").text("/verhalen")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"area": "BU99010101.01"}, "never beside less"), ({"area": "BU99020101"}, "never beside less"), ({"area": "BU99010109"}, "of the list"),
        ({"group": "ggz"}, "of the list"), ({"first_month": "maart"}, "YYYY-MM"), ({"last_month": "2024-01"}, "not before its first"),
        ({"speaker": "client"}, "only with consent"), ({"audience": "all"}, "for whom"), ({"text": "  "}, "1 to 4000"),
        ({"text": "x" * 4001}, "1 to 4000"),
    ],
)  # fmt: skip
def test_a_form_that_breaks_a_rule_is_answered_in_a_sentence_and_keeps_nothing(
    served: Served, other: dict[str, str], said: str
) -> None:
    answer = served.visitor("wies").send("/verhalen/nieuw?lang=en", story(**other))
    assert answer.status_code == 400
    assert said in answer.text
    assert served.topic.records == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"first_month": "2025-13"}, "Een maand is JJJJ-MM"), ({"last_month": "2024-01"}, "De laatste maand van een verhaal ligt niet voor de eerste."),
        ({"speaker": "client"}, "alleen met toestemming"), ({"area": "BU99010101.01"}, "nooit bij minder"),
    ],
)  # fmt: skip
def test_what_was_typed_comes_back_in_the_form_with_a_sentence_in_the_readers_language(
    served: Served, other: dict[str, str], said: str
) -> None:
    typed = story(text="Een lang verhaal, <niet> kwijt.", audience="providers", group="jeugdwet", **other)
    page = unescape(served.visitor("wies").send("/verhalen/nieuw", typed).text)
    assert said in page.partition('role="alert">')[2].partition("</p>")[0]
    assert "Een lang verhaal, <niet> kwijt.</textarea>" in page
    for kept_choice in ('value="providers" selected', 'value="jeugdwet" selected', f'value="{typed["last_month"]}"'):
        assert kept_choice in page


def test_a_revision_that_came_too_late_keeps_what_was_typed(served: Served) -> None:
    note = released(served)
    kept(served.visitor("wies").send(f"{note}/herzien", story(revision="2", text="Eerst.")))
    late = served.visitor("wout").send(f"{note}/herzien", story(revision="2", text="Daarna."))
    assert late.status_code == 400
    assert "Iemand anders herzag dit verhaal intussen; lees dat eerst." in late.text
    assert "Daarna.</textarea>" in late.text


def test_nobody_signed_out_gets_a_form_back(served: Served) -> None:
    answer = served.visitor().send("/verhalen/nieuw", story(text="Van wie?"), csrf="x")
    assert answer.status_code == 401
    assert "Van wie?" not in answer.text


def test_a_client_speaks_with_consent_and_it_is_said(served: Served) -> None:
    released(served, speaker="client", consent="yes")
    assert "Cliënt, met toestemming" in served.visitor("rik").text("/verhalen")


def test_script_in_a_note_shows_as_text_everywhere(served: Served) -> None:
    evil = (
        "<script>alert(1)</script> [x](javascript:alert(2)) ![y](https://a.example/y.png) <img src=x onerror=alert(3)>"
    )
    note = released(served, text=evil)
    vera = served.visitor("vera")
    for path in ("/verhalen", note, f"{note}/vrijgeven"):
        page = vera.get(path).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert not re.search(r"<script>|<img|href=\"javascript", page)
    form = served.visitor("wies").get(f"{note}/herzien").text
    assert "<script>alert" not in form
    refused = served.visitor("wies").send("/verhalen/nieuw", story(text=f"{evil} 123456782"))
    assert "<script>alert" not in refused.text


def test_another_municipalitys_page_shows_nothing_of_it(served: Served) -> None:
    released(served)
    theirs = reader(9902)
    for data in served.topic.records:
        assert not theirs.take(data, NOW)
    assert theirs.story.notes == {}
    assert GM == 9901


def test_lists_can_be_of_one_area_and_group(served: Served) -> None:
    released(served)
    rik = served.visitor("rik")
    assert "wijkteam" in rik.text("/verhalen?gebied=BU99010101&groep=wmo")
    for query in ("gebied=BU99010102", "groep=jeugdwet"):
        assert "wijkteam" not in rik.text(f"/verhalen?{query}")


def test_every_sentence_is_there_in_both_languages_and_a_strange_address_is_a_plain_page(served: Served) -> None:
    assert all(len(pair) == 2 and all(pair) for pair in TEXTS.values())
    rik = served.visitor("rik")
    assert "Stories beside the figures" in rik.text("/verhalen?lang=en")
    answer = Visitor.get(rik, "/verhalen/none'<script>")
    assert answer.status_code == 400
    assert "<script>'" not in answer.text


def test_a_released_story_stands_beside_its_figure_and_nowhere_else(served: Served) -> None:
    released(served)
    rik = served.visitor("rik")
    assert "Het <strong>wijkteam</strong> begon in maart." in rik.text("/?gebied=BU99010101&groep=wmo")
    for query in ("gebied=BU99010101&groep=total", "gebied=BU99010102&groep=wmo", ""):
        assert "wijkteam" not in rik.text(f"/?{query}")


def test_beside_the_figure_stands_only_what_is_for_the_council(served: Served) -> None:
    released(served, audience="providers")
    where = "/?gebied=BU99010101&groep=wmo"
    rik = served.visitor("rik")
    assert "wijkteam" not in rik.text(where)


def test_marks_stand_below_the_trend_of_what_lies_in_their_area(served: Served) -> None:
    served.topic.append(record(marked()))
    rik = served.visitor("rik")
    assert "Lijn 1, 3 maart 2025: Wijkteam begint (Waterrijk, Wmo)" in rik.text(
        "/verloop?gebied=BU99010101&groep=wmo&jaar=2025"
    )
    assert "Wijkteam begint" not in rik.text("/verloop?gebied=BU99010101&groep=jeugdwet&jaar=2025")


def test_every_page_leads_to_the_others(served: Served) -> None:
    rik = served.visitor("rik")
    for path in ("/", "/verhalen", "/nulmeting", "/?lang=en"):
        page = rik.text(path)
        for link in ("/verhalen?lang=", "/nulmeting?lang="):
            assert link in page


def test_a_story_stands_beside_figures_of_the_years_it_is_of_and_is_one_link_away_from_others(served: Served) -> None:
    released(
        served, area="GM9901P", group="total", text="Van *vorig* jaar.", first_month="2023-11", last_month="2024-02"
    )
    reader = served.visitor("rik")
    here = reader.text("/")
    assert "Van <em>vorig</em> jaar." not in here
    link = re.search(r'id="andere-periode" href="([^"]+)"', here)
    assert link
    assert "Van <em>vorig</em> jaar." in reader.text(link[1])
    released(served, area="GM9901P", group="total", text="Van dit jaar.")
    assert "Van dit jaar." in reader.text("/")
    assert 'id="andere-periode"' not in reader.text("/?groep=wmo")
