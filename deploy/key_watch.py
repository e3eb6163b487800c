"""What Prometheus may know of a zone's keys: the day each should turn. Served by whoever runs the zone."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from deploy.backup_keys import backup_keys
from deploy.key_list import KeyLine, keys_of
from deploy.zone import Zone
from schemas.errors import SettingsWrong, Unavailable


class KeyMetrics:
    """Gauges per kind of key; no id, no sender, no reader."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.registry = CollectorRegistry()
        self._due = Gauge(
            "zorgstroom_key_due_timestamp_seconds", "When the first key of a kind should turn, or be destroyed; seconds since 1970.", ["kind"],
            registry=self.registry,
        )  # fmt: skip

    def show(self, lines: Iterable[KeyLine]) -> None:
        """Take in what there is."""
        first: dict[str, dt.date] = {}
        for line in lines:
            if line.due is not None:
                kind = _kind(line)
                first[kind] = min(line.due, first.get(kind, line.due))
        self._due.clear()
        for kind, day in first.items():
            self._due.labels(kind).set(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())


def _kind(line: KeyLine) -> str:
    if line.holder in ("sender", "operator"):
        return f"{line.holder} signing"
    if line.holder.startswith("officer-"):
        return "old share of an officer"
    return "certificate" if line.what.startswith("certificate") else line.what


class KeyWatch:
    """Serves the metrics of one zone and looks again every hour."""

    def __init__(self, zone: Zone, *, every_seconds: float = 3600) -> None:
        """Nothing is served before `start`."""
        self._zone, self._every, self.metrics = zone, every_seconds, KeyMetrics()
        self._stopping = threading.Event()

    def start(self, port: int) -> None:
        """Serve on a loopback port. Raises `SettingsWrong` when it is in use."""
        try:
            self._server, _ = start_http_server(port, addr="127.0.0.1", registry=self.metrics.registry)
        except OSError as taken:
            msg = f"Port {port} for metrics is in use; choose another in zone.json."
            raise SettingsWrong(msg) from taken
        threading.Thread(target=self._look, name="keys", daemon=True).start()

    def _look(self) -> None:
        while not self._stopping.is_set():
            try:
                backup_keys(self._zone).destroy_due(dt.datetime.now(dt.UTC).date())
                self.metrics.show(keys_of(self._zone))
                wait = self._every
            except Unavailable:
                wait = 5.0
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
