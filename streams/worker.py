"""Runs a role as a Faust worker: partitions, rebalancing and back-pressure are Faust's, exactly-once is the hop's.

Work happens in one executor thread; the event loop only fetches. A window that fails is tried again in place: nothing
is ever left behind, and what was not committed is read again after a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import cProfile
import datetime as dt
import os
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import faust

from schemas.errors import ContractBroken, SettingsWrong, Unavailable, ZorgstroomError
from streams.config import RoleConfig
from streams.hop import InputRecord
from streams.hop_engine import HopEngine
from streams.logs import logger
from streams.metrics import WorkerMetrics
from streams.outbox import OutboxSender

EXIT_SETTINGS, EXIT_CONTRACT = 2, 3
PROFILE_FOLDER: Final = "ZORGSTROOM_PROFILE_FOLDER"
"""Environment: where a worker writes the profile of its windows when it stops (`zorgstroom bench profile`)."""
_TAKE_RECORDS: Final = 32
_TAKE_SECONDS: Final = 0.03
_BACKOFF_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)


class Worker:
    """One process of one role."""

    def __init__(
        self,
        config: RoleConfig,
        engine: HopEngine[Any, Any],
        metrics: WorkerMetrics,
        ticks: Sequence[tuple[float, Callable[[OutboxSender], None]]] = (),
        *,
        take_records: int = _TAKE_RECORDS,
    ) -> None:
        """Wire Faust, engine and sender. `ticks`: work for the worker's thread about every so many seconds.

        `take_records`: how many to take at a time; more where they are small, since twice as many wait in memory.
        """
        self._take_records = take_records
        self.config, self.engine, self.metrics = config, engine, metrics
        self.log = logger(config.role)
        self.sender = OutboxSender(config.kafka.client(), metrics)
        self.executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=config.role)
        self.ticks = [(seconds, lambda work=work: work(self.sender)) for seconds, work in ticks]  # type: ignore[misc]
        self._profile = cProfile.Profile() if PROFILE_FOLDER in os.environ else None
        self.app = self._faust()

    def _faust(self) -> faust.App:
        kafka = self.config.kafka
        context = ssl.create_default_context(cafile=str(kafka.ca))
        context.load_cert_chain(str(kafka.cert), str(kafka.key))
        app = faust.App(
            f"{self.config.role}.v1", broker=f"kafka://{kafka.bootstrap}", broker_credentials=faust.SSLCredentials(context=context),
            key_serializer="raw", value_serializer="raw", topic_allow_declare=False, topic_disable_leader=True,
            web_enabled=False, store="memory://", datadir=str(self.config.secrets_dir.parent / "faust"), stream_buffer_maxsize=self._take_records * 2, broker_session_timeout=6.0,
            broker_heartbeat_interval=2.0, broker_request_timeout=20.0, consumer_auto_offset_reset="earliest",
            broker_commit_interval=1.0, stream_wait_empty=False, broker_max_poll_records=self._take_records * 2,
            consumer_max_fetch_size=4 * 1024 * 1024, worker_redirect_stdouts=False,
        )  # fmt: skip
        topic = app.topic(self.engine.role.input_topic, key_type=bytes, value_type=bytes, internal=False)

        @app.agent(topic)  # type: ignore[untyped-decorator, unused-ignore]
        async def take(stream: Any) -> None:
            loop = asyncio.get_running_loop()
            async for events in stream.take_events(self._take_records, within=_TAKE_SECONDS):
                records = [_record(event.message) for event in events]
                await loop.run_in_executor(self.executor, self._work, records)

        @app.on_partitions_assigned.connect(weak=False)  # type: ignore[untyped-decorator, unused-ignore]
        async def assigned(_app: Any, assigned: Any = (), **_: Any) -> None:
            mine = sorted({p.partition for p in assigned if p.topic == self.engine.role.input_topic})
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.executor, self._take_over, mine)
            self.metrics.is_ready.set(1)

        for seconds, work in ((1.0, self._forget), *self.ticks):
            self._timer(app, seconds, work)
        return app

    def _timer(self, app: faust.App, seconds: float, work: Callable[[], None]) -> None:
        @app.timer(seconds)  # type: ignore[untyped-decorator, unused-ignore]
        async def tick() -> None:
            await asyncio.get_running_loop().run_in_executor(self.executor, self._guarded, work)

    def _work(self, records: Sequence[InputRecord]) -> None:
        started = time.monotonic()
        self.metrics.take_in_hand(records[0].timestamp_ms / 1000)
        with self._profile or contextlib.nullcontext():
            for window in self.engine.windows(records):
                self._guarded(lambda w=window: self._take(w))  # type: ignore[misc]
        self.metrics.window_seconds.observe(time.monotonic() - started)
        self.metrics.lay_down(records[-1].timestamp_ms / 1000)

    def _take(self, window: Sequence[Any]) -> None:
        acknowledged = self.sender.acknowledged()
        rows = self.engine.process(window, acknowledged)
        self.sender.forget(acknowledged)
        self.sender.put(rows)

    def _take_over(self, partitions: Sequence[int]) -> None:
        """What an earlier owner committed and did not get sent goes first."""

        def resend() -> None:
            rows = self.engine.take_over(partitions)
            for start in range(0, len(rows), 500):
                self.sender.put(rows[start : start + 500])

        self._guarded(resend)

    def _forget(self) -> None:
        """Delete acknowledged rows when no window does it."""
        ids = self.sender.acknowledged()
        if ids:
            with self.engine.store.transaction() as tx:
                self.engine.store.delete(tx, ids)
            self.sender.forget(ids)

    def _guarded(self, work: Callable[[], None]) -> None:
        """Try again what is only unavailable; stop the process with one sentence on anything else."""
        tries = 0
        while True:
            try:
                work()
            except Unavailable as away:
                if tries == 0:
                    self.log.warning("waiting", reason=str(away))
                self.metrics.retries.inc()
                self.metrics.waiting.set(1)
                time.sleep(_BACKOFF_SECONDS[min(tries, len(_BACKOFF_SECONDS) - 1)])
                tries += 1
            except ZorgstroomError as broken:
                self._die(str(broken))
            except Exception as unexpected:  # noqa: BLE001 - the one place that catches broadly: it stops the process
                self._die(f"unexpected {type(unexpected).__name__} in {_where(unexpected)}")
            else:
                if tries:
                    self.metrics.waiting.set(0)
                    self.log.info("going on")
                return

    def _die(self, sentence: str) -> None:
        self.log.error("stopped", reason=sentence)
        sys.stdout.flush()
        os._exit(EXIT_CONTRACT)  # a worker must not go on, and Faust would keep other threads alive

    def run(self) -> None:
        """Run until SIGTERM."""
        worker = faust.Worker(self.app, loglevel="ERROR", redirect_stdouts=False, quiet=True)
        try:
            worker.execute_from_commandline()
        finally:
            self.executor.shutdown(wait=True, cancel_futures=True)
            self.sender.stop()
            if self._profile is not None:
                self._profile.dump_stats(Path(os.environ[PROFILE_FOLDER]) / f"{self.config.role}.pstats")


def today() -> dt.date:
    """The day it is, in UTC: for the validity of keys."""
    return dt.datetime.now(dt.UTC).date()


def _record(message: Any) -> InputRecord:
    return InputRecord(
        partition=message.partition, offset=message.offset, key=message.key or b"", value=message.value or b"",
        timestamp_ms=int((message.timestamp or 0) * 1000),
    )  # fmt: skip


def _where(failure: BaseException) -> str:
    """File and line of our own code where it happened: never the message, which may repeat data."""
    trace, place = failure.__traceback__, "?"
    while trace is not None:
        place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"  # noqa: PTH119
        trace = trace.tb_next
    return place


def _built(build: Callable[[RoleConfig, WorkerMetrics], Worker], config: RoleConfig, metrics: WorkerMetrics) -> Worker:
    """Build the worker, waiting for what is away."""
    told = False
    while True:
        try:
            built = build(config, metrics)
        except Unavailable as away:
            if not told:
                logger(config.role).warning("waiting", reason=str(away))
            told = True
            metrics.waiting.set(1)
            time.sleep(1)
        else:
            metrics.waiting.set(0)
            return built


def main(build: Callable[[RoleConfig, WorkerMetrics], Worker], arguments: Sequence[str] | None = None) -> None:
    """Entry of a role's process: `--config FILE`. Settings that are wrong: one sentence and exit code 2."""
    import argparse
    from pathlib import Path

    parser = argparse.ArgumentParser(description="One worker of the zone.")
    parser.add_argument("--config", required=True, type=Path, help="the role's settings (JSON)")
    chosen = parser.parse_args(arguments)
    try:
        config = RoleConfig.load(chosen.config)
        metrics = WorkerMetrics(config.role)
        metrics.serve(config.metrics_port)
        worker = _built(build, config, metrics)
    except SettingsWrong as wrong:
        print(wrong)  # noqa: T201 - the last line of the log is what the supervisor shows
        sys.exit(EXIT_SETTINGS)
    except ContractBroken as broken:
        print(broken)  # noqa: T201
        sys.exit(EXIT_CONTRACT)
    worker.run()
