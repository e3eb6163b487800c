"""What may not stand in a note: numbers of citizens, addresses, e-mail, telephone; euro amounts where an area is held.

The text is looked at as it is typed and as it is read: in other digits (Unicode), with marks of Markdown, dots, spaces or invisible
characters in between it is the same. What is found is marked at its place and repeated nowhere. Names and free descriptions of
persons no programme finds: that is what the second person is for.
"""

from __future__ import annotations

import datetime as dt
import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from portals.municipality.markdown import as_text

KINDS: Final = ("bsn", "postcode", "email", "telephone", "euros")


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """Something that may not stand in a note: from `start` up to `end` (characters of the text as typed), and of which kind."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class _Plain:
    """A text in plain characters, each with where it stands in the text as typed."""

    text: str
    start: tuple[int, ...]
    end: tuple[int, ...]

    def found(self, span: tuple[int, int], kind: str) -> Found:
        return Found(self.start[span[0]], self.end[span[1] - 1], kind)


_ENTITY: Final = re.compile(
    r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});|\\(?=[!-/:-@\[-`{-~])", re.ASCII
)
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2212"


def _plain(text: str) -> _Plain:
    """Entities as what they stand for, other scripts' digits as ours, compatibility forms as their letters, invisible characters gone."""
    chars: list[str] = []
    start: list[int] = []
    end: list[int] = []
    at = 0
    while at < len(text):
        entity = _ENTITY.match(text, at)
        stop = entity.end() if entity else at + 1
        said = "" if entity and entity[0] == "\\" else html.unescape(entity[0]) if entity else text[at]
        for char in unicodedata.normalize("NFKC", said):
            digit = unicodedata.digit(char, None)
            if digit is None and unicodedata.category(char) in ("Cf", "Mn", "Me", "Cc") and char not in "\n\t":
                continue
            chars.append(str(digit) if digit is not None else "-" if char in _DASHES else char)
            start.append(at)
            end.append(stop)
        at = stop
    return _Plain("".join(chars), tuple(start), tuple(end))


# --- numbers ----------------------------------------------------------------------------------------------------------

_DIGITS: Final = re.compile(r"\d+", re.ASCII)
_GAP: Final = 4
_DATE: Final = re.compile(
    r"(?<!\d)(\d{1,2})([-/])(\d{1,2})\2((?:19|20)\d\d)(?!\d)|(?<!\d)((?:19|20)\d\d)-(\d\d)-(\d\d)(?!\d)", re.ASCII
)


def _is_bsn(digits: str) -> bool:
    """The eleven-test of a citizen's number (Wabb)."""
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    return digits != "0" * 9 and sum(w * int(d) for w, d in zip(weights, digits, strict=True)) % 11 == 0


def _runs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Rows of digits that stand together: at most a few characters that are neither letter nor digit between them."""
    row: list[tuple[int, int]] = []
    for match in _DIGITS.finditer(text):
        between = text[row[-1][1] : match.start()] if row else ""
        if row and (len(between) > _GAP or any(c.isalpha() for c in between)):
            yield row
            row = []
        row.append(match.span())
    if row:
        yield row


def _windows(text: str, accepts: Callable[[str, str], bool], *, longest: int) -> Iterator[tuple[int, int]]:
    """Spans of whole rows of digits whose digits together, after what stands before them, are accepted."""
    for row in _runs(text):
        for first in range(len(row)):
            digits = ""
            for last in range(first, len(row)):
                digits += text[row[last][0] : row[last][1]]
                if len(digits) > longest:
                    break
                if accepts(digits, text[max(0, row[first][0] - 2) : row[first][0]]):
                    yield row[first][0], row[last][1]


def _bsns(text: str) -> Iterator[tuple[int, int]]:
    yield from _windows(text, lambda digits, _: len(digits) == 9 and _is_bsn(digits), longest=9)
    for match in _DIGITS.finditer(text):
        for at in range(match.start(), match.end() - 8):
            if _is_bsn(text[at : at + 9]):
                yield at, at + 9


def _telephones(text: str) -> Iterator[tuple[int, int]]:
    def is_telephone(digits: str, before: str) -> bool:
        if "+" in before:
            return 9 <= len(digits) <= 15
        if digits.startswith("00"):
            return 11 <= len(digits) <= 15
        return digits.startswith("0") and len(digits) == 10

    yield from _windows(_without_dates(text), is_telephone, longest=15)


def _without_dates(text: str) -> str:
    """Days as letters, so that two of them in a row are no telephone number."""

    def masked(match: re.Match[str]) -> str:
        day, month, year = (match[1], match[3], match[4]) if match[1] else (match[7], match[6], match[5])
        try:
            dt.date(int(year), int(month), int(day))
        except ValueError:
            return match[0]
        return "d" * len(match[0])

    return _DATE.sub(masked, text)


# --- addresses, e-mail, money -----------------------------------------------------------------------------------------

_POSTCODE: Final = re.compile(r"(?<!\d)([1-9]\d{3})([^\w\n]{0,4}|_{1,2})([A-Za-z]{2})(?![A-Za-z])", re.ASCII)
_NUMBER_AFTER: Final = re.compile(
    r"[\W_]{0,6}(?:(?:huisnummer|nummer|house number|number|nr|no|huisnr)[\W_]{0,4})?\d+", re.ASCII | re.IGNORECASE
)
_NUMBER_BEFORE: Final = re.compile(r"\d{1,5}[\W_]{0,3}[A-Za-z]{0,4}[\W_]{1,4}$", re.ASCII)
_SMALL_WORDS: Final = frozenset(
    [
        "en",
        "of",
        "to",
        "in",
        "is",
        "na",
        "op",
        "we",
        "or",
        "by",
        "at",
        "on",
        "as",
        "de",
        "te",
        "er",
        "om",
        "al",
        "zo",
        "nu",
        "no",
        "so",
        "an",
        "it",
    ]
)
_EMAIL: Final = re.compile(
    r"[\w.+%'-]*\w[*_]{0,2}\s{0,2}(?:@|[(\[{]\s?(?:at|apenstaartje)\s?[)\]}]|\bapenstaartje\b)\s{0,2}[*_]{0,2}"
    r"\w[\w-]*(?:\s?(?:\.|[(\[{]\s?(?:dot|punt)\s?[)\]}])\s?\w[\w-]*)+",
    re.IGNORECASE,
)
_CURRENCY: Final = r"(?:\u20ac|\beur\b|\beuro\b|\beuro['\u2019]?s\b|\beurocent\w*|\bcents?\b)"
_AMOUNT_WORD: Final = (
    r"(?:\w*(?:honderd|duizend|miljoen|miljard|hundred|thousand|million|billion)\w*|mln|mld|ton|k|m|"
    r"een|\u00e9\u00e9n|twee|drie|vier|vijf|zes|zeven|acht|negen|tien|elf|twaalf|\w*tien|\w*tig|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w*teen|\w*ty)"
)
_SIZE: Final = rf"(?:\d[\d.,' ]*(?:[\W_]{{0,3}}{_AMOUNT_WORD}\b)?|\b{_AMOUNT_WORD}\b)"
_MONEY: Final = re.compile(
    rf"{_CURRENCY}[\W_]{{0,4}}{_SIZE}|{_SIZE}[\W_]{{0,4}}{_CURRENCY}|\d[\d.,' ]*[\W_]{{0,3}}(?:mln|mld|miljoen|miljard|ton|million|billion|k)\b|"
    r"\d[\d.]*,-",
    re.IGNORECASE,
)


def _postcodes(text: str) -> Iterator[tuple[int, int]]:
    for match in _POSTCODE.finditer(text):
        number, space, letters = match.groups()
        if letters.islower() and letters in _SMALL_WORDS and space and 1990 <= int(number) < 2060:
            continue  # "2024 en 12 ..." speaks of a year
        after = _NUMBER_AFTER.match(text, match.end())
        before = _NUMBER_BEFORE.search(text, max(0, match.start() - 16), match.start())
        if after:
            yield match.start(), after.end()
        elif before:
            yield before.start(), match.end()


_CHECKS: Final[dict[str, Callable[[str], Iterator[tuple[int, int]]]]] = {
    "bsn": _bsns,
    "postcode": _postcodes,
    "email": lambda text: (m.span() for m in _EMAIL.finditer(text)),
    "telephone": _telephones,
    "euros": lambda text: (m.span() for m in _MONEY.finditer(text)),
}


def _kinds_in(text: str, kinds: tuple[str, ...]) -> list[Found]:
    plain = _plain(text)
    return sorted(
        {plain.found(span, kind) for kind in kinds for span in _CHECKS[kind](plain.text) if span[1] > span[0]}
    )


def refused_places(text: str, *, held: bool) -> list[Found]:
    """What may not stand in this note, in order; empty when it may be kept. `held`: a figure of its area is kept back.

    What shows only when the note is read (put together from pieces of Markdown, or from an address) is marked as the whole text.
    """
    kinds = KINDS if held else KINDS[:-1]
    found = _kinds_in(text, kinds)
    marked = {f.kind for f in found}
    read = as_text(text)
    unseen = {f.kind for form in (read, unquote(read)) for f in _kinds_in(form, kinds)} - marked
    return sorted([*found, *(Found(0, len(text), kind) for kind in unseen)])


@lru_cache(maxsize=1024)
def names_amounts(text: str) -> bool:
    """Whether a text names an amount of money, as it is typed or as it is read."""
    return any(found.kind == "euros" for found in refused_places(text, held=True))


def pieces(text: str, found: list[Found]) -> list[tuple[str, bool]]:
    """The text in pieces, each with whether it is a place that was found."""
    made: list[tuple[str, bool]] = []
    at = 0
    for place in sorted(found):
        if place.end <= at:
            continue
        start = max(at, place.start)
        made += [(text[at:start], False), (text[start : place.end], True)]
        at = place.end
    return [piece for piece in [*made, (text[at:], False)] if piece[0]]
