"""What is wrong with a provider's file: one finding per fault, with where it stands, what it means and what to do.

Knows no BSN and no content: a finding repeats neither a citizen number nor a refused value, only line, cell or reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from schemas import codes


class Severity(StrEnum):
    """What a finding does to the file."""

    MESSAGE = "message"
    """The whole file is refused: nothing of it can be sent."""
    LINE = "line"
    """This line stays out; the others may go."""
    NOTE = "note"
    """Nothing is refused; the provider should know."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where in the file: XML line, or sheet and cell, and the provider's own reference where it has one."""

    line: int | None = None
    sheet: str | None = None
    cell: str | None = None
    reference: str | None = None

    def text(self, *, lang: str = "nl") -> str:
        """`regel 12, referentie RN001` or `blad Leveringen, cel B17`; empty when the fault is of the whole file."""
        dutch = lang == "nl"
        parts = []
        if self.sheet is not None:
            parts.append(f"{'blad' if dutch else 'sheet'} {self.sheet}")
        if self.cell is not None:
            parts.append(f"{'cel' if dutch else 'cell'} {self.cell}")
        if self.line is not None and self.cell is None:
            parts.append(f"{'regel' if dutch else 'line'} {self.line}")
        if self.reference is not None:
            parts.append(f"{'referentie' if dutch else 'reference'} {self.reference}")
        return ", ".join(parts)


NOWHERE: Final = Where()
"""Of the file as a whole."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. `code` is one of `schemas.codes` or of `FILE_CODES`; the remedies say what to do, in both languages."""

    code: str
    severity: Severity
    where: Where = field(default=NOWHERE)
    remedy_nl: str = ""
    remedy_en: str = ""

    def sentence(self, *, lang: str = "nl") -> str:
        """What is wrong and what to do, in plain words, without the place."""
        wrong = (
            FILE_CODES[self.code][0 if lang == "nl" else 1]
            if self.code in FILE_CODES
            else codes.sentence(self.code, lang=lang)
        )
        remedy = self.remedy_nl if lang == "nl" else self.remedy_en
        return f"{wrong} {remedy}".rstrip()

    def text(self, *, lang: str = "nl") -> str:
        """The whole message: place, code, what is wrong, what to do."""
        place = self.where.text(lang=lang)
        head = f"{place[0].upper()}{place[1:]}: " if place else ""
        return f"{head}{self.sentence(lang=lang)} [{self.code}]"


FILE_CODES: Final[dict[str, tuple[str, str]]] = {
    # code: (plain Dutch, English); these never leave the provider's computer
    "file-missing": ("Het bestand is er niet of mag niet worden gelezen.", "The file is not there or may not be read."),
    "file-size": ("Het bestand is groter dan 50 MB.", "The file is larger than 50 MB."),
    "file-format": ("Dit bestand is geen 323-, 301- of 325-bericht en geen spreadsheet.", "This file is no 323, 301 or 325 message and no spreadsheet."),
    "payer-missing": ("Een spreadsheet noemt geen gemeente.", "A spreadsheet names no municipality."),
    "file-empty": ("Er staat geen enkele regel in dit bestand.", "There is not a single line in this file."),
    "xml-broken": ("De XML is niet goed gevormd.", "The XML is not well-formed."),
    "xml-doctype": ("De XML bevat een DTD of entiteiten; dat is niet toegestaan.", "The XML holds a DTD or entities; these are not allowed."),
    "xml-encoding": ("De tekens van dit bestand passen niet bij de opgegeven tekencodering.", "The characters of this file do not fit its declared encoding."),
    "xml-shape": ("Een verplicht gegeven ontbreekt of heeft niet de vorm van de standaard.", "A required field is absent or has not the standard's form."),
    "message-version": ("Dit is geen bericht van iWmo of iJw release 3.2.", "This is not a message of iWmo or iJw release 3.2."),
    "message-kind": ("Dit soort bericht wordt niet gelezen.", "This kind of message is not read."),
    "message-code": ("De berichtcode hoort niet bij dit soort bericht.", "The message code does not belong to this kind of message."),
    "0001-TR316": ("Een creditregel hoort bij een debetregel uit ditzelfde bericht.", "A credit names a debit of this very message."),
    "declaration-month": ("De declaratieperiode is geen kalendermaand.", "The declaration period is no calendar month."),
    "wrong-sender": ("De afzender van dit bestand is niet de aangesloten partij.", "The sender of this file is not the party that joined."),
    "wrong-receiver": ("De ontvanger van dit bestand is niet de aangesloten partij.", "The receiver of this file is not the party that joined."),
    "answer-whole": ("De gemeente heeft de hele declaratie afgekeurd zonder de regels te noemen.", "The municipality refused the whole declaration without naming its lines."),
    "answer-other": ("Dit antwoord hoort niet bij deze declaratie.", "This answer does not belong to this declaration."),
    "credit-rejected": ("De gemeente heeft een creditregel afgekeurd.", "The municipality refused a credit."),
    "address-unused": ("Het adres is niet bruikbaar en blijft weg; de rest van de regel gaat door.", "The address can't be used and is left out; the rest of the line goes on."),
    "sheet-missing": ("Het blad Leveringen ontbreekt.", "The sheet Leveringen is missing."),
    "column-missing": ("Een kolom ontbreekt.", "A column is missing."),
    "column-twice": ("Een kolom komt twee keer voor.", "A column occurs twice."),
    "cell": ("De inhoud van deze cel is onbruikbaar.", "The content of this cell can't be used."),
    "negative": ("Het bedrag is negatief.", "The amount is negative."),
    "reference-made": ("Niet elke regel heeft een referentie; er is er een gemaakt van bestandsnaam en rij.", "Not every line has a reference; one was made from file name and row."),
}  # fmt: skip

CREDIT_REJECTED: Final = Finding(
    "credit-rejected", Severity.NOTE, NOWHERE,
    "De intrekking blijft staan. Geldt de oude debetregel toch, stuur die dan opnieuw onder een nieuw referentienummer.",
    "The withdrawal stands. If the old debit holds after all, send it again under a new reference.",
)  # fmt: skip
