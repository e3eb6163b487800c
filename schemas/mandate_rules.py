"""What a mandate may be for, how long it may hold and how many there may be: the same where one is given, booked and used.

The purposes are a closed list. A network may put its own list in the place of this one (`mandate_rules` of zone.json); it is never open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from schemas.errors import Refused, SettingsWrong

FAMILIES_DAYS: Final = 30
FEWEST_FAMILIES: Final = 10
EVERY_CLASS: Final = "every"
"""In `sees`: all classes there are."""

CASEWORKER: Final = "caseworker"
FAMILY: Final = "family"
_READER: Final = re.compile(r"(caseworker|family)-(gm\d{4})-([a-z0-9-]{1,40})")
_GRANTOR: Final = re.compile(r"grantor-(gm\d{4})-([a-z0-9-]{1,40})")

_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_GROUND: Final = re.compile(r"[a-z][a-z0-9.:-]{1,39}")
_MOST: Final = {
    "longest_days": 3_660,
    "live_share": 1,
    "looks_households": 100_000,
    "looks_days": 3_660,
    "families_share": 1,
}


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why someone may look. `ground`: the article it rests on where the grantor names none.

    `sees`: confidentiality classes of the mandate's own person that it opens besides what the household has in common;
    `reader`: who may have a mandate for it, a `caseworker` or the `family`.
    """

    code: str
    dutch: str
    english: str
    ground: str
    sees: tuple[str, ...] = ()
    reader: str = CASEWORKER

    def opens(self, section_class: str) -> bool:
        """Whether it opens this class of the mandate's own person."""
        return section_class in self.sees or EVERY_CLASS in self.sees

    @classmethod
    def of(cls, setting: Mapping[str, Any]) -> Purpose:
        """From a setting. Raises `TypeError` or `ValueError`."""
        fields: dict[str, Any] = {k: tuple(map(str, v)) if k == "sees" else str(v) for k, v in setting.items()}
        read = cls(**fields)
        if read.reader not in (CASEWORKER, FAMILY):
            msg = "reader is caseworker or family"
            raise ValueError(msg)
        return read


def kind_of_reader(principal: str, *, gemeente: str) -> str | None:
    """`caseworker` or `family` where a principal is a reader of this gemeente (`gm9901`), else None."""
    found = _READER.fullmatch(principal)
    return found[1] if found and found[2] == gemeente else None


def may_grant(grantor: str, *, reader: str, gemeente: str) -> bool:
    """Whether a principal is a grantor of this gemeente and not the reader under another name: `grantor-gm9901-anne`."""
    found, theirs = _GRANTOR.fullmatch(grantor), _READER.fullmatch(reader)
    return found is not None and found[1] == gemeente and not (theirs and theirs[3] == found[2])


PURPOSES: Final = (
    Purpose("coordination", "zorg en ondersteuning van een gezin op elkaar afstemmen", "coordinating a family's care", "wmo-2.3.2"),
    Purpose("assessment", "onderzoek na een melding of aanvraag", "assessment after a request for help", "wmo-2.3.2"),
    Purpose("evaluation", "nagaan of wat is toegewezen nog past", "reviewing whether what was granted still fits", "wmo-2.3.9"),
    Purpose("youth-help", "bepalen welke jeugdhulp nodig is", "deciding which youth help is needed", "jeugdwet-2.3", ("youth",)),
    Purpose("complaint", "een klacht of bezwaar behandelen", "handling a complaint or objection", "awb-7"),
    Purpose("own-file", "het eigen dossier lezen", "reading one's own file", "avg-15", (EVERY_CLASS,), "family"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MandateRules:
    """Rules of a network.

    `longest_days`: how many days a mandate may hold, its first and last included; `live_share`: of a municipality's households
    at most so large a part may be under live mandates; `looks_households` in `looks_days`: a reader looks at no more than so many
    different households in so many days; `families_share`: in 30 days at most so large a part, and ten at least, gets mandates for its own file.
    """

    purposes: tuple[Purpose, ...] = PURPOSES
    longest_days: int = 366
    live_share: float = 0.05
    looks_households: int = 60
    looks_days: int = 30
    families_share: float = 0.02

    def purpose(self, code: str) -> Purpose:
        """A purpose of the list. Raises `Refused` (`purpose`), naming what may be chosen."""
        for known in self.purposes:
            if known.code == code:
                return known
        codes = ", ".join(p.code for p in self.purposes)
        raise Refused(
            "purpose", f"This purpose is not on the list; choose one of: {codes}.",
            dutch=f"Dit doel staat niet op de lijst; kies een van: {codes}.",
        )  # fmt: skip

    def check(self, purpose: str, *, first: int, last: int, kind: str = CASEWORKER) -> None:
        """Raise `Refused` (`purpose`, `mandate-period`) for a mandate that may not be.

        `first`, `last`: day numbers; `kind`: of the reader, `caseworker` or `family`.
        """
        if self.purpose(purpose).reader != kind:
            raise Refused(
                "purpose", f"A mandate for this purpose is not for this reader ({kind}).",
                dutch="Een mandaat voor dit doel is niet voor deze lezer.",
            )  # fmt: skip
        if not 0 <= last - first < self.longest_days:
            raise Refused(
                "mandate-period", f"A mandate holds from one day up to a later one, at most {self.longest_days} days.",
                dutch=f"Een mandaat loopt van een dag tot een latere dag, hoogstens {self.longest_days} dagen.",
            )  # fmt: skip

    def check_ground(self, ground: str) -> None:
        """Raise `Refused` (`mandate-ground`) where the legal ground is no code: it stands in the log, and is no place for a story."""
        if _GROUND.fullmatch(ground) is None:
            raise Refused(
                "mandate-ground", "A legal ground is a short code such as wmo-2.3.2 or avg-15.",
                dutch="Een grondslag is een korte code zoals wmo-2.3.2 of avg-15.",
            )  # fmt: skip

    def most_live(self, households: int) -> int:
        """How many of a municipality's `households` may be under live mandates; one at least."""
        return max(1, int(households * self.live_share))

    def most_families(self, households: int) -> int:
        """For how many persons a municipality of so many `households` may give mandates for the own file in 30 days."""
        return max(FEWEST_FAMILIES, int(households * self.families_share))

    @classmethod
    def of(cls, setting: Mapping[str, Any] | None) -> MandateRules:
        """From the setting `mandate_rules`; what it does not name is as in this file. Raises `SettingsWrong`."""
        given = dict(setting or {})
        try:
            if "purposes" in given:
                given["purposes"] = tuple(Purpose.of(p) for p in given["purposes"])
            rules = cls(**given)
        except (AttributeError, TypeError, ValueError) as wrong:
            msg = "it has purposes (each with code, dutch, english and ground, perhaps sees and reader), longest_days, live_share, looks_households, looks_days and families_share"
            raise _wrong(msg) from wrong
        if any(_GROUND.fullmatch(p.ground) is None for p in rules.purposes):
            raise _wrong("the ground of a purpose is a short code such as wmo-2.3.2")
        codes = [p.code for p in rules.purposes]
        if not codes or len(set(codes)) < len(codes) or not all(_CODE.fullmatch(c) for c in codes):
            raise _wrong(
                "purposes have different codes of small letters, digits and hyphens, and there is one at least"
            )
        for name, most in _MOST.items():
            value = getattr(rules, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
                raise _wrong(f"{name} lies above 0 and not above {most}")
        return rules

    def as_setting(self) -> dict[str, Any]:
        """What `of` reads."""
        return asdict(self)


def _wrong(why: str) -> SettingsWrong:
    return SettingsWrong(f"The setting `mandate_rules` can't be used: {why}.")
