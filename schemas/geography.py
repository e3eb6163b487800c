"""Areas as codes for people and as numbers for columns: gemeente, wijk, buurt, cluster, and the rest of a gemeente.

One area is one integer `ggggwwbbcc`: gemeente, wijk, buurt, cluster, two digits each after the first four. Zeros below a
level mean the level itself; `gggg000000` is the rest of a gemeente (unplaced, secret, institution), code `GMgggg`.
A cluster (of neighbouring postcodes in one buurt) is numbered from 01, so no cluster is ever taken for a buurt.
Codes follow CBS: GM0642, WK064201, BU06420101; a cluster is BU06420101.03.
"""

from __future__ import annotations

import re

_CLUSTER = re.compile(r"BU(\d{8})\.(\d{2})")
_BUURT = re.compile(r"BU(\d{8})")
_WIJK = re.compile(r"WK(\d{6})")
_GEMEENTE = re.compile(r"GM(\d{4})")


def gemeente_number(code: str) -> int:
    """`GM9901` or `9901` -> 9901. Raises `ValueError` without repeating a malformed code."""
    match = re.fullmatch(r"(?:GM)?(\d{4})", code)
    if match is None:
        msg = "a gemeente code looks like GM0642"
        raise ValueError(msg)
    return int(match[1])


def gemeente_code(number: int) -> str:
    """9901 -> `GM9901`."""
    return f"GM{number:04d}"


def area_number(code: str) -> int:
    """Cluster code (`BU99010103.07`) or gemeente code (`GM9901`, the rest) -> area integer. Raises `ValueError`."""
    if match := _CLUSTER.fullmatch(code):
        number = int(match[1]) * 100 + int(match[2])
        if number % 100 == 0:
            msg = "clusters are numbered from 01"
            raise ValueError(msg)
        return number
    if match := _GEMEENTE.fullmatch(code):
        return int(match[1]) * 1_000_000
    msg = "the finest area is a cluster (BU99010103.07) or a gemeente for what has none (GM9901)"
    raise ValueError(msg)


def area_code(number: int) -> str:
    """Area integer -> `BU99010103.07`, or `GM9901` for the rest of a gemeente."""
    if number % 100:
        return f"BU{number // 100:08d}.{number % 100:02d}"
    return f"GM{number // 1_000_000:04d}"


def is_rest(number: int) -> bool:
    """Tell whether an area integer is the rest of a gemeente (no cluster)."""
    return number % 100 == 0


def gemeente_of(number: int) -> int:
    """Area integer -> gemeente number."""
    return number // 1_000_000


def parent_code(code: str) -> str | None:
    """Cluster -> buurt -> wijk -> gemeente code -> None. Raises `ValueError` for anything else."""
    if match := _CLUSTER.fullmatch(code):
        return f"BU{match[1]}"
    if match := _BUURT.fullmatch(code):
        return f"WK{match[1][:6]}"
    if match := _WIJK.fullmatch(code):
        return f"GM{match[1][:4]}"
    if _GEMEENTE.fullmatch(code):
        return None
    msg = "not an area code"
    raise ValueError(msg)
