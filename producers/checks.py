"""One door for every file a provider has: looks at the content, reads it, checks both ends, and says what may be sent.

Sends nothing and asks nobody. Knows of the provider only its code, its municipalities and today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from producers.deliveries import Format, Reading
from producers.findings import Finding, Severity
from producers.istandaard import FileRefused, refuse_file
from producers.istandaard_xml import MAX_FILE_BYTES, message_of
from producers.message_301 import read_301
from producers.message_323 import read_323
from producers.message_325 import read_325
from producers.spreadsheet import read_csv, read_xlsx

_ZIP = b"PK\x03\x04"
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_READERS = {Format.MESSAGE_323: read_323, Format.MESSAGE_301: read_301, Format.MESSAGE_325: read_325}


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """Who is asking: AGB code (8 digits), the municipalities that admitted it, today, and who pays what a spreadsheet lists.

    `payer` may stay None where there is one municipality.
    """

    agb: str
    municipalities: frozenset[int]
    today: dt.date
    payer: int | None = None

    @property
    def spreadsheet_payer(self) -> int | None:
        """The municipality that pays a spreadsheet's lines; None when it must be asked for."""
        if self.payer is not None:
            return self.payer
        return next(iter(self.municipalities)) if len(self.municipalities) == 1 else None


def check(path: Path, context: ProviderContext) -> Reading:
    """Read and check one file. Never raises for what a file may hold: every fault is a finding of the reading."""
    try:
        return _checked(path, context)
    except FileRefused as refused:
        return Reading(source=path.name, format=None, findings=(refused.finding,))


def _checked(path: Path, context: ProviderContext) -> Reading:
    data = _bytes_of(path)
    if data.startswith(_ZIP):
        return _spreadsheet(read_xlsx, data, path=path, context=context)
    if _looks_like_xml(data):
        message = message_of(data)
        reading = _READERS[message.format](data, message=message, source=path.name, today=context.today)
        return _ends_checked(reading, context, from_provider=message.from_provider)
    return _spreadsheet(read_csv, data, path=path, context=context)


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            refuse_file(
                "file-size", "Splits het bestand, bijvoorbeeld per maand.", "Split the file, by month for example."
            )
        return path.read_bytes()
    except OSError:
        refuse_file("file-missing", "Controleer de naam en de rechten.", "Check its name and permissions.")


def _looks_like_xml(data: bytes) -> bool:
    """Whether the first sign of the text, in any of the usual encodings, is `<`."""
    start = data[:512]
    for mark in _BYTE_ORDER_MARKS:
        start = start.removeprefix(mark)
    return start.replace(b"\x00", b"").lstrip().startswith(b"<")


def _spreadsheet(read: Callable[..., Reading], data: bytes, *, path: Path, context: ProviderContext) -> Reading:
    payer = context.spreadsheet_payer
    if payer is None:
        refuse_file(
            "payer-missing", "Zeg welke gemeente deze regels betaalt.", "Say which municipality pays these lines."
        )
    return read(data, source=path.name, payer=payer, today=context.today)


def _ends_checked(reading: Reading, context: ProviderContext, *, from_provider: bool) -> Reading:
    """Refuse a message that is not between this provider and one of its municipalities."""
    sender_is_right, receiver_is_right = _is_provider(reading.sender, context), _is_payer(reading.receiver, context)
    if not from_provider:
        sender_is_right, receiver_is_right = _is_payer(reading.sender, context), _is_provider(reading.receiver, context)
    wrong = []
    if not sender_is_right:
        wrong.append(_end_finding("wrong-sender", "Afzender"))
    if not receiver_is_right:
        wrong.append(_end_finding("wrong-receiver", "Ontvanger"))
    return replace(reading, items=(), lines=(), findings=(*wrong, *reading.findings)) if wrong else reading


def _is_provider(code: str | None, context: ProviderContext) -> bool:
    return code == context.agb


def _is_payer(code: str | None, context: ProviderContext) -> bool:
    return code is not None and len(code) == 4 and int(code) in context.municipalities


def _end_finding(code: str, name: str) -> Finding:
    return Finding(
        code, Severity.MESSAGE, remedy_nl=f"Controleer {name}: hoort dit bestand bij deze aanbieder en deze gemeente?",
        remedy_en=f"Check {name}: does this file belong to this provider and this municipality?",
    )  # fmt: skip
