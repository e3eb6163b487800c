"""Follows `directory.v1` or, for senders, `role-keys.v1`: who is admitted and which keys count, verified against the pinned root."""

from __future__ import annotations

import threading
import time
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from schemas.directory import Directory
from schemas.errors import Refused, Unavailable
from schemas.roots import Roots

TOPIC, ROLE_KEYS = "directory.v1", "role-keys.v1"


class DirectoryFollower(threading.Thread):
    """A thread that keeps a `Directory` up to date."""

    def __init__(self, roots: Roots, settings: dict[str, Any], *, role: str, topic: str = TOPIC) -> None:
        """`settings`: librdkafka configuration of `role`, a principal's name; `roots`: pinned; `topic`: one of the two above."""
        super().__init__(name="directory", daemon=True)
        self.directory, self._topic = Directory(roots), topic
        self._settings: dict[str, Any] = settings | {
            "group.id": f"{role}.directory", "enable.auto.commit": False, "enable.partition.eof": True,
        }  # fmt: skip
        self._caught_up = threading.Event()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Read from the beginning and go on reading."""
        consumer = Consumer(self._settings)
        consumer.assign([TopicPartition(self._topic, 0, 0)])
        while not self._stopping.is_set():
            for record in consumer.consume(200, 0.2):
                if record.error() is not None:
                    if record.error().name() == "_PARTITION_EOF":
                        self._caught_up.set()
                    continue
                try:
                    self.directory.take(record.value() or b"")
                except Refused:
                    continue  # an entry the root did not sign counts for nothing, wherever it lies
        consumer.close()

    @property
    def caught_up(self) -> bool:
        """Whether everything that was there when it began was read."""
        return self._caught_up.is_set()

    def release_keys(self, appended_ms: int) -> list[bytes]:
        """Public keys that prove that release signed what Kafka took in at a moment (ms since 1970). Raises `Unavailable`."""
        return self.wait().proves("release", appended_ms)

    def wait(self, *, seconds: float = 60) -> Directory:
        """Wait until everything there is was read. Raises `Unavailable`."""
        if not self._caught_up.wait(seconds):
            msg = "The directory of keys and senders can't be read from Kafka."
            raise Unavailable(msg)
        return self.directory

    def refreshed(self, *, seconds: float = 1.0) -> None:
        """Give a new entry a moment to arrive: a sender that was just admitted is not refused for it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stopping.is_set():
            time.sleep(0.05)

    def any_grantor_key(self, name: str, key_id: str, *, seconds: float = 5.0) -> bytes | None:
        """The public key of a grantor, also of one revoked since; None where none came within `seconds`. Raises `Unavailable`."""
        known, deadline = self.wait(), time.monotonic() + seconds
        while (entry := known.grantor_key(name, key_id)) is None:
            if time.monotonic() > deadline or self._stopping.is_set():
                return None
            self.refreshed(seconds=0.1)
        return entry.public_key

    def stop(self) -> None:
        """Stop and wait a moment."""
        self._stopping.set()
        self.join(timeout=3)
