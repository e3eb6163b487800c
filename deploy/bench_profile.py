"""Where a delivery's time goes inside each worker: a profile of its windows, by function, in microseconds per delivery.

Waiting for PostgreSQL and Kafka counts where it is waited. The profiler itself makes everything slower: read shares, not sums.
"""

from __future__ import annotations

import os
import pstats
import tempfile
from pathlib import Path
from typing import Any, Final

from deploy import bench
from deploy.bench_load import Load, bench_zone
from streams.worker import PROFILE_FOLDER

_ROLES: Final = ("intake", "ledger", "projector")
_SHOWN: Final = 12


def profiled(deliveries: int) -> dict[str, Any]:
    """Role -> function -> microseconds per delivery of its own (without what it calls), the dearest first."""
    with tempfile.TemporaryDirectory(prefix="zorgstroom-profile-") as folder, bench_zone() as zone:
        load = Load(zone)
        load.admit()
        bench.road(zone, load, deliveries=80_000, per_envelope=1000, share=1.0)  # everyone is known before it counts
        zone.stop()
        os.environ[PROFILE_FOLDER] = folder
        try:
            zone.start()
            road = bench.road(zone, load, deliveries=deliveries, per_envelope=1000)
        finally:
            del os.environ[PROFILE_FOLDER]
            zone.stop()
        return {"per_second_while_profiled": road["per_second"]} | {
            role: _dearest(Path(folder) / f"{role}.pstats", deliveries) for role in _ROLES
        }


def _dearest(path: Path, deliveries: int) -> dict[str, float]:
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, Any]] = pstats.Stats(str(path)).stats  # type: ignore[attr-defined]
    own: dict[str, float] = {}
    for (file, _, name), (_, _, seconds, _, _) in stats.items():
        where = name if file == "~" else f"{Path(file).parent.name}/{Path(file).stem} {name}"
        own[where] = own.get(where, 0.0) + seconds
    ordered = sorted(own.items(), key=lambda kv: -kv[1])
    total = {"all": round(sum(own.values()) / deliveries * 1e6, 1)}
    return total | {name: round(seconds / deliveries * 1e6, 2) for name, seconds in ordered[:_SHOWN]}
