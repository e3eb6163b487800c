"""What a municipality sends besides: its residence file, who belongs together, and mandates. The same outbox as a provider's.

`residences.csv`: BSN;van;tot;postcode;huisnummer;toevoeging;geheim, the whole list of each person named.
`links.csv`: BSN;bij BSN;van;tot. A wrong line is named by file and line, never by its BSN.
"""

from __future__ import annotations

import csv
import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from producers.packing import Packed, Subjects, content_of, identity_of
from schemas.errors import Refused, SettingsWrong
from schemas.secrets import Bsn, HandleKey
from schemas.values import Address, MandateHandle, day_number

PERSONS_PER_ENVELOPE: Final = 500


@dataclass(frozen=True, slots=True)
class Mandate:
    """What a mandate says; `handle` is random and given to the reader."""

    reader: str
    purpose: str
    ground: str
    valid_from: dt.date
    valid_until: dt.date
    handle: MandateHandle

    @classmethod
    def fresh(cls, *, reader: str, purpose: str, ground: str, valid_from: dt.date, valid_until: dt.date) -> Mandate:
        """A mandate with a new random handle."""
        return cls(reader, purpose, ground, valid_from, valid_until, MandateHandle(secrets.token_bytes(16)))


def _lines(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, delimiter=";")
            missing = [c for c in columns if c not in (reader.fieldnames or [])]
            if missing:
                msg = f"{path.name} lacks the column {missing[0]}; columns are separated by semicolons."
                raise SettingsWrong(msg)
            yield from enumerate(reader, start=2)
    except (OSError, UnicodeDecodeError) as broken:
        msg = f"{path} can't be read as UTF-8 text."
        raise SettingsWrong(msg) from broken


def _day(text: str) -> int | None:
    return day_number(dt.date.fromisoformat(text)) if text else None


def read_residences(path: Path, secret: HandleKey) -> Iterator[Packed]:
    """Envelopes of a residence file. Raises `SettingsWrong`, naming file and line, before anything of it is sent."""
    people: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for number, row in _lines(path, ("BSN", "van", "tot", "postcode", "huisnummer", "toevoeging", "geheim")):
        people.setdefault(row["BSN"], []).append((number, row))
    names = list(people)
    packed = []
    for start in range(0, len(names), PERSONS_PER_ENVELOPE):
        subjects, stays = Subjects(secret), []
        for name in names[start : start + PERSONS_PER_ENVELOPE]:
            for number, row in people[name]:
                try:
                    stays.append(_stay(subjects, row))
                except (Refused, ValueError) as wrong:
                    msg = (
                        f"{path.name} line {number}: {wrong if isinstance(wrong, Refused) else 'a date is JJJJ-MM-DD.'}"
                    )
                    raise SettingsWrong(msg) from wrong
        packed.append(Packed(identity_of(subjects=subjects.rows, residences=stays), content_of(), len(stays)))
    yield from packed


def _stay(subjects: Subjects, row: dict[str, str]) -> dict[str, Any]:
    hidden = row["geheim"].strip().lower() == "ja"
    address = None
    if not hidden:
        found = Address.parse(row["postcode"], row["huisnummer"], row["toevoeging"])
        address = {"postcode": found.postcode, "number": found.number, "suffix": found.suffix}
    return {
        "subject": subjects.index(Bsn(row["BSN"])), "from_day": _day(row["van"]) or 0, "until_day": _day(row["tot"]),
        "address": address, "secret": hidden,
    }  # fmt: skip


def read_links(path: Path, secret: HandleKey) -> Iterator[Packed]:
    """Envelopes of a file of who belongs together. Raises `SettingsWrong` as `read_residences`."""
    rows = list(_lines(path, ("BSN", "bij BSN", "van", "tot")))
    packed = []
    for start in range(0, len(rows), PERSONS_PER_ENVELOPE):
        subjects, links = Subjects(secret), []
        for number, row in rows[start : start + PERSONS_PER_ENVELOPE]:
            try:
                links.append(
                    {"subject": subjects.index(Bsn(row["BSN"])), "to_subject": subjects.index(Bsn(row["bij BSN"])),
                     "from_day": _day(row["van"]) or 0, "until_day": _day(row["tot"])}
                )  # fmt: skip
            except (Refused, ValueError) as wrong:
                msg = f"{path.name} line {number}: {wrong if isinstance(wrong, Refused) else 'a date is JJJJ-MM-DD.'}"
                raise SettingsWrong(msg) from wrong
        packed.append(Packed(identity_of(subjects=subjects.rows, links=links), content_of(), len(links)))
    yield from packed


def pack_mandate(mandate: Mandate, bsn: str, secret: HandleKey) -> Packed:
    """The envelope that gives a mandate: who in the identity part, everything else in the content part.

    Raises `Refused` (`bsn`) without repeating the number.
    """
    subjects = Subjects(secret)
    given = {
        "subject": subjects.index(Bsn(bsn)), "handle": mandate.handle.raw, "reader": mandate.reader, "purpose": mandate.purpose,
        "ground": mandate.ground, "valid_from": day_number(mandate.valid_from), "valid_until": day_number(mandate.valid_until),
    }  # fmt: skip
    return Packed(identity_of(subjects=subjects.rows), content_of(mandates=[given]), 1)


def pack_mandate_withdrawal(handle: MandateHandle) -> Packed:
    """The envelope that withdraws a mandate by the road."""
    return Packed(identity_of(), content_of(mandates_withdrawn=[handle.raw]), 1)
