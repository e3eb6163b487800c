"""iWmo and iJw release 3.2 as far as we read them: which messages there are, their codes and namespaces, fields and their forms.

Our own short rules for the forms that matter; the standard's XSDs are not shipped. Knows no files and no provider.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NoReturn

from producers.deliveries import Format
from producers.findings import NOWHERE, Finding, Severity, Where
from schemas.care import CARE_TYPE_BY_CODE, CareType, Stream
from schemas.errors import Refused, ZorgstroomError
from schemas.secrets import Bsn


class FileRefused(ZorgstroomError):  # noqa: N818 - named for what happened, as all families here
    """Nothing of this file can be used; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        """`finding` is of severity MESSAGE."""
        super().__init__(finding.text(lang="en"))
        self.finding = finding


def refuse_file(code: str, remedy_nl: str, remedy_en: str, *, where: Where = NOWHERE) -> NoReturn:
    """Raise `FileRefused` with a finding for the whole message."""
    raise FileRefused(Finding(code, Severity.MESSAGE, where, remedy_nl, remedy_en))


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message of the standard."""

    format: Format
    law: Stream
    code: str
    name: str
    from_provider: bool

    @property
    def namespace(self) -> str:
        """Namespace of its root element."""
        return f"http://www.istandaarden.nl/{_STANDARD[self.law]}/3_2/{self.name}/schema"


_STANDARD: Final = {Stream.WMO: "iwmo", Stream.JEUGDWET: "ijw"}

MESSAGES: Final = (
    Message(Format.MESSAGE_323, Stream.WMO, "484", "wmo323", from_provider=True),
    Message(Format.MESSAGE_323, Stream.JEUGDWET, "490", "jw323", from_provider=True),
    Message(Format.MESSAGE_301, Stream.WMO, "414", "wmo301", from_provider=False),
    Message(Format.MESSAGE_301, Stream.JEUGDWET, "436", "jw301", from_provider=False),
    Message(Format.MESSAGE_325, Stream.WMO, "485", "wmo325", from_provider=False),
    Message(Format.MESSAGE_325, Stream.JEUGDWET, "491", "jw325", from_provider=False),
)
MESSAGE_BY_NAMESPACE: Final = {m.namespace: m for m in MESSAGES}


@dataclass(frozen=True, slots=True)
class Header:
    """Of a message: who sent it to whom (AGB or gemeente code) and its Dagtekening."""

    sender: str
    receiver: str
    signed_on: dt.date

    @property
    def gemeente(self) -> int:
        """Number of the municipality on either end."""
        return int(self.sender if len(self.sender) == 4 else self.receiver)


def read_header(fields: dict[str, str], message: Message, *, where: Where) -> Header:
    """Check version, message code and the shapes of both ends. Raises `FileRefused`."""
    if (fields.get("BerichtVersie"), fields.get("BerichtSubversie")) != ("3", "2"):
        refuse_file(
            "message-version",
            "Lever het bericht aan in release 3.2.",
            "Deliver the message in release 3.2.",
            where=where,
        )
    if fields.get("BerichtCode") != message.code:
        refuse_file("message-code", f"Bij dit bericht hoort berichtcode {message.code}.",
                    f"This message has code {message.code}.", where=where)  # fmt: skip
    provider, gemeente = (r"\d{8}", r"\d{4}")
    shapes = (provider, gemeente) if message.from_provider else (gemeente, provider)
    ends = (fields.get("Afzender", ""), fields.get("Ontvanger", ""))
    for name, text, shape in zip(("Afzender", "Ontvanger"), ends, shapes, strict=True):
        if re.fullmatch(shape, text, re.ASCII) is None:
            missing(name, where=where)
    return Header(*ends, signed_on=day(fields, "Dagtekening", where=where))


def missing(name: str, *, where: Where) -> NoReturn:
    """Refuse the message because the field `name` is absent or malformed."""
    refuse_file("xml-shape", f"Het gaat om {name}. Maak het bericht opnieuw aan in uw administratie.",
                f"It is {name}. Make the message again in your administration.", where=where)  # fmt: skip


def text(fields: dict[str, str], name: str, *, most: int, where: Where) -> str:
    """The text of a required field of at most `most` characters. Raises `FileRefused`."""
    found = fields.get(name, "")
    if not 0 < len(found) <= most:
        missing(name, where=where)
    return found


def whole(fields: dict[str, str], name: str, *, where: Where, most: int = 99_999_999) -> int:
    """The number of a required field, 0..`most`. Raises `FileRefused`."""
    found = fields.get(name, "")
    if not (found.isascii() and found.isdigit() and len(found) <= 12) or int(found) > most:
        missing(name, where=where)
    return int(found)


def day(fields: dict[str, str], name: str, *, where: Where) -> dt.date:
    """The day of a required field. Raises `FileRefused`."""
    found = _day(fields.get(name, ""))
    if found is None:
        missing(name, where=where)
    return found


@lru_cache(maxsize=4096)
def _day(written: str) -> dt.date | None:
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", written, re.ASCII) is None:
        return None
    try:
        return dt.date.fromisoformat(written)
    except ValueError:
        return None


def care_type_of(law: Stream, category: str) -> CareType:
    """The care type of a ProductCategorie (two digits). Raises `Refused` (`category`)."""
    found = CARE_TYPE_BY_CODE.get(f"{'wmo' if law is Stream.WMO else 'jw'}-{category}")
    if found is None or len(category) != 2 or not category.isdigit():
        raise Refused("category", "Unknown product category.")
    return found


def unit_of(code: str) -> int:
    """The number of a unit (WJ756, two digits). Raises `Refused` (`unit`)."""
    if code not in _UNITS:
        raise Refused("unit", "Unknown unit.")
    return _UNITS[code]


_UNITS: Final = {f"{n:02d}": n for n in (1, 4, 14, 16, 82, 83, 84)}


def bsn_of(fields: dict[str, str], *, where: Where) -> Bsn | Refused:
    """The BSN of a client, or the refusal with which each of its lines is refused. Raises `FileRefused` when absent."""
    if not fields.get("Bsn"):
        missing("Bsn", where=where)
    try:
        return Bsn(fields["Bsn"])
    except Refused as refused:
        return refused


REMEDIES: Final[dict[str, tuple[str, str]]] = {
    "0001": ("Herstel het totaalbedrag of de regels.", "Correct the total or the lines."),
    "8017": ("Noem bij een creditregel het referentienummer van de debetregel die u eerder stuurde.", "A credit names the reference of the debit you sent before."),
    "8021": ("Geef elke regel een eigen referentienummer.", "Give every line a reference of its own."),
    "9319": ("Declareer deze periode in een latere maand.", "Declare this period in a later month."),
    "9346": ("Reken het bedrag na: volume maal tarief.", "Check the amount: volume times tariff."),
    "9389": ("Stuur eerst een creditregel voor de debetregel die er al staat.", "First send a credit for the debit that stands."),
    "9390": ("Laat deze creditregel weg.", "Leave this credit out."),
    "bsn": ("Zoek het juiste BSN op in uw administratie.", "Look up the right BSN in your administration."),
    "address": ("Vul de postcode en het huisnummer aan.", "Complete postcode and house number."),
    "category": ("Gebruik een productcategorie uit de codelijst.", "Use a product category of the code list."),
    "unit": ("Gebruik een eenheid uit codelijst WJ756: 01, 04, 14, 16, 82, 83 of 84.", "Use a unit of WJ756: 01, 04, 14, 16, 82, 83 or 84."),
    "period": ("Verbeter de begindatum of de einddatum.", "Correct the first or the last day."),
    "future": ("Stuur deze regel zodra de zorg begonnen is.", "Send this line once the care has begun."),
    "too-old": ("Neem contact op met de gemeente als dit toch mee moet tellen.", "Ask the municipality if this should count after all."),
    "amount": ("Controleer het bedrag; een regel gaat van 0 tot 1.000.000 euro.", "Check the amount; one line goes from 0 to EUR 1,000,000."),
}  # fmt: skip


def line_finding(refused: Refused, where: Where) -> Finding:
    """The finding for one refused line; its remedy comes from the table above."""
    nl, en = REMEDIES.get(refused.code, ("Controleer deze regel.", "Check this line."))
    return Finding(refused.code, Severity.LINE, where, nl, en)
