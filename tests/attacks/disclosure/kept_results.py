"""Results of `make attack` kept per world and municipality, so that a run that was broken off goes on where it was.

They belong to one gate and one town: the folder is named for the run's options and for the sources that make the bytes. After a change of the attackers
themselves: `--anew`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from attacks import Break, Tally
from report import Found
from usefulness import Useful

MAKERS = ("projections/release", "producers/town", "schemas", "streams/release_records.py")
"""What the released bytes come from."""


def fingerprint(root: Path) -> str:
    """The gate and the town as they are now, in eight hexadecimal digits."""
    files = sorted(p for m in MAKERS for p in ([root / m] if (root / m).is_file() else (root / m).rglob("*.py")))
    mark = sha256()
    for path in files:
        mark.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return mark.hexdigest()[:8]


@dataclass
class Kept:
    """What one world and municipality came to so far. `seconds`: of each attack; `breaks`: with the attack and what is said of each."""

    path: Path
    world: str
    municipality: int
    protection: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    tallies: list[tuple[str, Tally]] = field(default_factory=list)
    breaks: list[tuple[str, Break, str]] = field(default_factory=list)
    useful: list[Useful] = field(default_factory=list)
    types: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path, world: str, municipality: int) -> Kept:
        """As it was left, or empty."""
        path = folder / f"{world}-GM{municipality}.json"
        if not path.exists():
            return cls(path, world, municipality)
        was = json.loads(path.read_text("utf-8"))
        return cls(
            path, world, municipality, was["protection"], was["seconds"], [(sdc, _tally(t)) for sdc, t in was["tallies"]],
            [(sdc, Break(**b), said) for sdc, b, said in was["breaks"]], [Useful(**u) for u in was["useful"]],
            {name: (safe, used) for name, (safe, used) in was["types"].items()},
        )  # fmt: skip

    def has(self, wanted: Iterable[str]) -> bool:
        """Whether all of these were done."""
        return set(wanted) <= set(self.seconds)

    def save(self) -> None:
        """Write it as a whole or not at all."""
        told = {
            "protection": self.protection, "seconds": self.seconds, "tallies": [(sdc, asdict(t)) for sdc, t in self.tallies],
            "breaks": [(sdc, asdict(b), said) for sdc, b, said in self.breaks], "useful": [asdict(u) for u in self.useful], "types": self.types,
        }  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        making = self.path.with_suffix(".new")
        making.write_text(json.dumps(told), "utf-8")
        making.replace(self.path)

    def payloads(self) -> list[bytes] | None:
        """What was released, if that was kept."""
        path = self.path.with_suffix(".released")
        return [bytes.fromhex(line) for line in path.read_text("ascii").splitlines()] if path.exists() else None

    def save_payloads(self, payloads: Iterable[bytes]) -> None:
        """Keep what was released."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.with_suffix(".released").write_text("".join(f"{p.hex()}\n" for p in payloads), "ascii")

    def into(self, found: Found) -> None:
        """Add it to what the report tells."""
        found.protection = self.protection
        for sdc, tally in self.tallies:
            found.add(sdc, self.world, tally)
        found.breaks += [(self.world, self.municipality, sdc, one, said) for sdc, one, said in self.breaks]
        found.useful[self.world] += self.useful
        for name, (safe, used) in self.types.items():
            before = found.types.get(name, (0, 0))
            found.types[name] = (before[0] + safe, before[1] + used)


def _tally(told: dict[str, Any]) -> Tally:
    return Tally(
        **told
        | {"breaks": [Break(**b) for b in told["breaks"]], "afterwards": [Break(**b) for b in told["afterwards"]]}
    )
