"""What an operator may know of a worker: numbers with closed sets of labels, no person, household, area or sender."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from schemas import codes
from schemas.errors import SettingsWrong

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class WorkerMetrics:
    """The metrics of one process of one role."""

    def __init__(self, role: str) -> None:
        """`role`: closed set of `schemas.topics.ROLES`."""
        self.registry = CollectorRegistry()
        self.role = role
        self.envelopes_in = self._counter("envelopes_in_total", "Records taken.")
        self.envelopes_out = self._counter("envelopes_out_total", "Records acknowledged by Kafka.")
        self.events_in = self._counter(
            "events_in_total", "Events in the records taken (intake can only tell from their size)."
        )
        self.events_out = self._counter("events_out_total", "Events passed on, or booked.")
        self.events_refused = self._counter("events_refused_total", "Events refused.", "code")
        self.duplicates = self._counter("duplicates_total", "Records or events seen before, skipped.")
        self.dead_letters = self._counter("dead_letters_total", "Records that could not be read or proved.", "reason")
        # There from the first scrape: an alert sees no first increase of what was not there.
        for reason in codes.DEAD_LETTERS:
            self.dead_letters.labels(role, reason)
        for code in codes.ALARMED:
            self.events_refused.labels(role, code)
        self.gaps = self._counter("gaps_total", "Records from beyond the next number, left for the resend.")
        self.stale = self._counter("stale_transactions_total", "Transactions refused because another worker was ahead.")
        self.retries = self._counter("retries_total", "Windows tried again because something was away.")
        self.unplaced = self._counter("unplaced_events_total", "Services booked as unplaced.")
        self.open_gaps = self._gauge("open_gaps", "Streams whose next number is missing now.")
        self._lag = 0.0
        self._in_hand: float | None = None
        self._gauge(
            "lag_seconds", "Age of the oldest record in hand; between windows that of the last one taken."
        ).set_function(self.lag)
        self.outbox = self._gauge("outbox_length", "Committed records not yet acknowledged by Kafka.")
        self.waiting = self._gauge("waiting", "1 while waiting for something that is away.")
        self.is_ready = self._gauge("ready", "1 when this worker takes records.")
        self.window_events = self._histogram(
            "window_events", "Events per window.", (1, 10, 100, 500, 1000, 2500, 5000, 10000)
        )
        self.window_seconds = self._histogram("window_seconds", "Seconds per window.", _SECONDS)
        info = Gauge(
            "zorgstroom_build_info", "1, with the software's version.", ["role", "version"], registry=self.registry
        )
        info.labels(role, software_version()).set(1)

    def _labelled(self, labels: tuple[str, ...]) -> list[str]:
        return ["role", *labels]

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        made = Counter(f"zorgstroom_{name}", what, self._labelled(labels), registry=self.registry)
        return made if labels else made.labels(self.role)

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(f"zorgstroom_{name}", what, ["role"], registry=self.registry).labels(self.role)

    def _histogram(self, name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
        made = Histogram(f"zorgstroom_{name}", what, ["role"], buckets=buckets, registry=self.registry)
        return made.labels(self.role)

    def refused(self, code: str, count: int = 1) -> None:
        """Count refused events by code of `schemas.codes`."""
        self.events_refused.labels(self.role, code).inc(count)

    def take_in_hand(self, written: float) -> None:
        """Records are being worked on; `written`: when the oldest was, in seconds since 1970."""
        self._in_hand = written

    def lay_down(self, written: float) -> None:
        """They are done; `written`: when the newest was."""
        self._lag, self._in_hand = max(0.0, time.time() - written), None

    def lag(self) -> float:
        """How far behind, in seconds: grows while a window does not come to its end."""
        written = self._in_hand
        return self._lag if written is None else max(0.0, time.time() - written)

    def dead_letter(self, reason: str) -> None:
        """Count one dead letter by reason of `schemas.codes`."""
        self.dead_letters.labels(self.role, reason).inc()

    def watch_vault(self, seconds: Callable[[], float]) -> None:
        """Tell how long this worker has waited for the keyvault, in seconds."""
        self._gauge("vault_seconds", "Seconds spent waiting for answers of the keyvault.").set_function(seconds)

    def serve(self, port: int) -> None:
        """Serve /metrics on the loopback port. Raises `SettingsWrong` when it is in use."""
        try:
            start_http_server(port, addr="127.0.0.1", registry=self.registry)
        except OSError as taken:
            msg = f"Port {port} for metrics is in use; choose another `metrics_port`."
            raise SettingsWrong(msg) from taken


def software_version() -> str:
    """Version of this software."""
    try:
        return version("zorgstroom")
    except PackageNotFoundError:
        return "unknown"
