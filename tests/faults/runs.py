"""A zone of its own for a test that breaks things, gone afterwards; and what such tests type and start again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner

from deploy.cli import app
from deploy.demo import Demo
from deploy.demo_wish import Wish
from deploy.zone import Zone
from tests.integration.road_by_hand import Road, Sender


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


def typed(*words: str) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    return result.output


def restarted(zone: Zone) -> None:
    zone.supervisor.stop(["intake"])
    zone.start_role("intake")
    zone.supervisor.wait_ready(["intake"])


def told(road: Road, sender: Sender, data: bytes) -> tuple[str, int]:
    """Put an envelope on the road: code of the final receipt, and how many of its events count."""
    road.put(data, sender=sender.profile.sender.text)
    (receipt,) = road.heard(sender, count=1)
    return receipt["code"], receipt["accepted"]
