"""Retention periods run by themselves where a zone runs: each municipality on this machine, once a day, under its own standing decision."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from typing import Final

from deploy.admission import sender_folder
from deploy.retention_commands import erase_due
from deploy.zone import Zone
from producers.municipal_retention import Retention
from producers.profile import Profile
from producers.retention_heard import heard
from schemas.errors import SettingsWrong, ZorgstroomError

_FIRST_SECONDS: Final = 60.0


class RetentionWatch:
    """Looks every hour; what a municipality did on a day it does not do again. `tell` hears what was erased, and what stood in the way."""

    def __init__(self, zone: Zone, tell: Callable[[str], None], *, every_seconds: float = 3600) -> None:
        """Nothing happens before `start`."""
        self._zone, self._tell, self._every = zone, tell, every_seconds
        self._done: dict[int, dt.date] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """From now on."""
        self._thread.start()

    def stop(self) -> None:
        """No more; waits for what is under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def _run(self) -> None:
        wait = min(_FIRST_SECONDS, self._every)
        while not self._stopping.wait(wait):
            self.look(dt.datetime.now(dt.UTC).date())
            wait = self._every

    def look(self, today: dt.date) -> None:
        """What there is to do on a day, for each municipality that has not done it. One that fails tries again at the next look."""
        for number in self._zone.folder.settings()["municipalities"]:
            if self._done.get(number) == today:
                continue
            try:
                lines = retention_of(self._zone, number, today)
            except ZorgstroomError as failed:
                self._tell(f"GM{number:04d}, retention periods: {failed}")
            else:
                self._done[number] = today
                for line in lines:
                    self._tell(f"GM{number:04d}: {line}")


def retention_of(zone: Zone, number: int, today: dt.date) -> list[str]:
    """A day's work of one municipality: what is new is announced; what is ripe goes, where a standing decision is in force."""
    try:
        retention = Retention.of(Profile.load(sender_folder(zone, f"gm{number:04d}")))
    except SettingsWrong:
        return []  # its tool is on another machine
    told = heard(retention.profile)
    if retention.in_force(today) is None:
        retention.announce(told, today)
        return []
    return erase_due(retention, told, today)
