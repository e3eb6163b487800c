"""What an operator may know of the vault: counts with closed sets of labels; no caller's name, person, handle or key."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from schemas import codes
from schemas.errors import SettingsWrong

_ROLE: Final = "keyvault"
_RESULTS: Final = frozenset(
    {
        "given",
        "no-mandate",
        "withdrawn",
        "expired",
        "signature",
        "part",
        "unreadable",
        "schema",
        "purpose",
        "mandate-period",
        "household-limit",
    }
)


class VaultMetrics:
    """The metrics of one vault; a `Meter`, a `RequestMeter` and a `SubscriberMeter`."""

    def __init__(self) -> None:
        """All at zero, in a registry of its own."""
        self.registry = CollectorRegistry()
        self._requests = self._counter("vault_requests_total", "Requests answered.", "path", "status")
        self._looks = self._counter("vault_looks_total", "Looks under a mandate, by result.", "result")
        self._evaluated = self._counter("vault_evaluations_total", "Blinded elements evaluated.")
        self._lent = self._counter("vault_person_keys_lent_total", "Person keys lent.")
        self._mandates = self._counter("vault_mandates_read_total", "Mandate states read.")
        self._dead = self._counter("dead_letters_total", "Records that could not be read.", "reason")
        for result in _RESULTS:
            self._looks.labels(_ROLE, result)
        for reason in codes.DEAD_LETTERS:
            self._dead.labels(_ROLE, reason)
        self._ready = self._gauge("ready", "1 when the vault answers and knows all mandates.")
        self._evaluated_today = self._gauge("vault_evaluations_today", "Blinded elements evaluated today.")
        self._evaluated_median = self._gauge("vault_evaluations_median_day", "Median of the last four weeks' days.")
        self._evaluations_left = self._gauge("vault_evaluations_left", "Evaluations left today, orders included.")
        self._waiting = self._gauge("waiting", "1 while waiting for something that is away.")
        info = Gauge(
            "zorgstroom_build_info", "1, with the software's version.", ["role", "version"], registry=self.registry
        )
        info.labels(_ROLE, _version()).set(1)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"zorgstroom_{name}", what, ["role", *labels], registry=self.registry)

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(f"zorgstroom_{name}", what, ["role"], registry=self.registry).labels(_ROLE)

    def answered(self, path: str, status: int) -> None:
        """A request was answered."""
        self._requests.labels(_ROLE, path, str(status)).inc()

    def looked(self, result: str) -> None:
        """A look ended; a result outside the closed set counts as `other`."""
        self._looks.labels(_ROLE, result if result in _RESULTS else "other").inc()

    def evaluated(self, count: int, *, today: int, median: float, left: int) -> None:
        """Elements were evaluated: of today so far, the median day of the last four weeks, what is left today."""
        self._evaluated.labels(_ROLE).inc(count)
        self._evaluated_today.set(today)
        self._evaluated_median.set(median)
        self._evaluations_left.set(left)

    def lent(self, count: int) -> None:
        """Person keys were lent."""
        self._lent.labels(_ROLE).inc(count)

    def mandates_read(self, count: int) -> None:
        """Mandate states were read."""
        self._mandates.labels(_ROLE).inc(count)

    def dead_letter(self, reason: str) -> None:
        """A record could not be read; `reason` is `unreadable` or `schema`."""
        self._dead.labels(_ROLE, reason).inc()

    def waiting(self, *, waits: bool) -> None:
        """Whether something is away."""
        self._waiting.set(float(waits))

    def ready_when(self, ready: Callable[[], bool]) -> None:
        """Ask this at each reading."""
        self._ready.set_function(lambda: float(ready()))

    def serve(self, port: int) -> Callable[[], None]:
        """Serve /metrics on the loopback port; returns what stops it. Raises `SettingsWrong` when the port is taken."""
        try:
            http, thread = start_http_server(port, addr="127.0.0.1", registry=self.registry)
        except OSError as taken:
            msg = f"The metrics port {port} is in use; stop what uses it or choose another `metrics_port`."
            raise SettingsWrong(msg) from taken

        def stop() -> None:
            http.shutdown()
            http.server_close()
            thread.join(2)

        return stop


def _version() -> str:
    try:
        return version("zorgstroom")
    except PackageNotFoundError:
        return "unknown"
