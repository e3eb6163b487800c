"""Areas as codes for people and as numbers for columns: gemeente, wijk, buurt, cluster, and the rest of a gemeente.

One area is one integer `ggggwwbbcc`: gemeente, wijk, buurt, cluster, two digits each after the first four. Zeros below a
level mean the level itself; `gggg000000` is the rest of a gemeente (unplaced, secret, institution), code `GMgggg`.
A cluster (of neighbouring postcodes in one buurt) is numbered from 01, so no cluster is ever taken for a buurt.
Codes follow CBS: GM0642, WK064201, BU06420101; a cluster is BU06420101.03. A street that consists of two or more whole clusters of a buurt has a
code that says which: BU06420101.03_05. So the same code is the same ground for good, whatever the street is called.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

_CLUSTER = re.compile(r"BU(\d{8})\.(\d{2})")
_STREET = re.compile(r"BU(\d{8})\.(\d{2}(?:_\d{2})+)")
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


def street_code(clusters: Collection[int]) -> str:
    """Area integers of a street's clusters -> its code. Raises `ValueError` where they are not two or more clusters of one buurt."""
    buurten = {c // 100 for c in clusters}
    if len(set(clusters)) < 2 or len(buurten) != 1 or any(map(is_rest, clusters)):
        msg = "a street with figures of its own consists of two or more clusters of one buurt"
        raise ValueError(msg)
    return f"BU{buurten.pop():08d}." + "_".join(f"{c % 100:02d}" for c in sorted(set(clusters)))


@lru_cache(maxsize=4096)
def clusters_of_street(code: str) -> tuple[int, ...]:
    """Inverse of `street_code`, in order. Raises `ValueError` for anything else, a street with its clusters in another order included."""
    match = _STREET.fullmatch(code)
    clusters = tuple(int(match[1]) * 100 + int(n) for n in match[2].split("_")) if match else ()
    if not clusters or list(clusters) != sorted(set(clusters)) or is_rest(clusters[0]):
        msg = "a street with figures of its own looks like BU06420101.03_05"
        raise ValueError(msg)
    return clusters


def is_street(code: str) -> bool:
    """Tell whether an area code is that of a street."""
    return _STREET.fullmatch(code) is not None


def is_rest(number: int) -> bool:
    """Tell whether an area integer is the rest of a gemeente (no cluster)."""
    return number % 100 == 0


def gemeente_of(number: int) -> int:
    """Area integer -> gemeente number."""
    return number // 1_000_000


def parent_code(code: str) -> str | None:
    """Cluster or street -> buurt -> wijk -> gemeente code -> None. Raises `ValueError` for anything else."""
    if match := _CLUSTER.fullmatch(code) or _STREET.fullmatch(code):
        return f"BU{match[1]}"
    if match := _BUURT.fullmatch(code):
        return f"WK{match[1][:6]}"
    if match := _WIJK.fullmatch(code):
        return f"GM{match[1][:4]}"
    if _GEMEENTE.fullmatch(code):
        return None
    msg = "not an area code"
    raise ValueError(msg)
