"""The 301 (toewijzing): what the municipality granted, and the client's BRP address as of the message's Dagtekening.

Only AdresSoort 01 places anybody: a stay or correspondence address does not. Of the birth date only the month is read; no names, no relations.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import Final

from producers.deliveries import Grant, Reading
from producers.findings import Finding, Severity, Where
from producers.istandaard import (
    Header,
    Message,
    bsn_of,
    care_type_of,
    day,
    line_finding,
    missing,
    read_header,
    text,
    unit_of,
    whole,
)  # fmt: skip
from producers.istandaard_service import product_code
from producers.istandaard_xml import Block, blocks
from schemas.care import FREQUENCIES
from schemas.errors import Refused
from schemas.secrets import Bsn
from schemas.values import Address, Cents, Month

_BLOCKS: Final = ("Header", "Bsn", "Geboortedatum", "Contact", "ToegewezenProduct")
_REPEATABLE: Final = frozenset({"Telefoonnummer", "Landnummer"})
_BRP_ADDRESS: Final = "01"
_GRANT_FIELDS: Final = (
    "Categorie", "Code", "Toewijzingsdatum", "Toewijzingstijd", "Ingangsdatum", "Einddatum", "RedenWijziging", "Volume",
    "Eenheid", "Frequentie", "Budget",
)  # fmt: skip


@dataclass(slots=True)
class _Assignment:
    """What has been read so far."""

    message: Message
    header: Header | None = None
    subject: Bsn | Refused | None = None
    address: Address | None = None
    born: Month | None = None
    products: list[tuple[Block, Where]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def take(self, block: Block) -> None:
        """One element, in the order of the message."""
        match block.name:
            case "Header":
                self.header = read_header(block.fields, self.message, where=block.where)
            case "Bsn":
                self.subject = bsn_of(block.fields, where=block.where)
            case "Geboortedatum":
                if block.parent == "Client":
                    self.born = _month_of(block.fields.get("Datum", ""))
            case "Contact":
                if block.parent == "Contactgegevens" and block.fields.get("Soort") == _BRP_ADDRESS:
                    self._take_address(block)
            case _:
                number = text(block.fields, "ToewijzingNummer", most=9, where=block.where)
                self.products.append((block, Where(line=block.line, reference=number)))

    def _take_address(self, block: Block) -> None:
        fields = block.fields
        postcode = fields.get("Postcode", "") if fields.get("LandCode", "NL") == "NL" else ""
        try:
            self.address = Address.parse(
                postcode,
                fields.get("Huisnummer", ""),
                fields.get("Huisletter", "") + fields.get("HuisnummerToevoeging", ""),
            )
        except Refused:
            # An entitlement holds without an address; the municipality's residence file can still place the person.
            self.findings.append(
                Finding("address-unused", Severity.NOTE, block.where, "De gemeente kan het adres aanvullen.",
                        "The municipality can supply the address.")
            )  # fmt: skip

    def grant(self, block: Block, *, where: Where, header: Header) -> Grant:
        """The grant of one product. Raises `Refused` (`bsn`, `category`, `unit`, `period`) and `FileRefused`."""
        fields = block.fields
        bsn = self.subject
        if bsn is None:
            missing("Bsn", where=where)
        if isinstance(bsn, Refused):
            raise bsn
        number = str(whole(fields, "ToewijzingNummer", where=where, most=999_999_999))
        has_size = "Volume" in fields
        return Grant(
            bsn=bsn, payer=header.gemeente, care_type=care_type_of(self.message.law, fields.get("Categorie", "")),
            first_day=day(fields, "Ingangsdatum", where=where),
            last_day=day(fields, "Einddatum", where=where) if "Einddatum" in fields else None,
            cents=Cents(whole(fields, "Budget", where=where) if "Budget" in fields else 0),
            reference=_reference(fields, number), assignment=number,
            product=product_code(fields, "Code", where=where) if "Code" in fields else "",
            volume_hundredths=whole(fields, "Volume", where=where) * 100 if has_size else None,
            unit=unit_of(fields.get("Eenheid", "")) if has_size else None,
            frequency=_frequency(fields, where=where) if has_size else 0,
            address=self.address, address_as_of=None if self.address is None else header.signed_on,
            born=self.born,
        )  # fmt: skip


def _month_of(text: str) -> Month | None:
    """A birth that can't be read is not known: nothing is refused for it."""
    try:
        return Month.of(dt.date.fromisoformat(text[:10]))
    except ValueError:
        return None


def _frequency(fields: dict[str, str], *, where: Where) -> int:
    found = whole(fields, "Frequentie", where=where)
    if found not in FREQUENCIES:
        missing("Frequentie", where=where)
    return found


def _reference(fields: dict[str, str], number: str) -> str:
    """A reference per content: the same 301 again is a duplicate, a changed one under the same number is new."""
    content = "|".join(fields.get(name, "") for name in _GRANT_FIELDS)
    return f"301|{number}|{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def read_301(data: bytes, *, message: Message, source: str, today: dt.date) -> Reading:
    """Read an assignment. `today` is not used: a grant may begin in the future. Raises `FileRefused`."""
    del today
    assignment = _Assignment(message)
    for block in blocks(data, _BLOCKS, repeatable=_REPEATABLE):
        assignment.take(block)
    header = assignment.header
    if header is None:
        missing("Header", where=Where())
    items: list[Grant] = []
    lines: list[int] = []
    for block, where in assignment.products:
        try:
            items.append(assignment.grant(block, where=where, header=header))
        except Refused as refused:
            assignment.findings.append(line_finding(refused, where))
        else:
            lines.append(where.line or 0)
    return Reading(
        source=source, format=message.format, items=tuple(items), lines=tuple(lines), findings=tuple(assignment.findings),
        sender=header.sender, receiver=header.receiver,
    )  # fmt: skip
