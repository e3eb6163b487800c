"""Laws, money streams, funding groups, care types and units: the closed tables every figure is grouped by.

Ids are part of the wire format: never reused, never changed. Product codes are free and are not here.
Sources: iWmo/iJw 3.2 code lists WMO020, JZ020, WJ756; the groups are those under which figures are published.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Stream(StrEnum):
    """Where the money comes from (`geldstroom`)."""

    WMO = "wmo"
    JEUGDWET = "jeugdwet"
    PARTICIPATIEWET = "participatiewet"
    ZVW = "zvw"
    WLZ = "wlz"


class Group(StrEnum):
    """Funding groups under which totals are published; `TOTAL` is the sum of the other four."""

    WMO = "wmo"
    JEUGDWET = "jeugdwet"
    PARTICIPATIEWET = "participatiewet"
    OVERIG = "overig"
    TOTAL = "total"


GROUP_OF_STREAM: Final = {
    Stream.WMO: Group.WMO, Stream.JEUGDWET: Group.JEUGDWET, Stream.PARTICIPATIEWET: Group.PARTICIPATIEWET,
    Stream.ZVW: Group.OVERIG, Stream.WLZ: Group.OVERIG,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CareType:
    """One kind of care. `published_as` is the finer code under which it may be published (None: only inside its group)."""

    id: int
    code: str
    stream: Stream
    label: str
    label_en: str
    published_as: str | None
    ggz: bool = False

    @property
    def group(self) -> Group:
        """The funding group this type is summed into."""
        return GROUP_OF_STREAM[self.stream]


def _wmo(number: int, label: str, label_en: str, published_as: str) -> CareType:
    return CareType(number, f"wmo-{number:02d}", Stream.WMO, label, label_en, published_as)


def _jw(number: int, label: str, label_en: str, published_as: str = "overige-jeugdhulp") -> CareType:
    return CareType(number, f"jw-{number}", Stream.JEUGDWET, label, label_en, published_as, ggz=number in (51, 52, 54))


_ALL = (
    _wmo(1, "Hulp bij het huishouden", "Household help", "huishouden"),
    _wmo(2, "Begeleiding", "Guidance", "begeleiding"),
    _wmo(3, "Persoonlijke verzorging", "Personal care", "begeleiding"),
    _wmo(4, "Kortdurend verblijf", "Short stay", "wonen-en-opvang"),
    _wmo(5, "Woondiensten", "Housing services", "wonen-en-opvang"),
    _wmo(6, "Overige ondersteuning", "Other support", "overige-wmo"),
    _wmo(7, "Dagbesteding", "Day activities", "dagbesteding"),
    _wmo(8, "Vervoerdiensten", "Transport services", "hulpmiddelen-en-vervoer"),
    _wmo(9, "Overige groepsgerichte ondersteuning", "Other group support", "dagbesteding"),
    _wmo(10, "Overige maatwerkarrangementen", "Other tailored arrangements", "overige-wmo"),
    _wmo(11, "Rolstoelen", "Wheelchairs", "hulpmiddelen-en-vervoer"),
    _wmo(12, "Vervoervoorzieningen", "Transport aids", "hulpmiddelen-en-vervoer"),
    _wmo(13, "Woonvoorzieningen", "Home adaptations", "hulpmiddelen-en-vervoer"),
    _wmo(14, "Overige hulpmiddelen", "Other aids", "hulpmiddelen-en-vervoer"),
    _wmo(15, "Beschermd wonen", "Sheltered housing", "wonen-en-opvang"),
    _wmo(16, "Opvang", "Shelter", "wonen-en-opvang"),
    _wmo(17, "Spoedopvang", "Emergency shelter", "wonen-en-opvang"),
    _wmo(18, "Overige beschermd wonen en opvang", "Other sheltered housing", "wonen-en-opvang"),
    _jw(31, "Jeugdhulp ambulant (oude indeling 31)", "Youth care, older category 31"),
    _jw(32, "Jeugdhulp (oude indeling 32)", "Youth care, older category 32"),
    _jw(33, "Jeugdhulp (oude indeling 33)", "Youth care, older category 33"),
    _jw(34, "Jeugdhulp (oude indeling 34)", "Youth care, older category 34"),
    _jw(35, "Jeugdhulp (oude indeling 35)", "Youth care, older category 35"),
    _jw(36, "Jeugdhulp (oude indeling 36)", "Youth care, older category 36"),
    _jw(37, "Jeugdhulp (oude indeling 37)", "Youth care, older category 37"),
    _jw(38, "Jeugdhulp (oude indeling 38)", "Youth care, older category 38"),
    _jw(40, "Jeugdhulp categorie 40", "Youth care category 40"),
    _jw(41, "Dagbehandeling", "Day treatment"),
    _jw(42, "Vervoer jeugd", "Youth transport"),
    _jw(43, "Verblijf met behandeling", "Stay with treatment", "verblijf"),
    _jw(44, "Verblijf zonder behandeling", "Stay without treatment", "verblijf"),
    _jw(45, "Jeugdhulp ambulant", "Outpatient youth care"),
    _jw(46, "Crisis", "Crisis care"),
    _jw(47, "Jeugdreclassering", "Youth probation", "bescherming-en-reclassering"),
    _jw(48, "Jeugdbescherming", "Youth protection", "bescherming-en-reclassering"),
    _jw(49, "Jeugdhulp categorie 49", "Youth care category 49"),
    _jw(50, "Maatwerkarrangementen jeugd", "Tailored youth arrangements"),
    _jw(51, "Jeugd-ggz ambulant", "Youth mental health, outpatient"),
    _jw(52, "Jeugd-ggz behandeling", "Youth mental health, treatment"),
    _jw(53, "Jeugdhulp categorie 53", "Youth care category 53"),
    _jw(54, "Jeugd-ggz specialistisch", "Youth mental health, specialist"),
    _jw(55, "Landelijk ingekochte jeugdhulp", "Nationally contracted youth care"),
    CareType(101, "pw-bijstand", Stream.PARTICIPATIEWET, "Bijstandsuitkering", "Social assistance", "inkomen"),
    CareType(102, "pw-bijzondere-bijstand", Stream.PARTICIPATIEWET, "Bijzondere bijstand", "Special assistance", "inkomen"),
    CareType(103, "pw-reintegratie", Stream.PARTICIPATIEWET, "Re-integratie", "Reintegration", "werk"),
    CareType(104, "pw-beschut-werk", Stream.PARTICIPATIEWET, "Beschut werk", "Sheltered work", "werk"),
    CareType(111, "zvw-wijkverpleging", Stream.ZVW, "Wijkverpleging", "District nursing", None),
    CareType(112, "zvw-eerstelijnsverblijf", Stream.ZVW, "Eerstelijnsverblijf", "Primary care stay", None),
    CareType(113, "zvw-ggz", Stream.ZVW, "Geneeskundige ggz", "Curative mental health care", None, ggz=True),
    CareType(114, "zvw-overig", Stream.ZVW, "Overige Zvw", "Other health insurance", None),
    CareType(121, "wlz-thuis", Stream.WLZ, "Wlz-zorg thuis", "Long-term care at home", None),
    CareType(122, "wlz-verblijf", Stream.WLZ, "Wlz-zorg met verblijf", "Long-term care with stay", None),
    CareType(123, "wlz-ggz", Stream.WLZ, "Wlz-ggz", "Long-term mental health care", None, ggz=True),
    CareType(131, "wmo-pgb", Stream.WMO, "Wmo, persoonsgebonden budget", "Wmo, personal budget", "overige-wmo"),
    CareType(132, "jw-pgb", Stream.JEUGDWET, "Jeugdhulp, persoonsgebonden budget", "Youth care, personal budget"
             , "overige-jeugdhulp"),
)  # fmt: skip

CARE_TYPES: Final = {t.id: t for t in _ALL}
CARE_TYPE_BY_CODE: Final = {t.code: t for t in _ALL}

UNITS: Final = {
    1: ("minuut", "minute"), 4: ("uur", "hour"), 14: ("etmaal", "24 hours"), 16: ("dagdeel", "half day"),
    82: ("stuks (output)", "pieces (output)"), 83: ("euro", "euro"), 84: ("stuks (inspanning)", "pieces (effort)"),
}  # fmt: skip
"""Unit number (WJ756) -> Dutch and English name. 0 on the wire means: no unit given."""

PER_DAY, PER_WEEK, PER_MONTH, PER_PERIOD = 1, 2, 4, 6
FREQUENCIES: Final = (0, PER_DAY, PER_WEEK, PER_MONTH, PER_PERIOD)
"""How often a grant's volume may be used (WMO757); 0 on the wire means: not given."""

UNIT_MINUTE, UNIT_HOUR, UNIT_EURO = 1, 4, 83
