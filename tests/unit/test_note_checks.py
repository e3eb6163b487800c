"""What may not stand in a note is refused with its place; what a policy officer writes every day is not. Only test numbers."""

from __future__ import annotations

import pytest

from portals.municipality.markdown import as_html, as_text
from portals.municipality.note_checks import pieces, refused_places

REFUSED = {
    "bsn": [
        "123456782", "123 456 782", "1234.56.782", "123-456-782", "x123456782y", "12**345**6782", "\uff11\uff12\uff13456782",
        "\u0661\u0662\u0663456782", "&#49;23456782", "1\u200b23456782", "1\u00ad23456782", "9123456782", "123\n456\n782",
        "[1](https://a.example)23456782", "https://a.example/123456782", "https://a.example/%31%32%33456782", "1\\_2345\\_6782",
    ],
    "postcode": [
        "9901 AB 12", "9901AB12", "9901ab, nr. 5", "Voorbeeldstraat 12, 9901 AB", "Voorbeeldstraat 12 a, 9901 ab", "9901 AB huisnummer 7",
        "**9901** AB 12", "9901\u00a0AB\u00a012", "9901-AB-12",
    ],
    "email": [
        "anne@example.org", "anne (at) example.org", "anne [at] example [dot] org", "anne @ example.org", "anne apenstaartje example.org",
        "<anne@example.org>", "anne**@**example.org", "anne&#64;example.org", "anne\uff20example.org",
    ],
    "telephone": [
        "06-12345678", "06 12 34 56 78", "+31 6 12345678", "+31 (0)6 12345678", "0031612345678", "(078) 123 45 67", "078 - 1234567",
        "06.12.34.56.78", "\uff10\uff1612345678",
    ],
}  # fmt: skip
EUROS = [
    "\u20ac 12.000", "12.000 euro", "EUR 5", "5 eur", "twaalf duizend euro", "twaalfduizend euro", "drie euro", "12 mln", "1,2 miljoen", "12k", "1.000,-",
    "**12.000** euro", "\uff11\uff12 euro", "12&#46;000 euro", "&euro; 12", "5 euro's", "20 cent", "ten thousand euro",
]  # fmt: skip
EVERY_DAY = [
    "In 2024 en 2025 steeg het aantal huishoudens van 1.234 naar 1.310.", "Van 01-01-2024 tot 31-12-2024 liep de proef; van 01-02-2025 tot 01-03-2025 niet.",
    "In wijk 12 wonen 2.345 mensen in 1.024 huizen.", "Sinds 2024 en 12 maanden later nog.", "Het wijkteam heeft 12 mensen; 40% meer dan in 2023.",
    "Zie [het rapport](https://rapport.example/2024/wmo).", "Bel 112 of 14 078.", "- een\n- twee\n\n> Zo ging het.", "Wmo-artikel 2.3.2, lid 1.",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, texts in REFUSED.items() for t in texts])
def test_it_is_refused_and_its_place_is_within_the_text(kind: str, text: str) -> None:
    around = f"Wij zien dat {text} hier meespeelt."
    for held in (True, False):
        found = refused_places(around, held=held)
        assert kind in {f.kind for f in found}
        assert all(0 <= f.start < f.end <= len(around) for f in found)


@pytest.mark.parametrize("text", EUROS)
def test_amounts_are_refused_where_the_area_is_held_and_not_elsewhere(text: str) -> None:
    around = f"Het kostte {text} meer."
    assert {f.kind for f in refused_places(around, held=True)} == {"euros"}
    assert refused_places(around, held=False) == []


@pytest.mark.parametrize("text", EVERY_DAY)
def test_what_is_written_every_day_is_not_refused(text: str) -> None:
    assert refused_places(text, held=True) == []


def test_the_place_is_marked_and_the_rest_of_the_text_stands() -> None:
    text = "Voor 123 456 782 en na 06-12345678."
    made = pieces(text, refused_places(text, held=False))
    assert "".join(piece for piece, _ in made) == text
    assert [piece for piece, marked in made if marked] == ["123 456 782", "06-12345678"]


def test_what_shows_only_when_read_is_marked_as_the_whole_text() -> None:
    text = "[1](https://a.example)[2](https://b.example)3456782"
    assert [(f.start, f.end, f.kind) for f in refused_places(text, held=False)] == [(0, len(text), "bsn")]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ('a <b onclick="x()">b</b>', "<p>a &lt;b onclick=&quot;x()&quot;&gt;b&lt;/b&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](data:text/html,x)", "<p>[x](data:text/html,x)</p>"),
        ("[x](http://a.example)", "<p>[x](http://a.example)</p>"),
        ("[x](//a.example)", "<p>[x](//a.example)</p>"),
        ("[x](/afmelden)", "<p>[x](/afmelden)</p>"),
        ("[x](https://a.example)", '<p><a href="https://a.example" rel="noopener noreferrer">x</a></p>'),
        ("# kop", "<p># kop</p>"),
        ("**vet** en *schuin*", "<p><strong>vet</strong> en <em>schuin</em></p>"),
    ],
)
def test_notes_become_paragraphs_and_links_to_https_and_all_else_is_text(text: str, html: str) -> None:
    assert as_html(text).strip() == html


def test_no_note_shows_an_image() -> None:
    assert "<img" not in as_html("![x](https://a.example/i.png) <img src=x>")
    assert as_text("**a** [b](https://c.example)").split() == ["a", "b", "https://c.example"]
