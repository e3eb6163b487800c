"""What is refused in a note stays refused however it is spaced, in whatever digits, and wherever it stands; no note becomes a tag."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portals.municipality.markdown import as_html
from portals.municipality.note_checks import pieces, refused_places

ZEROS = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Nd" and unicodedata.digit(chr(c), -1) == 0]
SEPARATORS = ["", "", "", " ", ".", "-", "  ", "\u00a0", "\u200b", "\u2009", "\u2011", " . ", "/", "**", "\u00ad", "\n"]
WORDS = st.sampled_from(
    ["", "Wij zien", "het gaat om", "zie ook:", "(", "**", "- ", "> ", "\u00e9\u00e9n", "en verder niets."]
)


def eleven_proof(first: int) -> str | None:
    digits = f"{first:08d}"
    last = sum((9 - i) * int(d) for i, d in enumerate(digits)) % 11
    return None if last == 10 or not int(digits + str(last)) else digits + str(last)


@st.composite
def spaced(draw: st.DrawFn, text: str) -> str:
    """The same digits in any script's digits, with anything between them that may stand there."""
    out = ""
    for i, char in enumerate(text):
        zero = draw(st.sampled_from(ZEROS)) if char.isdigit() and draw(st.booleans()) else None
        out += chr(ord(zero) + int(char)) if zero else char
        out += draw(st.sampled_from(SEPARATORS)) if i + 1 < len(text) else ""
    return out


def kinds(text: str, *, held: bool = False) -> set[str]:
    return {f.kind for f in refused_places(text, held=held)}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_bsn_is_found_however_it_is_spaced_and_in_whatever_digits(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 99_999_999).map(eleven_proof).filter(bool))
    text = f"{data.draw(WORDS)} {data.draw(spaced(number))} {data.draw(WORDS)}"
    assert "bsn" in kinds(text)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_telephone_number_is_found_however_it_is_spaced(data: st.DataObject) -> None:
    number = "06" + data.draw(st.from_regex(r"[0-9]{8}", fullmatch=True))
    gaps = [data.draw(st.sampled_from(["", "", " ", ".", "-", "\u00a0", "\u200b"])) if i > 0 else "" for i in range(10)]
    text = f"{data.draw(WORDS)} {''.join(g + c for g, c in zip(gaps, number, strict=True))}."
    if not re.search(r"[-/]", text):
        assert "telephone" in kinds(text)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_postcode_with_a_number_is_found_however_it_is_spaced(data: st.DataObject) -> None:
    digits = data.draw(spaced(data.draw(st.from_regex(r"[3-9]", fullmatch=True))))
    digits += data.draw(st.from_regex(r"[0-9]{3}", fullmatch=True))
    letters = data.draw(st.from_regex(r"[A-Z]{2}", fullmatch=True))
    letters = letters.lower() if data.draw(st.booleans()) else letters
    gap = st.sampled_from(["", " ", "  ", "-", "\u00a0", "\u200b", "*"])
    text = f"{data.draw(WORDS)} {digits}{data.draw(gap)}{letters} {data.draw(gap)}{data.draw(st.integers(1, 9999))}"
    assert "postcode" in kinds(text)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_an_amount_on_a_held_area_is_found_in_whatever_digits(data: st.DataObject) -> None:
    amount = data.draw(st.integers(1, 10**7).map(str))
    digits = "".join(chr(ord(data.draw(st.sampled_from(ZEROS))) + int(c)) for c in amount)
    gap = data.draw(st.sampled_from(["", " ", "\u00a0", "  ", "**"]))
    before = data.draw(st.booleans())
    euro = "\u20ac" + gap + digits if before else digits + gap + " euro"
    text = f"Het was {euro} meer."
    assert "euros" in kinds(text, held=True)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.booleans())
def test_any_text_is_looked_at_and_its_places_lie_in_it(text: str, held: bool) -> None:
    found = refused_places(text, held=held)
    assert all(0 <= f.start < f.end <= len(text) for f in found)
    assert "".join(piece for piece, _ in pieces(text, found)) == text


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(list("<>[]()!*_#`&;:/\\\"'= \n"))
        | st.sampled_from(["script", "img", "https://a.example", "javascript:", "onload"]),
        max_size=40,
    )
)
def test_no_note_becomes_a_tag_of_its_own(parts: list[str]) -> None:
    shown = as_html("".join(parts))
    tags = set(re.findall(r"</?([A-Za-z]+)", shown))
    assert tags <= {"p", "ul", "ol", "li", "em", "strong", "blockquote", "a", "br"}
    assert all(
        a.startswith('href="https://') and 'rel="noopener noreferrer"' in a for a in re.findall(r"<a ([^>]*)>", shown)
    )


@pytest.mark.parametrize("number", ["111222333", "123456782"])
def test_the_numbers_of_tests_are_numbers_for_the_check_too(number: str) -> None:
    assert kinds(number) == {"bsn"}
