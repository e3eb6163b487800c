"""What Prometheus may know of a zone's keys: the day each should turn. Served by whoever runs the zone."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from deploy.backup_keys import backup_keys
from deploy.key_list import KeyLine, keys_of
from deploy.zone import Zone
from schemas.errors import SettingsWrong, ZorgstroomError


class KeyMetrics:
    """Gauges per kind of key; no id, no sender, no reader."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.registry = CollectorRegistry()
        self._due = Gauge(
            "zorgstroom_key_due_timestamp_seconds", "When the first key of a kind should turn, or be destroyed; seconds since 1970.", ["kind"],
            registry=self.registry,
        )  # fmt: skip
        self._listed = Gauge(
            "zorgstroom_keys_listed_timestamp_seconds", "When all keys were last looked at; before the first time, when that was begun.",
            registry=self.registry,
        )  # fmt: skip

    def begun(self, now: dt.datetime) -> None:
        """From here on somebody looks."""
        self._listed.set(now.timestamp())

    def show(self, lines: Iterable[KeyLine], *, now: dt.datetime) -> None:
        """Take in what there is."""
        first: dict[str, dt.date] = {}
        for line in lines:
            if line.due is not None:
                kind = _kind(line)
                first[kind] = min(line.due, first.get(kind, line.due))
        self._due.clear()
        for kind, day in first.items():
            self._due.labels(kind).set(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
        self._listed.set(now.timestamp())


def _kind(line: KeyLine) -> str:
    if line.holder in ("sender", "operator", "grantor", "officer"):
        return f"{line.holder} signing"
    if line.holder.startswith("officer-"):
        return "old share of an officer"
    return "certificate" if line.what.startswith("certificate") else line.what


class KeyWatch:
    """Serves the metrics of one zone and looks again every hour."""

    def __init__(self, zone: Zone, *, every_seconds: float = 3600, again_seconds: float = 5) -> None:
        """Nothing is served before `start`. `again_seconds`: how soon it looks again where it could not."""
        self._zone, self._every, self._again, self.metrics = zone, every_seconds, again_seconds, KeyMetrics()
        self._stopping = threading.Event()

    def start(self, port: int) -> None:
        """Serve on a loopback port. Raises `SettingsWrong` when it is in use."""
        try:
            self._server, _ = start_http_server(port, addr="127.0.0.1", registry=self.metrics.registry)
        except OSError as taken:
            msg = f"Port {port} for metrics is in use; choose another in zone.json."
            raise SettingsWrong(msg) from taken
        self.metrics.begun(dt.datetime.now(dt.UTC))
        threading.Thread(target=self._look, name="keys", daemon=True).start()

    def _look(self) -> None:
        while not self._stopping.is_set():
            try:
                now = dt.datetime.now(dt.UTC)
                self.metrics.show(keys_of(self._zone), now=now)
                backup_keys(self._zone).destroy_due(now.date())
                wait = self._every
            except (ZorgstroomError, OSError, ValueError):  # `keys list` says which; that nobody looked, the alert
                wait = self._again
            self._stopping.wait(wait)

    def stop(self) -> None:
        """Serve no more."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()


def watched_keys(zone: Zone) -> KeyWatch:
    """Show Prometheus when the zone's keys should turn, until it is stopped."""
    watch = KeyWatch(zone)
    watch.start(zone.folder.settings()["ports"]["metrics/zone"])
    return watch
