"""A zone of its own for a test that breaks things, gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.demo import Demo
from deploy.demo_wish import Wish


@contextmanager
def a_demo(*, addresses: int, months: int, seed: int) -> Iterator[Demo]:
    """Not started yet; stopped and removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-faults-"))
    folder.chmod(0o755)
    running = Demo(Wish(folder / "data", addresses=addresses, months=months, seed=seed))
    try:
        yield running
    finally:
        running.stop()
        forget = getattr(running.zone.postgres, "forget", None)
        if forget is not None:
            forget()
        shutil.rmtree(folder, ignore_errors=True)
