"""What an opened identity part says of where its subjects live. Raises nothing: what can't be used is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from schemas.errors import Refused
from schemas.secrets import AddressKey
from schemas.values import Address, Month
from streams.address_book import AddressBook
from streams.intake import Dated, Link, Residence, address_hash, secret_spot, spot_at, unknown_spot

_FIRST_BIRTH: Final = Month(1900, 1).index
_LAST_BIRTH: Final = Month(2999, 12).index


@dataclass(frozen=True, slots=True)
class Evidence:
    """An identity part with the person id of each subject (those refused are not used)."""

    identity: dict[str, Any]
    persons: list[bytes]
    refusals: dict[int, str]

    def person(self, index: int) -> bytes | None:
        """Person of a subject, or None where it was refused or is absent."""
        return self.persons[index] if 0 <= index < len(self.persons) and index not in self.refusals else None


def _address(fields: dict[str, Any] | None) -> Address | None:
    if fields is None:
        return None
    try:
        return Address(fields["postcode"], fields["number"], fields["suffix"])
    except Refused:
        return None


def dated_of(known: Evidence, *, book: AddressBook, secret: AddressKey) -> list[tuple[bytes, Dated]]:
    """(person, dated address) of each subject that has one in a register."""
    found = []
    for index, subject in enumerate(known.identity["subjects"]):
        if subject["address"] is None or subject["as_of"] is None:
            continue
        person, address = known.person(index), _address(subject["address"])
        location = book.locate(address) if address else None
        if person is not None and address is not None and location is not None:
            hashed = address_hash(secret, address)
            found.append(
                (person, Dated(subject["as_of"], hashed, spot_at(person=person, address=hashed, location=location)))
            )
    return found


def births_of(known: Evidence) -> dict[bytes, int]:
    """Person -> month index of birth, of subjects that name one; the earlier where two differ."""
    found: dict[bytes, int] = {}
    for index, subject in enumerate(known.identity["subjects"]):
        person, born = known.person(index), subject["born"]
        if person is not None and born is not None and _FIRST_BIRTH <= born <= _LAST_BIRTH:
            found[person] = min(born, found.get(person, born))
    return found


def residences_of(
    known: Evidence, *, book: AddressBook, secret: AddressKey, gemeente: int
) -> dict[bytes, list[Residence]]:
    """Person -> whole list of stays a residence file names; an address in no register unplaces from its day."""
    found: dict[bytes, list[Residence]] = {}
    for stay in known.identity["residences"]:
        person = known.person(stay["subject"])
        if person is None:
            continue
        stays = found.setdefault(person, [])
        if stay["secret"]:
            stays.append(Residence(stay["from_day"], stay["until_day"], secret_spot(person, gemeente)))
            continue
        address = _address(stay["address"])
        location = book.locate(address) if address else None
        spot = unknown_spot(person)
        if address is not None and location is not None:
            spot = spot_at(person=person, address=address_hash(secret, address), location=location)
        stays.append(Residence(stay["from_day"], stay["until_day"], spot))
    return found


def links_of(known: Evidence) -> list[tuple[bytes, Link]]:
    """(person, link) of each link between two accepted subjects."""
    found = []
    for link in known.identity["links"]:
        person, other = known.person(link["subject"]), known.person(link["to_subject"])
        if person is not None and other is not None and person != other:
            found.append((person, Link(other, link["from_day"], link["until_day"])))
    return found
