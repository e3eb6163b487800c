"""Which services one member of a household may keep from another, and from a caseworker: classes of confidentiality.

A table that a network may replace (`confidentiality` of zone.json). A service belongs to the first class whose care types name it;
a class with an age holds from the birthday on, and for everyone whose birth is not known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from schemas.care import CARE_TYPE_BY_CODE, CARE_TYPES, Stream
from schemas.errors import SettingsWrong

COMMON: Final = "common"
"""Not a class: the section of everything that belongs to none."""

_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")
_MOST_CLASSES: Final = 8
_GGZ: Final = tuple(t.code for t in CARE_TYPES.values() if t.ggz)
_SHELTER: Final = ("wmo-15", "wmo-16", "wmo-17", "wmo-18")
_YOUTH: Final = tuple(t.code for t in CARE_TYPES.values() if t.stream is Stream.JEUGDWET and not t.ggz)


@dataclass(frozen=True, slots=True)
class ConfidentialityClass:
    """Care types a member keeps private. `ground`: the law's article, empty where none is known; `from_age`: years, or None."""

    code: str
    dutch: str
    english: str
    care_types: tuple[str, ...]
    ground: str = ""
    from_age: int | None = None


CLASSES: Final = (
    ConfidentialityClass("ggz", "geestelijke gezondheidszorg", "mental health care", _GGZ, "bw-7:457"),
    ConfidentialityClass("shelter", "opvang en beschermd wonen", "shelter and sheltered housing", _SHELTER),
    ConfidentialityClass("youth", "jeugdhulp vanaf 12 jaar", "youth care from the age of 12", _YOUTH, "jeugdwet-7.3.11", 12),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Confidentiality:
    """The table of a network."""

    classes: tuple[ConfidentialityClass, ...] = CLASSES

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of all classes, in the table's order."""
        return tuple(c.code for c in self.classes)

    def class_of(self, care_type: int, *, born: int | None, month: int) -> str | None:
        """The class of a service, or None. `care_type`: id; `born`, `month`: month indexes of birth (None: unknown) and service.

        Someone reaches an age in the month of the birthday: a few days early rather than late.
        """
        code = CARE_TYPES[care_type].code
        for one in self.classes:
            if code in one.care_types:
                young = one.from_age is not None and born is not None and month < born + 12 * one.from_age
                return None if young else one.code
        return None

    @classmethod
    def of(cls, setting: Sequence[Any] | None) -> Confidentiality:
        """From the setting `confidentiality`: a list of classes; None is the table of this file. Raises `SettingsWrong`."""
        if setting is None:
            return cls()
        try:
            classes = tuple(ConfidentialityClass(**(dict(c) | {"care_types": tuple(c["care_types"])})) for c in setting)
        except (KeyError, TypeError, ValueError) as wrong:
            msg = "each class has code, dutch, english and care_types, and may have ground and from_age"
            raise _wrong(msg) from wrong
        codes = [c.code for c in classes]
        if len(set(codes)) < len(codes) or len(codes) > _MOST_CLASSES or not all(_named(c) for c in codes):
            raise _wrong(
                f"there are at most {_MOST_CLASSES} classes, with different codes of small letters, digits and hyphens"
            )
        if strangers := sorted({t for c in classes for t in c.care_types} - CARE_TYPE_BY_CODE.keys()):
            raise _wrong(f"{strangers[0]!r} is no care type")
        if any(c.from_age is not None and not (type(c.from_age) is int and 0 < c.from_age < 100) for c in classes):
            raise _wrong("from_age is a number of years, or left out")
        return cls(classes)

    def as_setting(self) -> list[dict[str, Any]]:
        """What `of` reads."""
        return [asdict(c) for c in self.classes]


def _named(code: object) -> bool:
    return isinstance(code, str) and code != COMMON and _CODE.fullmatch(code) is not None


def _wrong(why: str) -> SettingsWrong:
    return SettingsWrong(f"The setting `confidentiality` can't be used: {why}.")
