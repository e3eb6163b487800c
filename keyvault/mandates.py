"""What a mandate is to the vault, and whether it opens anything today.

The vault knows a mandate by its handle and a person id; it knows no name, no BSN and nothing of what was delivered.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Final

from schemas.errors import Refused
from schemas.mandate_rules import MandateRules, kind_of_reader
from schemas.values import day_number

_ID_BYTES: Final = 16
_PRINCIPAL: Final = re.compile(r"[a-z0-9-]{1,60}")
_LONGEST_CODE: Final = 200


@dataclass(frozen=True, slots=True)
class Mandate:
    """A mandate as `mandates.v1` and withdrawals at the vault left it. `given` is False once it was withdrawn, by either way.

    `revision` is one more after each change; `grantor` the principal of who signed it.

    Raises `Refused` (`unreadable`) for what no mandate can be.
    """

    handle: bytes = field(repr=False)
    person: bytes = field(repr=False)
    municipality: int
    reader: str
    purpose: str
    ground: str
    valid_from: dt.date
    valid_until: dt.date
    given: bool
    revision: int
    grantor: str

    def __post_init__(self) -> None:
        """Check the shape of every field."""
        codes_hold = all(len(c) <= _LONGEST_CODE and (c.isprintable() or not c) for c in (self.purpose, self.ground))
        ids_hold = len(self.handle) == len(self.person) == _ID_BYTES
        if not (
            codes_hold
            and ids_hold
            and 0 < self.municipality < 10_000
            and _PRINCIPAL.fullmatch(self.reader)
            and _PRINCIPAL.fullmatch(self.grantor)
        ):
            raise Refused("unreadable", "A field of the mandate is not what a mandate has there.")

    @property
    def gemeente(self) -> str:
        """Principal of the municipality that gave it."""
        return gemeente_of(self.municipality)


def gemeente_of(municipality: int) -> str:
    """Principal of a gemeente: `gm9901`."""
    return f"gm{municipality:04d}"


def check_in_force(mandate: Mandate | None, *, reader: str, today: dt.date, rules: MandateRules) -> None:
    """Raise `Refused` (`no-mandate`, `withdrawn`, `expired`, `purpose`, `mandate-period`) unless this reader may look today.

    Another reader's mandate and no mandate at all are told apart by nobody.
    """
    if mandate is None or mandate.reader != reader:
        raise Refused("no-mandate", "There is no mandate of yours with this handle.")
    if not mandate.given:
        raise Refused("withdrawn", "This mandate was withdrawn.")
    if not mandate.valid_from <= today <= mandate.valid_until:
        raise Refused("expired", "This mandate is not in force today; ask the municipality for a new one.")
    kind = kind_of_reader(reader, gemeente=mandate.gemeente)
    if kind is None:
        raise Refused("no-mandate", "There is no mandate of yours with this handle.")
    rules.check(mandate.purpose, first=day_number(mandate.valid_from), last=day_number(mandate.valid_until), kind=kind)
