"""What each column of the figures means, and each number of the rules, in words for the explaining sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COLUMN_NOTES: Final[dict[str, tuple[str, str]]] = {
    "area_code": ("Code van het gebied bij het CBS (GM, WK, BU). Met een P erachter: alles wat in een buurt ligt. Met een punt en een nummer: een deel van een buurt.",
                  "Code of the area at Statistics Netherlands (GM, WK, BU). With a P: all that lies in a neighbourhood. With a point and a number: part of a neighbourhood."),
    "state": ("Getoond: het cijfer is in deze of een eerdere maand uitgegeven. Achtergehouden: nu niet.",
              "Shown: the figure was published in this month or an earlier one. Kept back: not now."),
    "euros": ("Het bedrag van dit gebied zelf zoals het laatst is uitgegeven, afgerond. Leeg: nooit uitgegeven.",
              "The amount of this area itself as last published, rounded. Empty: never published."),
    "households": ("Huishoudens met zorg, afgerond. Voor delen van een buurt is dit er niet.",
                   "Households in care, rounded. There is none for parts of a neighbourhood."),
    "value_of": ("De maand waar dit bedrag van is. Buurten komen eens per kwartaal.", "The month this amount is of. Neighbourhoods come once a quarter."),
    "around_euros": ("Het bedrag van het gebied eromheen, waar dit gebied zelf is achtergehouden. Niet optellen.",
                     "The amount of the area around it, where this area itself is kept back. Do not add up."),
    "known": ("Wat er later bekend wordt, komt in een volgende momentopname. Een uitgegeven maand verandert niet meer.",
              "What becomes known later comes in a later snapshot. A published month changes no more."),
    "completeness": ("Van hoeveel aanbieders en maanden bekend is dat alles binnen is. Geldt voor de hele gemeente.",
                     "For how many providers and months all is known to be in. Of the whole municipality."),
}  # fmt: skip
"""By the keys of `table.COLUMNS`; columns whose name says all are not here."""
RULE_NAMES: Final[dict[str, tuple[str, str]]] = {
    "least_contributors": ("ten minste zoveel huishoudens", "at least so many households"),
    "largest_share": ("één huishouden hoogstens zoveel procent", "one household at most so many percent"),
    "two_largest_share": ("de twee grootste samen hoogstens zoveel procent", "the two largest together at most so many percent"),
    "least_not_ggz_share": ("ten minste zoveel procent andere zorg dan ggz", "at least so many percent other than mental health care"),
    "euros_base": ("euro afgerond op", "euros rounded to"),
    "households_base": ("huishoudens afgerond op", "households rounded to"),
    "least_households": ("huishoudens nooit onder", "households never below"),
}  # fmt: skip
"""By the names of `projections.release.rules.Parameters`, as they stand in each release."""


def rules_in_words(parameters: Mapping[str, object], lang: str) -> str:
    """All numbers of the rules; one without words keeps its own name."""
    named = [(RULE_NAMES.get(name, (name, name))[lang == "en"], value) for name, value in sorted(parameters.items())]
    return "; ".join(f"{name}: {value}" for name, value in named)
