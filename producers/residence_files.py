"""What a municipality sends besides mandates: its residence file, and who belongs together. The same outbox as a provider's.

`residences.csv`: BSN;van;tot;postcode;huisnummer;toevoeging;geheim, the whole list of each person named; a column `geboren`
(JJJJ-MM) may stand beside them: without it youth care counts as private at any age.
`links.csv`: BSN;bij BSN;van;tot. A wrong line is named by file and line, never by its BSN.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from producers.packing import Packed, Subjects, content_of, identity_of
from schemas.errors import Refused, SettingsWrong
from schemas.secrets import Bsn, HandleKey
from schemas.values import Address, Month, day_number

PERSONS_PER_ENVELOPE: Final = 500


def _lines(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, delimiter=";")
            missing = [c for c in columns if c not in (reader.fieldnames or [])]
            if missing:
                msg = f"{path.name} lacks the column {missing[0]}; columns are separated by semicolons."
                raise SettingsWrong(msg)
            for number, row in enumerate(reader, start=2):
                if any(row[c] is None for c in columns):
                    msg = f"{path.name} line {number} ends before its last column; a line that was cut may have lost its `ja`."
                    raise SettingsWrong(msg)
                yield number, row
    except (OSError, UnicodeDecodeError, csv.Error) as broken:
        msg = f"{path} can't be read as UTF-8 text with semicolons."
        raise SettingsWrong(msg) from broken


def _day(text: str) -> int | None:
    return day_number(dt.date.fromisoformat(text)) if text else None


def _born(row: dict[str, str]) -> Month | None:
    text = (row.get("geboren") or "").strip()
    return Month.parse(text) if text else None


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
                    msg = f"{path.name} line {number}: {wrong if isinstance(wrong, Refused) else 'a date is JJJJ-MM-DD, geboren is JJJJ-MM.'}"
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
        "subject": subjects.index(Bsn(row["BSN"]), born=_born(row)), "from_day": _day(row["van"]) or 0,
        "until_day": _day(row["tot"]), "address": address, "secret": hidden,
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
