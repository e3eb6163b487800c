"""Who delivers care in the invented municipalities: about 25 providers of all streams, some in both, one very large.

AGB codes 98000001-98000025 are serial numbers in a range we chose; whether the register ever gave one out was not looked up.
Nothing here reaches that register or a real network: who sends is admitted by name in an invented GM99xx municipality, and the
codes stand in this one table, to be changed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.care import CARE_TYPE_BY_CODE, Stream


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider: AGB code, name, what it delivers, for which municipalities, and its share of that care."""

    agb: str
    name: str
    care: tuple[str, ...]
    municipalities: tuple[int, ...]
    weight: float = 1.0

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The money streams it has, in order."""
        return tuple(dict.fromkeys(CARE_TYPE_BY_CODE[c].stream for c in self.care))


_BOTH: Final = (9901, 9902)
PROVIDERS: Final = (
    Provider("98000001", "De Brede Kade", ("wmo-01", "wmo-02", "jw-45", "pw-reintegratie", "zvw-wijkverpleging", "wlz-thuis"), (9901,)),
    Provider("98000002", "Thuisgoed", ("wmo-01", "wmo-03"), _BOTH, 3.0),
    Provider("98000003", "Huishulp Linde", ("wmo-01",), (9901,), 1.5),
    Provider("98000004", "Zorgpunt Waard", ("wmo-01", "wmo-02"), (9902,), 2.0),
    Provider("98000005", "Meedoen Begeleiding", ("wmo-02", "wmo-07"), _BOTH, 2.0),
    Provider("98000006", "Dagcentrum De Linde", ("wmo-07", "wmo-09"), (9901,)),
    Provider("98000007", "Dagcentrum De Waard", ("wmo-07",), (9902,)),
    Provider("98000008", "Hulpmiddelen Oost", ("wmo-11", "wmo-12", "wmo-13", "wmo-14"), _BOTH),
    Provider("98000009", "Vervoer op Maat", ("wmo-08", "jw-42"), _BOTH),
    Provider("98000010", "Beschermd Dak", ("wmo-15", "wmo-16"), _BOTH),
    Provider("98000011", "Jeugdhulp De Brug", ("jw-45", "jw-41"), _BOTH, 3.0),
    Provider("98000012", "Jonge Wilgen", ("jw-45",), (9901,)),
    Provider("98000013", "Spoor Jeugdzorg", ("jw-45", "jw-50"), (9902,)),
    Provider("98000014", "Jeugd-ggz Kompas", ("jw-51", "jw-54"), _BOTH, 2.0),
    Provider("98000015", "Gezinshuis Het Nest", ("jw-43", "jw-44"), _BOTH),
    Provider("98000016", "Jeugdbescherming Noord", ("jw-47", "jw-48"), _BOTH),
    Provider("98000017", "Werkplein Linde", ("pw-bijstand", "pw-bijzondere-bijstand", "pw-reintegratie"), (9901,), 3.0),
    Provider("98000018", "Werkplein Waard", ("pw-bijstand", "pw-bijzondere-bijstand", "pw-reintegratie"), (9902,), 3.0),
    Provider("98000019", "Beschut Werk Oost", ("pw-beschut-werk",), _BOTH),
    Provider("98000020", "Wijkverpleging Groot", ("zvw-wijkverpleging",), _BOTH, 6.0),
    Provider("98000021", "Buurtzuster", ("zvw-wijkverpleging", "zvw-eerstelijnsverblijf", "zvw-overig"), (9901,)),
    Provider("98000022", "Ggz De Oever", ("zvw-ggz", "wlz-ggz"), _BOTH),
    Provider("98000023", "Praktijk Samen", ("zvw-ggz", "zvw-overig"), (9902,)),
    Provider("98000024", "Langdurige Zorg Thuis", ("wlz-thuis", "wlz-verblijf"), _BOTH, 2.0),
    Provider("98000025", "Budgetkantoor", ("wmo-pgb", "jw-pgb"), _BOTH),
)  # fmt: skip

TARIFFS: Final = {
    "wmo-01": (4, 3240), "wmo-02": (4, 6360), "wmo-03": (4, 5580), "wmo-07": (16, 4615), "wmo-09": (16, 3576), "wmo-08": (82, 1479),
    "wmo-11": (82, 9000), "wmo-12": (82, 7500), "wmo-13": (82, 12000), "wmo-14": (82, 4500), "wmo-15": (14, 15600), "wmo-16": (14, 9800),
    "jw-41": (16, 8726), "jw-42": (82, 1850), "jw-43": (14, 22097), "jw-44": (14, 14191), "jw-45": (4, 7950), "jw-47": (4, 9300),
    "jw-48": (4, 9300), "jw-50": (4, 8400), "jw-51": (1, 165), "jw-54": (1, 210),
}  # fmt: skip
"""Care type -> (unit, eurocents per unit) for what is declared by message; the rest goes by spreadsheet, in euros."""


def product_of(care: str) -> str:
    """The product code of care declared by message: its category and a letter, as regions agree them."""
    return f"{care.rpartition('-')[2]}A01"
