"""What a demo has counted so far and how many months it did, kept in its folder, so that the next start goes on with it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from producers.outbox import Receipt
from schemas.secret_file import write_private

_NAMES: Final = ("counts", "refused", "refused_at_provider")


@dataclass(slots=True)
class Counted:
    """Kept in `path`. `refused`: code -> events; `refused_at_provider`: code of a finding -> findings."""

    path: Path
    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    refused_at_provider: Counter[str] = field(default_factory=Counter)

    def hear(self, receipt: Receipt) -> None:
        """Count what became of an envelope; months closed, mandates and residence files are no deliveries."""
        if "." not in receipt.file or receipt.file.endswith(("residences.csv", "links.csv")):
            return
        self.counts["applied"] += receipt.accepted
        self.counts["duplicates"] += receipt.duplicates
        for refusal in receipt.refused:
            self.refused[refusal.code] += 1
        if receipt.code != "0200":
            self.refused[receipt.code] += receipt.events

    def months_done(self) -> int:
        """Months an earlier run published and closed."""
        return int(self._saved().get("months_done", 0))

    def _saved(self) -> dict[str, Any]:
        saved: dict[str, Any] = json.loads(self.path.read_text("utf-8")) if self.path.exists() else {}
        return saved

    def resume(self) -> int:
        """Take over what an earlier run counted; how many months it did."""
        saved = self._saved()
        for name in _NAMES:
            getattr(self, name).update(saved.get(name, {}))
        return self.months_done()

    def save(self, months_done: int) -> None:
        """Keep all of it."""
        d = {"months_done": months_done} | {name: getattr(self, name) for name in _NAMES}
        write_private(self.path, json.dumps(d, indent=2).encode())

    def told(self) -> dict[str, Any]:
        """Its part of the report."""
        return {
            "published": self.counts["published"], "applied": self.counts["applied"], "refused": dict(sorted(self.refused.items())),
            "refused_at_provider": dict(sorted(self.refused_at_provider.items())), "duplicates": self.counts["duplicates"],
        }  # fmt: skip
