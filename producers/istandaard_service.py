"""One Prestatie of a 323 or 325: its fields, the tariff rule, and the withdrawal it can become.

Checks the forms of fields and whether amount, volume and tariff agree; judges nothing else.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from producers.deliveries import Withdrawal
from producers.findings import Where
from producers.istandaard import day, missing, text, whole
from producers.istandaard_xml import Block
from schemas.care import UNIT_EURO, UNIT_MINUTE, CareType
from schemas.secrets import Bsn
from schemas.values import Cents

MAX_REFERENCE: Final = 20
MAX_TOTAL: Final = 999_999_999_999
"""Eurocents of a message's total (LDT_TotaalBedrag)."""


@dataclass(frozen=True, slots=True)
class Service:
    """One Prestatie as it is written, its forms checked and nothing judged yet."""

    where: Where
    reference: str
    previous: str | None
    assignment: str
    category: str
    product: str
    first_day: dt.date
    last_day: dt.date
    volume: int
    unit_code: str
    tariff_cents: int | None
    cents: int
    is_credit: bool


def read_service(block: Block) -> Service:
    """Read the fields of a Prestatie (323 and 325 alike). Raises `FileRefused` where a form is not the standard's."""
    fields, where = block.fields, block.where
    return Service(
        where=where,
        reference=text(fields, "ReferentieNummer", most=MAX_REFERENCE, where=where),
        previous=text(fields, "VorigReferentieNummer", most=MAX_REFERENCE, where=where)
        if "VorigReferentieNummer" in fields else None,
        assignment=str(whole(fields, "ToewijzingNummer", where=where, most=999_999_999)),
        category=text(fields, "ProductCategorie", most=4, where=where),
        product=product_code(fields, "ProductCode", where=where),
        first_day=day(fields, "Begindatum", where=where), last_day=day(fields, "Einddatum", where=where),
        volume=whole(fields, "GeleverdVolume", where=where), unit_code=text(fields, "Eenheid", most=4, where=where),
        tariff_cents=whole(fields, "ProductTarief", where=where) if "ProductTarief" in fields else None,
        cents=whole(fields, "Bedrag", where=where), is_credit=is_credit(fields, where=where),
    )  # fmt: skip


def product_code(fields: dict[str, str], name: str, *, where: Where) -> str:
    """A product code of at most five plain characters. Raises `FileRefused`."""
    code = text(fields, name, most=5, where=where)
    if not code.isascii():
        missing(name, where=where)
    return code


def is_credit(fields: dict[str, str], *, where: Where) -> bool:
    """Whether DebetCredit says C. Raises `FileRefused` for anything but C and D."""
    if fields.get("DebetCredit") not in ("D", "C"):
        missing("DebetCredit", where=where)
    return fields["DebetCredit"] == "C"


def withdrawal(
    service: Service, *, bsn: Bsn, care_type: CareType, unit: int, payer: int, reference: str, withdrawn: str
) -> Withdrawal:
    """The withdrawal of debit `withdrawn`, whose fields the service repeats. Raises `Refused`."""
    return Withdrawal(
        bsn=bsn, payer=payer, care_type=care_type, first_day=service.first_day, last_day=service.last_day,
        cents=Cents(service.cents), reference=reference, withdrawn_reference=withdrawn, product=service.product,
        assignment=service.assignment, volume_hundredths=service.volume * 100, unit=unit, tariff_cents=service.tariff_cents,
    )  # fmt: skip


def tariff_holds(service: Service, *, unit: int) -> bool:
    """TR346: amount = volume x tariff where a tariff is given and the unit is not euros.

    Minutes may carry an hour tariff (x volume / 60) or a tariff per minute that was rounded: half a cent per minute of play.
    """
    if service.tariff_cents is None or unit == UNIT_EURO:
        return True
    product = service.volume * service.tariff_cents
    if unit != UNIT_MINUTE:
        return product == service.cents
    play = max(1, service.volume)
    return 2 * abs(product - service.cents) <= play or 2 * abs(product - 60 * service.cents) <= 60 * play
