"""What a cluster is called: its streets, or the range of its postcodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

_STREETS, _RANGES = 3, 3
AND_AROUND: Final = "e.o."
"""Dutch for "and around it", behind a name that does not say all."""


def by_streets(streets: Sequence[str]) -> str:
    """`Dorpsstraat, Kerkweg`: at most three, those with the most addresses."""
    return f"{', '.join(streets[:_STREETS])}{f' {AND_AROUND}' if len(streets) > _STREETS else ''}"


def by_postcodes(own: Sequence[str], of_buurt: Sequence[str]) -> str:
    """`3341AA-3341AD, 3341AG`: the runs of its postcodes in the alphabetical order of the buurt's; at most three."""
    mine, runs, last = set(own), list[list[str]](), ""
    for postcode in sorted(of_buurt):
        if postcode in mine and last in mine:
            runs[-1].append(postcode)
        elif postcode in mine:
            runs.append([postcode])
        last = postcode
    texts = [run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return f"{', '.join(texts[:_RANGES])}{f' {AND_AROUND}' if len(texts) > _RANGES else ''}"


def told_apart(names: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Cluster code -> name, from code -> (name by streets or empty, name by postcodes): one name twice gets its postcodes behind it."""
    often = Counter(streets for streets, _ in names.values())
    return {c: s if s and often[s] == 1 else f"{s} ({p})" if s else p for c, (s, p) in names.items()}
