"""The 323 (declaratie): what was delivered. Debits become deliveries, credits withdrawals; its rules are checked here.

Judges what one message shows: totals, periods, tariffs, references within it. What stands from earlier messages only the
ledger knows. Rules and codes: iWmo/iJw 3.2, TR314, TR316, TR319, TR323, TR346, TR358, and the return codes of WJ001.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from producers.deliveries import Delivery, Item, Reading, Withdrawal, check_age
from producers.findings import Finding, Severity, Where
from producers.istandaard import (
    REMEDIES,
    Header,
    Message,
    bsn_of,
    care_type_of,
    day,
    line_finding,
    missing,
    read_header,
    refuse_file,
    text,
    unit_of,
    whole,
)  # fmt: skip
from producers.istandaard_service import MAX_TOTAL, Service, is_credit, read_service, tariff_holds, withdrawal
from producers.istandaard_xml import Block, blocks
from schemas.care import CareType
from schemas.errors import Refused
from schemas.secrets import Bsn
from schemas.values import Cents, Month

_BLOCKS: Final = ("Header", "DeclaratieNummer", "DeclaratiePeriode", "TotaalIngediendBedrag", "Bsn", "Prestatie")


@dataclass(slots=True)
class _Declaration:
    """What has been read so far."""

    message: Message
    today: dt.date
    header: Header | None = None
    month: Month | None = None
    total: int | None = None
    number: str | None = None
    subject: Bsn | Refused | None = None
    sum_cents: int = 0
    items: list[Item] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    references: set[str] = field(default_factory=set)
    withdrawn: dict[str, Where] = field(default_factory=dict)
    debits: set[tuple[object, ...]] = field(default_factory=set)

    def take(self, block: Block) -> None:
        """One element, in the order of the message."""
        match block.name:
            case "Header":
                self.header = read_header(block.fields, self.message, where=block.where)
            case "DeclaratiePeriode":
                self.month = _calendar_month(block)
            case "TotaalIngediendBedrag":
                sign = -1 if is_credit(block.fields, where=block.where) else 1
                self.total = sign * whole(block.fields, "TotaalBedrag", where=block.where, most=MAX_TOTAL)
            case "Bsn":
                self.subject = bsn_of(block.fields, where=block.where)
            case "Prestatie":
                self._take_service(block)
            case _:
                self.number = text(block.fields, "DeclaratieNummer", most=12, where=block.where)

    def _take_service(self, block: Block) -> None:
        service = read_service(block)
        self.sum_cents += -service.cents if service.is_credit else service.cents
        try:
            item = self._judged(service)
        except Refused as refused:
            self.findings.append(line_finding(refused, service.where))
        else:
            self.items.append(item)
            self.lines.append(service.where.line or 0)
        self.references.add(service.reference)

    def _judged(self, service: Service) -> Item:
        """The item a service becomes. Raises `Refused` with the first rule it breaks."""
        bsn, month = self.subject, self.month
        if bsn is None or month is None:
            missing("Bsn" if bsn is None else "DeclaratiePeriode", where=service.where)
        if isinstance(bsn, Refused):
            raise bsn
        care_type = care_type_of(self.message.law, service.category)
        unit = unit_of(service.unit_code)
        if service.last_day < service.first_day:
            raise Refused("period", "The last day lies before the first.")
        if service.last_day > month.last_day:
            raise Refused("9319", "The product period lies after the declaration month.")
        check_age(service.first_day, today=self.today)
        if not tariff_holds(service, unit=unit):
            raise Refused("9346", "The amount is not volume times tariff.")
        if service.reference in self.references:
            raise Refused("8021", "The reference occurs twice in this message.")
        if service.is_credit:
            return self._withdrawal(service, bsn=bsn, care_type=care_type, unit=unit, payer=self._payer(service.where))
        return self._delivery(service, bsn=bsn, care_type=care_type, unit=unit, payer=self._payer(service.where))

    def _payer(self, where: Where) -> int:
        if self.header is None:
            missing("Header", where=where)
        return self.header.gemeente

    def _withdrawal(self, service: Service, *, bsn: Bsn, care_type: CareType, unit: int, payer: int) -> Withdrawal:
        if service.previous is None:
            raise Refused("8017", "A credit names no earlier debit.")
        if service.previous in self.withdrawn:
            raise Refused("9390", "This debit is credited twice in this message.")
        self.withdrawn[service.previous] = service.where
        return withdrawal(service, bsn=bsn, care_type=care_type, unit=unit, payer=payer,
                          reference=service.reference, withdrawn=service.previous)  # fmt: skip

    def _delivery(self, service: Service, *, bsn: Bsn, care_type: CareType, unit: int, payer: int) -> Delivery:
        if service.previous is not None:
            missing("VorigReferentieNummer", where=service.where)
        same = (bsn, service.assignment, care_type.id, service.product, service.first_day, service.last_day)
        if same in self.debits:
            raise Refused("9389", "A debit for this assignment, product and period is in this message already.")
        self.debits.add(same)
        return Delivery(
            bsn=bsn, payer=payer, care_type=care_type, first_day=service.first_day, last_day=service.last_day,
            cents=Cents(service.cents), reference=service.reference, product=service.product, assignment=service.assignment,
            volume_hundredths=service.volume * 100, unit=unit, tariff_cents=service.tariff_cents,
        )  # fmt: skip

    def whole_message(self) -> list[Finding]:
        """What only shows at the end: the total (TR358), and credits of debits of this very message (TR316)."""
        found = []
        if self.total != self.sum_cents:
            found.append(Finding("0001", Severity.MESSAGE, Where(), *REMEDIES["0001"]))
        found += [
            Finding("0001-TR316", Severity.MESSAGE, where, "Laat de debetregel en de creditregel beide weg.",
                    "Leave out both the debit and the credit.")
            for previous, where in self.withdrawn.items() if previous in self.references
        ]  # fmt: skip
        return found


def _calendar_month(block: Block) -> Month:
    first, last = day(block.fields, "Begindatum", where=block.where), day(block.fields, "Einddatum", where=block.where)
    try:
        month = Month.of(first)
    except ValueError:
        month = None
    if month is None or (first, last) != (month.first_day, month.last_day):
        refuse_file("declaration-month", "Declareer per kalendermaand, van de eerste tot en met de laatste dag.",
                    "Declare per calendar month, from its first to its last day.", where=block.where)  # fmt: skip
    return month


def read_323(data: bytes, *, message: Message, source: str, today: dt.date) -> Reading:
    """Read a declaration. Findings name lines by reference; one rule broken for the whole leaves no items.

    Raises `FileRefused` where XML or forms are not the standard's.
    """
    declaration = _Declaration(message, today)
    for block in blocks(data, _BLOCKS):
        declaration.take(block)
    if declaration.header is None or declaration.month is None or declaration.total is None:
        missing("Header of Declaratie", where=Where())
    whole_message = declaration.whole_message()
    return Reading(
        source=source, format=message.format,
        items=() if whole_message else tuple(declaration.items), lines=() if whole_message else tuple(declaration.lines),
        findings=(*whole_message, *declaration.findings), sender=declaration.header.sender,
        receiver=declaration.header.receiver, month=declaration.month, declaration=declaration.number,
    )  # fmt: skip
