"""Deliveries as a provider's own system hands them over, one by one: for benchmarks."""

from __future__ import annotations

import datetime as dt
import os

from producers.deliveries import Delivery
from schemas.care import CARE_TYPES, Stream
from schemas.secrets import Bsn, passes_eleven_test
from schemas.values import Cents


def deliveries_of(count: int) -> list[Delivery]:
    """Deliveries as a provider's own system has them, to 800 clients in turn."""
    clients = [b for n in range(999_900_006, 999_910_000) if passes_eleven_test(b := f"{n:09d}")][:800]
    care = next(c for c in CARE_TYPES.values() if c.stream is Stream.WMO)
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=40)
    run = os.urandom(4).hex()
    return [
        Delivery(
            bsn=Bsn(clients[n % len(clients)]), payer=9901, care_type=care, first_day=day, last_day=day, cents=Cents(25_440),
            reference=f"{run}-{n}", volume_hundredths=400, unit=4,
        )
        for n in range(count)
    ]  # fmt: skip
