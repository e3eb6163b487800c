"""How figures are rounded before anyone sees them."""

from __future__ import annotations

from projections.release.rules import Parameters


def rounded_euros(cents: int, parameters: Parameters) -> int:
    """Euros to the nearest multiple of the base, halves away from zero."""
    base = parameters.euros_base * 100
    sign = -1 if cents < 0 else 1
    return sign * ((abs(cents) + base // 2) // base) * parameters.euros_base


def rounded_households(count: int, parameters: Parameters) -> int:
    """Households to the nearest multiple of the base, never below the least; none stays none."""
    if count == 0:
        return 0
    base = parameters.households_base
    return max(parameters.least_households, (count + base // 2) // base * base)
