"""The town's iWmo and iJw 3.2 messages: 323 (declaratie), 301 (toewijzing), 325 (declaratie-antwoord), in the standard's form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from producers.town.geography import Home
from producers.town.history import Fault, Line, Sent
from producers.town.people import Arrangement, Person
from producers.town.providers import TARIFFS
from schemas.care import CARE_TYPE_BY_CODE, Stream
from schemas.values import Month

_CODES: Final = {("wmo", "301"): 414, ("wmo", "323"): 484, ("wmo", "325"): 485, ("jw", "301"): 436, ("jw", "323"): 490, ("jw", "325"): 491}
_WRONG_BSN: Final = "999900007"


@dataclass(frozen=True, slots=True)
class Ends:
    """Who writes to whom: the law's short name (`wmo`, `jw`), provider and municipality."""

    law: str
    agb: str
    gemeente: int


def law_of(stream: Stream) -> str:
    """`wmo` or `jw`."""
    return "wmo" if stream is Stream.WMO else "jw"


def _envelope(ends: Ends, kind: str, *, identification: str, day: dt.date, header: str, body: str, to_provider: bool) -> str:
    m, b = f"{ends.law}{kind}", f"i{ends.law}"
    provider, gemeente = ends.agb, f"{ends.gemeente:04d}"
    sender, receiver = (gemeente, provider) if to_provider else (provider, gemeente)
    space = f"http://www.istandaarden.nl/{b}/3_2"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{m}:Bericht xmlns:{b}="{space}/basisschema/schema" xmlns:{m}="{space}/{m}/schema">'
        f"<{m}:Header><{m}:BerichtCode>{_CODES[ends.law, kind]}</{m}:BerichtCode><{m}:BerichtVersie>3</{m}:BerichtVersie>"
        f"<{m}:BerichtSubversie>2</{m}:BerichtSubversie><{m}:Afzender>{sender}</{m}:Afzender><{m}:Ontvanger>{receiver}</{m}:Ontvanger>"
        f"<{m}:BerichtIdentificatie><{b}:Identificatie>{identification}</{b}:Identificatie><{b}:Dagtekening>{day}</{b}:Dagtekening>"
        f"</{m}:BerichtIdentificatie><{m}:XsdVersie><{b}:BasisschemaXsdVersie>1.0.0</{b}:BasisschemaXsdVersie>"
        f"<{b}:BerichtXsdVersie>1.0.0</{b}:BerichtXsdVersie></{m}:XsdVersie>{header}</{m}:Header>\n{body}</{m}:Bericht>\n"
    )


def product_of(care: str) -> tuple[str, str]:
    """Category and product code of a care type that is declared by message."""
    category = care.partition("-")[2]
    return category, f"{category}A01"


def _service(m: str, b: str, sent: Sent, *, codes: str = "") -> tuple[str, int]:
    """One Prestatie and its signed amount in cents."""
    line = sent.line
    unit, tariff = TARIFFS[line.care]
    volume, cents, previous = line.volume, line.cents, ""
    if sent.fault is Fault.REFERENCE_AGAIN:
        volume, cents = line.volume + 1, (line.volume + 1) * tariff
    if sent.fault is Fault.TARIFF:
        cents += 777
    if sent.credit:
        named = "NOOIT1" if sent.fault is Fault.CREDIT_OF_NOTHING else line.reference
        previous = f"<{b}:VorigReferentieNummer>{named}</{b}:VorigReferentieNummer>"
    category, product = product_of(line.care)
    text = (
        f"<{m}:Prestatie><{m}:ProductReferentie><{b}:ReferentieNummer>{sent.reference}</{b}:ReferentieNummer>{previous}</{m}:ProductReferentie>"
        f"<{m}:ToewijzingNummer>{line.arrangement.assignment}</{m}:ToewijzingNummer><{m}:ProductCategorie>{category}</{m}:ProductCategorie>"
        f"<{m}:ProductCode>{product}</{m}:ProductCode><{m}:ProductPeriode><{b}:Begindatum>{line.first_day}</{b}:Begindatum>"
        f"<{b}:Einddatum>{line.last_day}</{b}:Einddatum></{m}:ProductPeriode><{m}:GeleverdVolume>{volume}</{m}:GeleverdVolume>"
        f"<{m}:Eenheid>{unit:02d}</{m}:Eenheid><{m}:ProductTarief>{tariff}</{m}:ProductTarief><{m}:IngediendBedrag><{b}:Bedrag>{cents}</{b}:Bedrag>"
        f"<{b}:DebetCredit>{'C' if sent.credit else 'D'}</{b}:DebetCredit></{m}:IngediendBedrag>{codes}</{m}:Prestatie>"
    )
    return text, -cents if sent.credit else cents


def _clients(m: str, b: str, sent: Iterable[Sent], *, codes: str = "", after: str = "") -> tuple[str, int]:
    """All Clienten, services grouped per BSN, and their total in cents."""
    per_bsn: dict[str, list[str]] = {}
    total = 0
    for one in sent:
        text, cents = _service(m, b, one, codes=codes)
        bsn = _WRONG_BSN if one.fault is Fault.BSN else one.line.person.bsn
        per_bsn.setdefault(bsn, []).append(text)
        total += cents
    clients = "\n".join(
        f"<{m}:Client><{m}:Bsn>{bsn}</{m}:Bsn><{m}:Prestaties>{''.join(texts)}</{m}:Prestaties>{after}</{m}:Client>"
        for bsn, texts in per_bsn.items()
    )
    return f"<{m}:Clienten>{clients}</{m}:Clienten>", total


def _money(b: str, cents: int) -> str:
    return f"<{b}:TotaalBedrag>{abs(cents)}</{b}:TotaalBedrag><{b}:DebetCredit>{'C' if cents < 0 else 'D'}</{b}:DebetCredit>"


def declaration(ends: Ends, sent: Sequence[Sent], *, number: str, month: Month) -> str:
    """A 323 for one declaration month."""
    m, b = f"{ends.law}323", f"i{ends.law}"
    day = month.plus(1).first_day + dt.timedelta(days=4)
    clients, total = _clients(m, b, sent)
    body = (
        f"<{m}:Declaratie><{m}:DeclaratieNummer>{number}</{m}:DeclaratieNummer><{m}:DeclaratiePeriode>"
        f"<{b}:Begindatum>{month.first_day}</{b}:Begindatum><{b}:Einddatum>{month.last_day}</{b}:Einddatum></{m}:DeclaratiePeriode>"
        f"<{m}:DeclaratieDagtekening>{day}</{m}:DeclaratieDagtekening><{m}:TotaalIngediendBedrag>{_money(b, total)}</{m}:TotaalIngediendBedrag>"
        f"{clients}</{m}:Declaratie>"
    )
    return _envelope(ends, "323", identification=number, day=day, header="", body=body, to_provider=False)


def answer(ends: Ends, lines: Sequence[Line], *, number: str, month: Month) -> str:
    """A 325 that rejects these lines (return code 9307)."""
    m, b = f"{ends.law}325", f"i{ends.law}"
    day = month.plus(1).first_day + dt.timedelta(days=8)
    good = f"<{m}:RetourCodes><{m}:RetourCode>0200</{m}:RetourCode></{m}:RetourCodes>"
    bad = f"<{m}:RetourCodes><{m}:RetourCode>9307</{m}:RetourCode></{m}:RetourCodes>"
    versions = f"<{b}:BasisschemaXsdVersie>1.0.0</{b}:BasisschemaXsdVersie><{b}:BerichtXsdVersie>1.0.0</{b}:BerichtXsdVersie>"
    header = (
        f"<{m}:DeclaratieIdentificatie><{b}:Identificatie>{number}</{b}:Identificatie><{b}:Dagtekening>{day}</{b}:Dagtekening>"
        f"</{m}:DeclaratieIdentificatie><{m}:XsltVersie>1.0.0</{m}:XsltVersie><{m}:XsdVersieDeclaratie>{versions}</{m}:XsdVersieDeclaratie>{good}"
    )
    clients, total = _clients(m, b, [Sent(line, reference=line.reference) for line in lines], codes=bad, after=good)
    body = (
        f"<{m}:DeclaratieAntwoord><{m}:DeclaratieNummer>{number}</{m}:DeclaratieNummer><{m}:TotaalIngediendBedrag>{_money(b, total)}"
        f"</{m}:TotaalIngediendBedrag><{m}:TotaalToegekendBedrag>{_money(b, 0)}</{m}:TotaalToegekendBedrag>{clients}{good}</{m}:DeclaratieAntwoord>"
    )
    return _envelope(ends, "325", identification=number, day=day, header=header, body=body, to_provider=True)


def grant(ends: Ends, person: Person, given: Sequence[Arrangement], *, number: str, month: Month, home: Home | None) -> str:
    """A 301 for one client, with the BRP address where `home` is given."""
    m, b = f"{ends.law}301", f"i{ends.law}"
    day = month.first_day
    address = ""
    if home is not None:
        address = (
            f"<{m}:Contactgegevens><{m}:Contact><{m}:Soort>01</{m}:Soort><{m}:Adres><{b}:Huis><{b}:Huisnummer>{home.number}</{b}:Huisnummer>"
            f"</{b}:Huis><{b}:Postcode>{home.postcode}</{b}:Postcode></{m}:Adres></{m}:Contact></{m}:Contactgegevens>"
        )
    products = "".join(_granted(m, b, a, day) for a in given)
    body = (
        f"<{m}:Client><{m}:Bsn>{person.bsn}</{m}:Bsn><{m}:Geboortedatum><{b}:Datum>{'2012' if person.youth else '1961'}-05-04</{b}:Datum>"
        f"</{m}:Geboortedatum><{m}:Geslacht>{1 + person.id % 2}</{m}:Geslacht><{m}:Naam><{b}:Geslachtsnaam><{b}:Achternaam>Verzonnen</{b}:Achternaam>"
        f"</{b}:Geslachtsnaam><{b}:NaamGebruik>1</{b}:NaamGebruik></{m}:Naam>{address}<{m}:ToegewezenProducten>{products}"
        f"</{m}:ToegewezenProducten></{m}:Client>"
    )
    return _envelope(ends, "301", identification=number, day=day, header="", body=body, to_provider=True)


def _granted(m: str, b: str, arrangement: Arrangement, day: dt.date) -> str:
    category, product = product_of(arrangement.care)
    unit, tariff = TARIFFS[arrangement.care]
    volume = max(1, arrangement.cents // tariff)
    return (
        f"<{m}:ToegewezenProduct><{m}:ToewijzingNummer>{arrangement.assignment}</{m}:ToewijzingNummer><{m}:Product><{b}:Categorie>{category}</{b}:Categorie>"
        f"<{b}:Code>{product}</{b}:Code></{m}:Product><{m}:Toewijzingsdatum>{day}</{m}:Toewijzingsdatum><{m}:Toewijzingstijd>10:30:00</{m}:Toewijzingstijd>"
        f"<{m}:Ingangsdatum>{day}</{m}:Ingangsdatum><{m}:Omvang><{b}:Volume>{volume}</{b}:Volume><{b}:Eenheid>{unit:02d}</{b}:Eenheid>"
        f"<{b}:Frequentie>4</{b}:Frequentie></{m}:Omvang></{m}:ToegewezenProduct>"
    )


def group_of(care: str) -> str:
    """`wmo` or `jw` of a care type code."""
    return law_of(CARE_TYPE_BY_CODE[care].stream)
