"""Which care goes together: kinds per age and law, how many per household, and what a household's care costs in a year.

Shares as in Dutch statistics of Wmo and jeugdhulp; amounts lognormal with sigma 1.88, so that about three percent of the
households in care have half of the money. All of it is invented per person.
"""

from __future__ import annotations

import math
from random import Random
from typing import Final

SIGMA: Final = 1.88
MEDIAN_YEAR_CENTS: Final = 110_000
MAX_YEAR_CENTS: Final = 80_000_000

WMO_HOUSEHOLDS_OLD, WMO_HOUSEHOLDS_OTHER = 0.26, 0.093
"""Share of households with Wmo: together about 119 in 1,000, a third of them 75 or older."""
SERVICES_PER_HOUSEHOLD: Final = (65, 34, 13, 4.5, 2, 1)
"""Wmo households with 1, 2, ... 6 services, in proportion."""
YOUTH_IN_CARE: Final = 0.122
YOUTH_WITH_STAY: Final = 0.097
ASSISTANCE_HOUSEHOLDS: Final = 0.045

WMO: Final = (
    ("wmo-01", 38), ("wmo-02", 17), ("wmo-07", 10), ("wmo-03", 4), ("wmo-08", 7), ("wmo-09", 2), ("wmo-11", 4), ("wmo-12", 4),
    ("wmo-13", 4), ("wmo-14", 4), ("wmo-pgb", 6),
)  # fmt: skip
WMO_STAY: Final = (("wmo-15", 3), ("wmo-16", 2))
YOUTH: Final = (
    ("jw-45", 55), ("jw-41", 6), ("jw-42", 5), ("jw-47", 2), ("jw-48", 5), ("jw-50", 6), ("jw-51", 14), ("jw-54", 8), ("jw-pgb", 4),
)  # fmt: skip
YOUTH_STAY: Final = (("jw-43", 3), ("jw-44", 5))
ASSISTANCE: Final = (
    ("pw-bijstand", 60),
    ("pw-bijzondere-bijstand", 15),
    ("pw-reintegratie", 15),
    ("pw-beschut-werk", 10),
)
INSURED: Final = (("zvw-ggz", 30), ("zvw-wijkverpleging", 35), ("zvw-overig", 30), ("zvw-eerstelijnsverblijf", 5))
INSURED_OLD: Final = (("zvw-wijkverpleging", 70), ("wlz-thuis", 14), ("zvw-eerstelijnsverblijf", 6), ("zvw-ggz", 10))
INSTITUTION: Final = (("wlz-verblijf", 75), ("wlz-ggz", 10), ("wmo-15", 15))

WEIGHTS: Final = {
    "jw-43": 8.0, "jw-44": 5.0, "wmo-15": 8.0, "wmo-16": 5.0, "wlz-verblijf": 8.0, "wlz-ggz": 8.0, "wlz-thuis": 4.0, "jw-41": 2.0,
    "wmo-11": 0.3, "wmo-12": 0.3, "wmo-13": 0.4, "wmo-14": 0.2, "wmo-08": 0.3, "jw-42": 0.3,
}  # fmt: skip
"""How heavily a kind of care weighs in what its household costs; 1 where not named."""

Mix = tuple[tuple[str, float], ...]


def one_of(random: Random, mix: Mix) -> str:
    """One kind of care by its share."""
    return random.choices([c for c, _ in mix], [w for _, w in mix])[0]


def services(random: Random) -> int:
    """How many Wmo services a household with Wmo has."""
    return random.choices(range(1, 7), SERVICES_PER_HOUSEHOLD)[0]


def year_cents(random: Random) -> int:
    """What a household in care costs in a year."""
    return min(MAX_YEAR_CENTS, round(MEDIAN_YEAR_CENTS * math.exp(random.gauss(0, SIGMA))))
