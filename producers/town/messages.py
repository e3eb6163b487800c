"""The town's iWmo and iJw 3.2 messages: 323 (declaratie), 301 (toewijzing), 325 (declaratie-antwoord), in the standard's form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from producers.town.evidence import GrantMessage
from producers.town.history import Line
from producers.town.people import Arrangement, Person
from producers.town.providers import TARIFFS, product_of
from schemas.values import Month

_CODES: Final = {
    ("wmo", "301"): 414, ("wmo", "323"): 484, ("wmo", "325"): 485, ("jw", "301"): 436, ("jw", "323"): 490, ("jw", "325"): 491,
}  # fmt: skip
_ACCEPTED_CODE, _REJECTED_CODE = "0200", "9307"
_PER_MONTH: Final = 4
"""Frequentie (WMO757) of a grant."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Who writes to whom: the law's short name (`wmo`, `jw`), provider and municipality."""

    law: str
    agb: str
    gemeente: int


def _message(
    ends: Ends, kind: str, *, number: str, day: dt.date, body: str, header: str = "", to_provider: bool = False
) -> str:
    m, b = f"{ends.law}{kind}", f"i{ends.law}"
    sender, receiver = ends.agb, f"{ends.gemeente:04d}"
    if to_provider:
        sender, receiver = receiver, sender
    space = f"http://www.istandaarden.nl/{b}/3_2"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{m}:Bericht xmlns:{b}="{space}/basisschema/schema" xmlns:{m}="{space}/{m}/schema">\n'
        f"<{m}:Header><{m}:BerichtCode>{_CODES[ends.law, kind]}</{m}:BerichtCode><{m}:BerichtVersie>3</{m}:BerichtVersie>"
        f"<{m}:BerichtSubversie>2</{m}:BerichtSubversie><{m}:Afzender>{sender}</{m}:Afzender><{m}:Ontvanger>{receiver}</{m}:Ontvanger>"
        f"<{m}:BerichtIdentificatie>{_identity(b, number, day)}</{m}:BerichtIdentificatie>"
        f"<{m}:XsdVersie>{_versions(b)}</{m}:XsdVersie>{header}</{m}:Header>\n{body}\n</{m}:Bericht>\n"
    )


def _identity(b: str, number: str, day: dt.date) -> str:
    return f"<{b}:Identificatie>{number}</{b}:Identificatie><{b}:Dagtekening>{day}</{b}:Dagtekening>"


def _versions(b: str) -> str:
    return (
        f"<{b}:BasisschemaXsdVersie>1.0.0</{b}:BasisschemaXsdVersie><{b}:BerichtXsdVersie>1.0.0</{b}:BerichtXsdVersie>"
    )


def _money(b: str, cents: int) -> str:
    return f"<{b}:TotaalBedrag>{abs(cents)}</{b}:TotaalBedrag><{b}:DebetCredit>{'C' if cents < 0 else 'D'}</{b}:DebetCredit>"


def _return(m: str, code: str) -> str:
    return f"<{m}:RetourCodes><{m}:RetourCode>{code}</{m}:RetourCode></{m}:RetourCodes>"


def _period(b: str, first: dt.date, last: dt.date) -> str:
    return f"<{b}:Begindatum>{first}</{b}:Begindatum><{b}:Einddatum>{last}</{b}:Einddatum>"


def _service(m: str, b: str, line: Line, *, codes: str = "") -> str:
    unit, tariff = TARIFFS[line.care]
    category = line.category or line.care.partition("-")[2]
    previous = f"<{b}:VorigReferentieNummer>{line.previous}</{b}:VorigReferentieNummer>" if line.previous else ""
    return (
        f"<{m}:Prestatie><{m}:ProductReferentie><{b}:ReferentieNummer>{line.reference}</{b}:ReferentieNummer>{previous}</{m}:ProductReferentie>"
        f"<{m}:ToewijzingNummer>{line.assignment}</{m}:ToewijzingNummer><{m}:ProductCategorie>{category}</{m}:ProductCategorie>"
        f"<{m}:ProductCode>{product_of(line.care)}</{m}:ProductCode><{m}:ProductPeriode>{_period(b, line.first, line.last)}</{m}:ProductPeriode>"
        f"<{m}:GeleverdVolume>{line.volume}</{m}:GeleverdVolume><{m}:Eenheid>{unit:02d}</{m}:Eenheid><{m}:ProductTarief>{tariff}</{m}:ProductTarief>"
        f"<{m}:IngediendBedrag><{b}:Bedrag>{line.cents}</{b}:Bedrag><{b}:DebetCredit>{'C' if line.credit else 'D'}</{b}:DebetCredit>"
        f"</{m}:IngediendBedrag>{codes}</{m}:Prestatie>"
    )


def _clients(m: str, b: str, lines: Iterable[Line], *, codes: str = "", client_codes: str = "") -> str:
    per_bsn: dict[str, list[str]] = {}
    for line in lines:
        per_bsn.setdefault(line.bsn, []).append(_service(m, b, line, codes=codes))
    clients = "\n".join(
        f"<{m}:Client><{m}:Bsn>{bsn}</{m}:Bsn><{m}:Prestaties>\n{chr(10).join(services)}\n</{m}:Prestaties>{client_codes}</{m}:Client>"
        for bsn, services in per_bsn.items()
    )
    return f"<{m}:Clienten>\n{clients}\n</{m}:Clienten>"


def total_cents(lines: Iterable[Line]) -> int:
    """Debits minus credits (TR358)."""
    return sum(-line.cents if line.credit else line.cents for line in lines)


def declaration(ends: Ends, lines: Sequence[Line], *, number: str, month: Month, total_wrong_by: int = 0) -> str:
    """A 323 of one declaration month. Credits stand before debits, so that what replaces a debit comes after its credit."""
    m, b = f"{ends.law}323", f"i{ends.law}"
    day = month.plus(1).first_day + dt.timedelta(days=4)
    ordered = sorted(lines, key=lambda line: (not line.credit, line.person.id, line.reference))
    body = (
        f"<{m}:Declaratie><{m}:DeclaratieNummer>{number}</{m}:DeclaratieNummer><{m}:DeclaratiePeriode>"
        f"{_period(b, month.first_day, month.last_day)}</{m}:DeclaratiePeriode>"
        f"<{m}:DeclaratieDagtekening>{day}</{m}:DeclaratieDagtekening>"
        f"<{m}:TotaalIngediendBedrag>{_money(b, total_cents(ordered) + total_wrong_by)}</{m}:TotaalIngediendBedrag>\n"
        f"{_clients(m, b, ordered)}</{m}:Declaratie>"
    )
    return _message(ends, "323", number=number, day=day, body=body)


def answer(ends: Ends, rejected: Sequence[Line], *, number: str, declared: str, month: Month, total: int) -> str:
    """A 325 to declaration `declared` of `month` (total in cents): all granted but the lines `rejected`."""
    m, b = f"{ends.law}325", f"i{ends.law}"
    sent_on = month.plus(1).first_day + dt.timedelta(days=4)
    day = sent_on + dt.timedelta(days=7)
    good, bad = _return(m, _ACCEPTED_CODE), _return(m, _REJECTED_CODE)
    header = (
        f"<{m}:DeclaratieIdentificatie>{_identity(b, declared, sent_on)}</{m}:DeclaratieIdentificatie><{m}:XsltVersie>1.0.0</{m}:XsltVersie>"
        f"<{m}:XsdVersieDeclaratie>{_versions(b)}</{m}:XsdVersieDeclaratie>{good}"
    )
    body = (
        f"<{m}:DeclaratieAntwoord><{m}:DeclaratieNummer>{declared}</{m}:DeclaratieNummer>"
        f"<{m}:TotaalIngediendBedrag>{_money(b, total)}</{m}:TotaalIngediendBedrag>"
        f"<{m}:TotaalToegekendBedrag>{_money(b, total - total_cents(rejected))}</{m}:TotaalToegekendBedrag>\n"
        f"{_clients(m, b, rejected, codes=bad, client_codes=good)}{good}</{m}:DeclaratieAntwoord>"
    )
    return _message(ends, "325", number=number, day=day, header=header, body=body, to_provider=True)


def assignment(ends: Ends, grant: GrantMessage, *, number: str, first_days: Sequence[dt.date]) -> str:
    """A 301 for one client; `first_days` belong to its grants. A stay address (03) places nobody."""
    m, b, home = f"{ends.law}301", f"i{ends.law}", grant.home
    letter = f"<{b}:Huisletter>{home.suffix}</{b}:Huisletter>" if home.suffix else ""
    products = "".join(
        _granted(m, b, a, signed=grant.signed_on, first=f) for a, f in zip(grant.grants, first_days, strict=True)
    )
    body = (
        f"<{m}:Client>{_person(m, b, grant.person)}<{m}:Contactgegevens><{m}:Contact><{m}:Soort>{'01' if grant.brp else '03'}</{m}:Soort>"
        f"<{m}:Adres><{b}:Huis><{b}:Huisnummer>{home.number}</{b}:Huisnummer>{letter}</{b}:Huis><{b}:Postcode>{home.postcode}</{b}:Postcode></{m}:Adres>"
        f"</{m}:Contact></{m}:Contactgegevens><{m}:ToegewezenProducten>{products}</{m}:ToegewezenProducten></{m}:Client>"
    )
    return _message(ends, "301", number=number, day=grant.signed_on, body=body, to_provider=True)


def _person(m: str, b: str, person: Person) -> str:
    return (
        f"<{m}:Bsn>{person.bsn}</{m}:Bsn><{m}:Geboortedatum><{b}:Datum>{person.born}</{b}:Datum></{m}:Geboortedatum>"
        f"<{m}:Geslacht>{1 + person.id % 2}</{m}:Geslacht><{m}:Naam><{b}:Geslachtsnaam><{b}:Achternaam>Verzonnen</{b}:Achternaam>"
        f"</{b}:Geslachtsnaam><{b}:NaamGebruik>1</{b}:NaamGebruik></{m}:Naam>"
    )


def _granted(m: str, b: str, care: Arrangement, *, signed: dt.date, first: dt.date) -> str:
    unit, tariff = TARIFFS[care.care]
    return (
        f"<{m}:ToegewezenProduct><{m}:ToewijzingNummer>{care.assignment}</{m}:ToewijzingNummer><{m}:Product>"
        f"<{b}:Categorie>{care.care.partition('-')[2]}</{b}:Categorie><{b}:Code>{product_of(care.care)}</{b}:Code></{m}:Product>"
        f"<{m}:Toewijzingsdatum>{signed}</{m}:Toewijzingsdatum><{m}:Toewijzingstijd>10:30:00</{m}:Toewijzingstijd>"
        f"<{m}:Ingangsdatum>{first}</{m}:Ingangsdatum><{m}:Omvang><{b}:Volume>{max(1, round(care.cents / tariff))}</{b}:Volume>"
        f"<{b}:Eenheid>{unit:02d}</{b}:Eenheid><{b}:Frequentie>{_PER_MONTH}</{b}:Frequentie></{m}:Omvang></{m}:ToegewezenProduct>"
    )
