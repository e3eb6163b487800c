"""Everything here that is signed, sealed or committed to: its bytes, and the reader that must refuse them when they changed.

A new signed thing is one more function with `@thing`, which names the schemas it covers. For tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ledger_builders import (
    sixteen,
)

from schemas.errors import Refused
from schemas.household_record import COMMON_SECTION, Layout
from schemas.secrets import BoxKey, DataKey, SigningKey

ROOT, KEY = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)
BOX, DATA = BoxKey(b"\x03" * 32), DataKey(b"\x04" * 32)
MEMBER = "family-gm9901-a1b2"
PERSON = sixteen("person")
NARROW = Layout({COMMON_SECTION: 128, (1, "ggz"): 64})


@dataclass(frozen=True, slots=True)
class Thing:
    """`read` gives what the bytes say, or raises one of our errors.

    `spellings`: there is more than one way to write the same (spaces in a file of text; the outside of a certificate), and only that.
    """

    made: bytes
    read: Callable[[bytes], object] = field(repr=False)
    spellings: bool = False


Maker = Callable[[Path], Thing]
THINGS: dict[str, Maker] = {}
COVERED: dict[str, str] = {}
"""Schema -> the thing that covers it."""


def thing(name: str, *covers: str) -> Callable[[Maker], Maker]:
    def known(maker: Maker) -> Maker:
        THINGS[name] = maker
        COVERED.update(dict.fromkeys(covers, name))
        return maker

    return known


def pieces(*parts: bytes) -> tuple[bytes, Callable[[bytes], list[bytes]]]:
    """Several fields as one run of bytes, and what takes them apart again."""

    def apart(data: bytes) -> list[bytes]:
        held(len(data) == sum(map(len, parts)))
        found, at = [], 0
        for part in parts:
            found.append(data[at : at + len(part)])
            at += len(part)
        return found

    return b"".join(parts), apart


def held(holds: bool) -> None:
    if not holds:
        raise Refused("signature", "It does not hold.")
