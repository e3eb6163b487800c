"""The words a spreadsheet may use: money streams, kinds of care and units, and how people write them.

The template's lists and the reader's tables come from here, so that what the template offers is always understood.
"""

from __future__ import annotations

from typing import Final

from producers.spreadsheet_cells import Cell, CellWrong, text_of
from schemas.care import CARE_TYPES, UNITS, CareType, Stream

STREAM_NAMES: Final = {
    Stream.WMO: "Wmo", Stream.JEUGDWET: "Jeugdwet", Stream.PARTICIPATIEWET: "Participatiewet", Stream.ZVW: "Zvw", Stream.WLZ: "Wlz",
}  # fmt: skip
_STREAM_OF: Final = {name.casefold(): stream for stream, name in STREAM_NAMES.items()} | {
    "jw": Stream.JEUGDWET, "pw": Stream.PARTICIPATIEWET,
}  # fmt: skip

CARE_NAMES: Final = {stream: [t.label for t in CARE_TYPES.values() if t.stream is stream] for stream in Stream}
"""Kinds of care per stream, as the template lists them."""


def _care_words() -> dict[tuple[Stream, str], CareType]:
    words: dict[tuple[Stream, str], CareType] = {}
    for care_type in CARE_TYPES.values():
        names = {care_type.label, care_type.code, care_type.code.partition("-")[2]}
        words |= {(care_type.stream, name.casefold()): care_type for name in names}
    return words


_CARE_OF: Final = _care_words()

UNIT_NAMES: Final = tuple(dutch for dutch, _ in UNITS.values())
_UNIT_OF: Final = (
    {dutch: number for number, (dutch, _) in UNITS.items()}
    | {f"{number:02d}": number for number in UNITS} | {str(number): number for number in UNITS}
    | {"minuten": 1, "uren": 4, "etmalen": 14, "dagdelen": 16, "stuks": 82, "stuk": 82, "euro's": 83, "euros": 83}
)  # fmt: skip


def stream_of(cell: Cell) -> Stream:
    """The money stream a cell names. Raises `CellWrong`."""
    found = _STREAM_OF.get(text_of(cell).casefold())
    if found is None:
        names = ", ".join(STREAM_NAMES.values())
        raise CellWrong(f"Kies een geldstroom: {names}.", f"Choose a money stream: {names}.", code="category")
    return found


def care_type_named(cell: Cell, stream: Stream) -> CareType:
    """The kind of care a cell names within `stream`: its label, code or two-digit category. Raises `CellWrong` (`category`)."""
    word = text_of(cell).casefold()
    found = _CARE_OF.get((stream, word)) or _CARE_OF.get((stream, word.zfill(2)))
    if found is None:
        name = STREAM_NAMES[stream]
        raise CellWrong(
            f"Kies een zorgsoort die bij {name} hoort; de keuzes staan op het blad Uitleg.",
            f"Choose a kind of care of {name}; the sheet Uitleg lists them.", code="category",
        )  # fmt: skip
    return found


def unit_named(cell: Cell) -> int:
    """The unit a cell names. Raises `CellWrong` (`unit`)."""
    found = _UNIT_OF.get(text_of(cell).casefold())
    if found is None:
        names = ", ".join(UNIT_NAMES)
        raise CellWrong(f"Kies een eenheid: {names}.", f"Choose a unit: {names}.", code="unit")
    return found
