"""The empty spreadsheet a provider fills in: sheet Leveringen with lists to choose from, sheet Uitleg in plain Dutch.

The examples stand on Uitleg, so that nobody ever sends them by forgetting to remove them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from producers.spreadsheet_cells import Cell
from producers.spreadsheet_rows import COLUMNS, SHEET
from producers.spreadsheet_words import CARE_NAMES, STREAM_NAMES, UNIT_NAMES
from schemas.errors import SettingsWrong

EXPLANATION_SHEET: Final = "Uitleg"
_LISTS_SHEET: Final = "Lijsten"
_ROWS: Final = 5000
"""Rows that get lists to choose from and number formats; more rows work too."""
_WIDTHS: Final = (12, 10, 12, 12, 18, 30, 12, 12, 9, 16, 12, 22)

COLUMN_TEXTS: Final = {
    "BSN": ("ja", "Burgerservicenummer van de cliënt, negen cijfers. Een voorloopnul mag wegvallen."),
    "postcode": ("als bekend", "Postcode van het woonadres op de eerste dag, zoals 1234AB. Alleen samen met het huisnummer."),
    "huisnummer": ("als bekend", "Alleen het getal. Een letter of toevoeging hoort in de volgende kolom."),
    "toevoeging": ("nee", "Huisletter en toevoeging, zoals A of 2."),
    "geldstroom": ("ja", "Waar het geld vandaan komt. Kies uit de lijst."),
    "zorgsoort": ("ja", "Soort zorg of ondersteuning, passend bij de geldstroom. De keuzes staan onderaan dit blad."),
    "van": ("ja", "Eerste dag waarop is geleverd, zoals 01-03-2025."),
    "tot": ("ja", "Laatste dag waarop is geleverd; die dag telt mee."),
    "aantal": ("nee", "Hoeveel is geleverd, zoals 12 of 7,5. Vul dan ook de eenheid in."),
    "eenheid": ("bij aantal", "Eenheid van het aantal. Kies uit de lijst."),
    "bedrag": ("ja", "Bedrag in euro's, zoals 1234,56. Nul mag, negatief niet."),
    "referentie": ("nee", "Uw eigen unieke nummer van deze regel. Laat u het leeg, dan maakt Zorgstroom er een en schrijft het in een kopie."),
}  # fmt: skip

_EXAMPLES: Final = (
    ("999900006", "9980AA", 12, "", "Participatiewet", "Bijstandsuitkering", dt.date(2025, 3, 1), dt.date(2025, 3, 31), None, "", 1325.4, "PW-2025-03-001"),
    ("999900018", "9980AB", 7, "A", "Zvw", "Wijkverpleging", dt.date(2025, 3, 1), dt.date(2025, 3, 31), 14.5, "uur", 1015, "ZVW-2025-03-001"),
    ("999900031", "", None, "", "Wlz", "Wlz-zorg thuis", dt.date(2025, 3, 3), dt.date(2025, 3, 28), 20, "dagdeel", 1388.8, ""),
)  # fmt: skip

_PARAGRAPHS: Final = (
    "Zet op het blad Leveringen per regel wat u in een periode aan één persoon hebt geleverd. Verander de kolomnamen niet.",
    "Controleer het bestand met 'zorgstroom provider check BESTAND': u ziet per cel wat er niet klopt en wat wel goed is. Er wordt dan nog niets verstuurd.",
    "Iets verbeteren? Pas het bestand aan en lever de hele maand opnieuw aan met 'zorgstroom provider publish --replaces OUD NIEUW'. Zorgstroom vergelijkt beide op uw eigen computer en stuurt alleen wat is veranderd. Bewaar daarvoor steeds de kopie met referenties.",
    "BSN en adres gaan versleuteld weg en komen nooit samen met de bedragen bij één lezer terecht.",
)  # fmt: skip


def write_template(path: Path) -> None:
    """Write the empty template. Raises `SettingsWrong` where the file can't be written or is there already."""
    if path.exists():
        raise SettingsWrong("There is a file of that name already; choose another name or remove it.")
    book = new_book(path)
    write_sheet(book, [list(COLUMNS)], header=0, columns={name: i for i, name in enumerate(COLUMNS)})
    write_explanation(book)
    close_book(book)


def new_book(path: Path) -> Any:
    """A workbook to be written that takes every text as text: nothing becomes a formula or a link."""
    return xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )


def close_book(book: Any) -> None:
    """Write the file. Raises `SettingsWrong` where that fails."""
    try:
        book.close()
    except (FileCreateError, OSError) as wrong:
        raise SettingsWrong("The file can't be written; check folder, permissions and free space.") from wrong


def write_sheet(book: Any, rows: Sequence[Sequence[Cell]], *, header: int, columns: dict[str, int]) -> None:
    """Write sheet Leveringen with these rows; lists, formats and help go to the columns named."""
    sheet = book.add_worksheet(SHEET)
    bold = book.add_format({"bold": True, "bg_color": "#DCE6F1", "bottom": 1})
    formats = {"van": _day_format(book), "tot": _day_format(book), "bedrag": book.add_format({"num_format": "#,##0.00"}),
               "BSN": book.add_format({"num_format": "@"}), "postcode": book.add_format({"num_format": "@"}),
               "toevoeging": book.add_format({"num_format": "@"}), "referentie": book.add_format({"num_format": "@"})}  # fmt: skip
    for name, place in columns.items():
        sheet.set_column(place, place, _WIDTHS[COLUMNS.index(name)], formats.get(name))
    day, texts = formats["van"], frozenset(columns[n] for n in ("BSN", "toevoeging", "referentie") if n in columns)
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            _write_cell(
                sheet, number, place, cell, day=day, bold=bold if number == header else None, text=place in texts
            )
    sheet.freeze_panes(header + 1, 0)
    _add_lists(book, sheet, first=header + 1, columns=columns)


def _write_cell(sheet: Any, row: int, place: int, cell: Cell, *, day: Any, bold: Any, text: bool) -> None:
    if isinstance(cell, (dt.date, dt.datetime)):
        sheet.write_datetime(row, place, cell, day)
    elif isinstance(cell, (int, float)) and not isinstance(cell, bool) and not text:
        sheet.write_number(row, place, cell)
    elif cell is not None and cell != "":
        shown = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
        sheet.write_string(row, place, shown, bold)


def _day_format(book: Any) -> Any:
    return book.add_format({"num_format": "dd-mm-yyyy", "align": "left"})


def _add_lists(book: Any, sheet: Any, *, first: int, columns: dict[str, int]) -> None:
    """Lists to choose from live on a hidden sheet; a wrong choice is warned of, never blocked: the check says it better."""
    hidden = book.add_worksheet(_LISTS_SHEET)
    hidden.hide()
    care = sorted({name for names in CARE_NAMES.values() for name in names})
    lists = {"geldstroom": list(STREAM_NAMES.values()), "zorgsoort": care, "eenheid": list(UNIT_NAMES)}
    for place, (name, choices) in enumerate(lists.items()):
        hidden.write_column(0, place, choices)
        if name in columns:
            letter = "ABC"[place]
            sheet.data_validation(first, columns[name], first + _ROWS, columns[name], {
                "validate": "list", "source": f"={_LISTS_SHEET}!${letter}$1:${letter}${len(choices)}",
                "error_type": "warning", "input_title": name, "input_message": COLUMN_TEXTS[name][1][:255],
            })  # fmt: skip
    for name in ("van", "tot"):
        if name in columns:
            sheet.data_validation(first, columns[name], first + _ROWS, columns[name], {
                "validate": "date", "criteria": ">=", "value": dt.date(2000, 1, 1), "error_type": "warning",
                "input_title": name, "input_message": COLUMN_TEXTS[name][1][:255],
            })  # fmt: skip


def write_explanation(book: Any) -> None:
    """Write sheet Uitleg: what to do, each column, three examples with test numbers, all kinds of care."""
    sheet = book.add_worksheet(EXPLANATION_SHEET)
    bold, wrap, day = (
        book.add_format({"bold": True}),
        book.add_format({"text_wrap": True, "valign": "top"}),
        _day_format(book),
    )
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, len(COLUMNS), 18)
    row = 0
    sheet.write_string(row, 0, "Leveringen aanleveren aan Zorgstroom", bold)
    for paragraph in _PARAGRAPHS:
        row += 1
        sheet.merge_range(row, 0, row, 9, paragraph, wrap)
        sheet.set_row(row, 32)
    row += 2
    for place, title in enumerate(("kolom", "verplicht", "wat u invult")):
        sheet.write_string(row, place, title, bold)
    for name, (required, meaning) in COLUMN_TEXTS.items():
        row += 1
        for place, text in enumerate((name, required, meaning)):
            sheet.write_string(row, place, text)
    row += 2
    sheet.write_string(row, 0, "Voorbeelden (de BSN's zijn testnummers)", bold)
    for place, name in enumerate(COLUMNS):
        sheet.write_string(row + 1, place, name, bold)
    for number, example in enumerate(_EXAMPLES, row + 2):
        for place, cell in enumerate(example):
            _write_cell(sheet, number, place, cell, day=day, bold=None, text=place == 0)
    row += 3 + len(_EXAMPLES)
    for place, (stream, names) in enumerate(CARE_NAMES.items()):
        sheet.write_string(row, place, STREAM_NAMES[stream], bold)
        sheet.write_column(row + 1, place, names)
