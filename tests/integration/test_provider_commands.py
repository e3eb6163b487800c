"""What a provider types, against a broker that answers: check, publish, replace, close a month, receipts, figures, watch."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from answering_zone import AnsweringZone, says_nothing
from provider_profiles import receipt
from typer.testing import CliRunner

from deploy.certificates import Authority
from deploy.embedded_kafka import EmbeddedKafka
from producers.checks import ProviderContext
from producers.command_frame import Chosen
from producers.commands import app
from producers.publisher import Publisher
from producers.watch import sweep
from schemas.envelope import open_content
from schemas.frames import DELIVERY_ROW, Kind

ROOT = Path(__file__).parents[2]
EXAMPLES, FILES = ROOT / "examples", ROOT / "tests" / "files"
DECLARATION = EXAMPLES / "wmo-323-declaratie-2025-03.xml"
BSN = re.compile(r"9999\d{5}")


def refuses_the_first_row(envelope: Any, zone: AnsweringZone) -> list[dict[str, Any]]:
    row = rows_of(envelope, zone)[0]
    refused = {"position": 0, "reference": bytes(row["reference"]).ljust(16, b"\0"), "code": "8021"}
    return [receipt(envelope, accepted=zone.events_of(envelope) - 1, refused=[refused])]


def rows_of(envelope: Any, zone: AnsweringZone) -> np.ndarray:
    content = open_content(secret=zone.provider.content, header=envelope.header_bytes, sealed=envelope.content)
    return np.frombuffer(content["rows"], DELIVERY_ROW)


@pytest.fixture
def zone(kafka: EmbeddedKafka, authority: Authority, tmp_path: Path) -> Iterator[AnsweringZone]:
    made = AnsweringZone(kafka, authority, tmp_path / "network", "98000001")
    made.provider.profile.folder.rename(tmp_path / "mine")  # a profile is a folder and may be moved
    yield made
    made.close()


@pytest.fixture
def types(zone: AnsweringZone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Type a command of the provider; every answer is free of BSNs and of stack traces."""
    del zone
    monkeypatch.setenv("COLUMNS", "200")
    lang, profile = Chosen.lang, Chosen.profile

    def type_(*words: str, code: int = 0, lang: str = "nl", profile: str = "mine", answer: str = "") -> str:
        done = CliRunner().invoke(app, ["--profile", str(tmp_path / profile), "--lang", lang, *words], input=answer)
        assert done.exit_code == code, done.output
        assert not BSN.search(done.output)
        assert "Traceback" not in done.output
        return re.sub(r"\s+", " ", done.output)

    yield type_
    Chosen.lang, Chosen.profile = lang, profile


def test_check_sends_nothing_and_says_how_much_can_be_sent(zone: AnsweringZone, types: Callable[..., str]) -> None:
    assert "3 regels kunnen worden verstuurd, samen 1.840,50 euro." in types("check", str(DECLARATION))
    assert "3 lines can be sent, 1,840.50 euro together." in types("check", str(DECLARATION), lang="en")
    assert not (zone.provider.profile.folder / "outbox.sqlite").exists()


def test_check_of_a_bad_file_says_fault_and_remedy_in_both_languages(types: Callable[..., str]) -> None:
    for path in sorted(FILES.glob("*refused*")):
        dutch, english = (types("check", str(path), "--gemeente", "GM9901", code=1, lang=lang) for lang in ("nl", "en"))
        assert dutch != english
        for said in (dutch, english):
            assert re.search(r"\S[.:] .+[.?] \[[\w-]+\]", said), said


def test_publish_shows_what_became_of_it_and_the_same_file_again_sends_the_same_references(
    zone: AnsweringZone, types: Callable[..., str]
) -> None:
    said = types("publish", str(DECLARATION))
    assert "wmo-323-declaratie-2025-03.xml 3 3 0 0 0200" in said
    types("publish", str(DECLARATION))
    first, second = (rows_of(e, zone) for e in zone.seen)
    assert first["reference"].tolist() == second["reference"].tolist()


def test_a_file_with_a_bad_line_waits_for_a_yes_and_the_rest_goes_after_it(
    zone: AnsweringZone, types: Callable[..., str]
) -> None:
    bad = str(FILES / "323_category_refused.xml")
    said = types("publish", bad, code=1)
    assert "Er is niets verstuurd. Verbeter het bestand, of gebruik --accept-rest." in said
    assert zone.numbers() == []
    types("publish", bad, "--accept-rest", code=1)
    assert zone.has(1)


def test_a_file_refused_whole_is_never_sent(zone: AnsweringZone, types: Callable[..., str]) -> None:
    said = types("publish", str(DECLARATION), str(FILES / "323_total_refused.xml"), "--accept-rest", code=1)
    assert "Er is niets verstuurd." in said
    assert zone.numbers() == []


def test_a_refusal_names_file_line_reference_and_why(zone: AnsweringZone, types: Callable[..., str]) -> None:
    zone.answer = refuses_the_first_row
    said = types("publish", str(DECLARATION), code=1)
    assert re.search(r"wmo-323-declaratie-2025-03.xml regel \d+, referentie \S+: .+ \[8021\]", said), said
    assert "[8021]" in types("receipts")
    assert "Samen 3 2 0 1" in types("figures")
    assert "Together 3 2 0 1" in types("figures", lang="en")


def test_without_a_receipt_it_says_what_it_waits_for_and_that_nothing_is_lost(
    zone: AnsweringZone, types: Callable[..., str]
) -> None:
    zone.answer = says_nothing
    said = types("publish", str(DECLARATION), "--wait", "1")
    assert "Nog 1 zendingen wachten op de zone; ze staan veilig in de uitbak" in said
    assert "Nog zonder ontvangstbewijs: 1." in types("receipts")


def test_a_month_again_sends_the_difference_only(
    zone: AnsweringZone, types: Callable[..., str], tmp_path: Path
) -> None:
    old, new = tmp_path / "maart.csv", tmp_path / "maart-nieuw.csv"
    text = (EXAMPLES / "leveringen-2025-03.csv").read_text("utf-8")
    old.write_text(text, "utf-8")
    new.write_text(text.replace("486,00", "468,00"), "utf-8")
    types("publish", str(old), "--gemeente", "GM9901")
    said = types("publish", "--replaces", str(old), str(new), "--gemeente", "GM9901")
    assert "2 regels kunnen worden verstuurd, samen -18,00 euro." in said
    assert "Referenties staan in" in said
    assert zone.has(2)
    difference = rows_of(zone.seen[1], zone)
    assert difference["kind"].tolist() == [Kind.WITHDRAWN, Kind.DELIVERED]
    assert difference["cents"].tolist() == [48_600, 46_800]
    types("publish", "--replaces", str(old), str(new), "--gemeente", "GM9901")
    assert zone.has(3)
    assert rows_of(zone.seen[2], zone)["reference"].tolist() == difference["reference"].tolist(), (
        "typed twice: known twice"
    )


def test_an_answer_takes_out_what_it_rejected(zone: AnsweringZone, types: Callable[..., str]) -> None:
    types("publish", str(EXAMPLES / "jw-323-declaratie-2025-03.xml"))
    types("publish", str(EXAMPLES / "jw-325-antwoord-2025-03.xml"))
    assert zone.has(2)
    taken_out = rows_of(zone.seen[1], zone)
    assert taken_out["kind"].tolist() == [Kind.WITHDRAWN]
    assert bytes(taken_out[0]["previous"]) in {bytes(r["reference"]) for r in rows_of(zone.seen[0], zone)}


def test_an_answer_that_rejects_all_says_how_and_then_takes_out_all(
    zone: AnsweringZone, types: Callable[..., str]
) -> None:
    declaration, answer = str(FILES / "323_youth_passes.xml"), str(FILES / "325_whole_declaration_refused.xml")
    types("publish", declaration)
    said = types("publish", answer, code=1)
    assert "--replaces" in said
    types("publish", "--replaces", declaration, answer)
    assert zone.has(2)
    assert set(rows_of(zone.seen[1], zone)["kind"].tolist()) == {Kind.WITHDRAWN}
    assert len(rows_of(zone.seen[1], zone)) == len(rows_of(zone.seen[0], zone))


def test_a_month_is_closed_per_municipality(zone: AnsweringZone, types: Callable[..., str]) -> None:
    assert "2025-03 wmo: gemeld." in types("month", "2025-03", "wmo")
    assert zone.has(1)
    content = open_content(secret=zone.provider.content, header=zone.seen[0].header_bytes, sealed=zone.seen[0].content)
    assert [(m["payer"], m["stream"], m["nothing_delivered"]) for m in content["months"]] == [(9901, "wmo", False)]
    types("month", "2025-3x", "wmo", code=2)
    types("month", "2025-03", "huishouden", code=2)


def test_what_is_wrong_with_a_setting_is_one_sentence_and_exit_code_2(
    types: Callable[..., str], tmp_path: Path
) -> None:
    assert "Er is geen profiel in" in types("check", str(DECLARATION), profile="nothing", code=2)
    assert "There is no profile in" in types("check", str(DECLARATION), profile="nothing", code=2, lang="en")
    types("join", "98000009", "De Els", profile="new")
    assert "nog niet toegelaten" in types("publish", str(DECLARATION), profile="new", code=2)
    assert "Een AGB-code heeft 8 cijfers." in types("join", "9", "De Els", profile="newer", code=2)
    assert "kan niet worden gelezen" in types("accept", str(tmp_path / "absent"), profile="new", code=2)
    assert "GM en vier cijfers" in types("check", str(DECLARATION), "--gemeente", "Zwijn", code=2)
    assert "twee bestanden" in types("publish", "--replaces", str(DECLARATION), code=2)
    assert "is er niet" in types("watch", str(tmp_path / "absent"), code=2)


def test_a_template_filled_in_is_published(zone: AnsweringZone, types: Callable[..., str], tmp_path: Path) -> None:
    types("template", str(tmp_path / "leeg.xlsx"))
    assert (tmp_path / "leeg.xlsx").exists()
    types("publish", str(EXAMPLES / "leveringen-2025-03.xlsx"), "--gemeente", "GM9901")
    assert [zone.events_of(e) for e in zone.seen] == [3]


# the watched folder


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    folder = tmp_path / "uit"
    folder.mkdir()
    return folder


def put(folder: Path, source: Path, name: str | None = None, *, seconds_ago: float = 60) -> Path:
    path = folder / (name or source.name)
    path.write_bytes(source.read_bytes())
    then = time.time() - seconds_ago
    os.utime(path, (then, then))
    return path


def swept(folder: Path, zone: AnsweringZone, publisher: Publisher) -> list[str]:
    import datetime as dt

    context = ProviderContext("98000001", frozenset({9901}), dt.date(2026, 11, 23), payer=9901)
    del zone
    return list(sweep(folder, publisher, context))


@pytest.fixture
def publisher(zone: AnsweringZone, tmp_path: Path) -> Iterator[Publisher]:
    from producers.profile import Profile

    with Publisher(Profile.load(tmp_path / "mine")) as open_:
        yield open_


def test_a_good_file_goes_to_verzonden_with_a_note(zone: AnsweringZone, publisher: Publisher, watched: Path) -> None:
    put(watched, DECLARATION)
    assert swept(watched, zone, publisher) == [f"{DECLARATION.name} -> verzonden/"]
    note = (watched / "verzonden" / f"{DECLARATION.name}.txt").read_text("utf-8")
    assert note == "3 regels verstuurd, 3 verwerkt, 0 waren al bekend.\n"
    assert (watched / "verzonden" / DECLARATION.name).read_bytes() == DECLARATION.read_bytes()
    assert [p.name for p in watched.iterdir()] == ["verzonden"]


def test_a_bad_file_goes_to_geweigerd_with_what_to_do_and_nothing_of_it_is_sent(
    zone: AnsweringZone, publisher: Publisher, watched: Path
) -> None:
    put(watched, FILES / "323_category_refused.xml")
    put(watched, FILES / "letter_refused.csv")
    assert [line.split(" -> ")[1] for line in swept(watched, zone, publisher)] == ["geweigerd/", "geweigerd/"]
    for note in (watched / "geweigerd").glob("*.txt"):
        text = note.read_text("utf-8")
        assert text.startswith("Er is niets van dit bestand verstuurd.")
        assert "Verbeter het bestand en zet het opnieuw in de map." in text
        assert not BSN.search(text)
    assert zone.numbers() == []


def test_a_refusal_of_the_zone_stands_in_the_note(zone: AnsweringZone, publisher: Publisher, watched: Path) -> None:
    zone.answer = refuses_the_first_row
    put(watched, DECLARATION)
    swept(watched, zone, publisher)
    note = (watched / "verzonden" / f"{DECLARATION.name}.txt").read_text("utf-8")
    assert re.search(r"Geweigerd: \S+: .+ \[8021\]", note), note


def test_a_file_that_still_grows_hidden_files_and_notes_are_left_alone(
    zone: AnsweringZone, publisher: Publisher, watched: Path
) -> None:
    put(watched, DECLARATION, seconds_ago=0)
    put(watched, DECLARATION, ".hidden.xml")
    put(watched, DECLARATION, "~lock.xlsx")
    put(watched, DECLARATION, "readme.txt")
    assert swept(watched, zone, publisher) == []
    assert zone.numbers() == []


def test_the_same_name_again_overwrites_nothing(zone: AnsweringZone, publisher: Publisher, watched: Path) -> None:
    for _ in range(2):
        put(watched, DECLARATION)
        swept(watched, zone, publisher)
    assert sorted(p.name for p in (watched / "verzonden").glob("*.xml")) == [
        "wmo-323-declaratie-2025-03-2.xml",
        "wmo-323-declaratie-2025-03.xml",
    ]


def test_references_it_made_come_back_in_a_copy(
    zone: AnsweringZone, publisher: Publisher, watched: Path, tmp_path: Path
) -> None:
    text = (EXAMPLES / "leveringen-2025-03.csv").read_text("utf-8")
    (tmp_path / "zonder.csv").write_text(re.sub(r"VP-2025-03-\d+", "", text), "utf-8")
    put(watched, tmp_path / "zonder.csv")
    swept(watched, zone, publisher)
    copies = [p for p in (watched / "verzonden").glob("*.csv") if p.name != "zonder.csv"]
    assert len(copies) == 1
    assert len(re.findall(r"zonder", copies[0].read_text("utf-8-sig"))) >= 2
