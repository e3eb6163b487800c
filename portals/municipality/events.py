"""The municipality's own topic as its page has it: followed in a thread, and written with the page's key.

What was written is shown once it was read back: the page shows what the topic says and keeps nothing beside it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog
from confluent_kafka import KafkaException

from portals.municipality.sessions import Session
from projections.municipal_events import Story, apply
from projections.municipal_topic import MunicipalReader
from schemas.errors import Refused, Unavailable, ZorgstroomError
from schemas.municipal_events import Event, Kind, Pen

_log: Final = structlog.get_logger("page")
_SECONDS_OF_A_POLL: Final = 0.2
_SECONDS_BEFORE_TRYING_AGAIN: Final = 1.0
_SECONDS_TO_READ_BACK: Final = 8.0


class Appends(Protocol):
    """Appends a signed record and returns its offset. Raises `Unavailable`."""

    def __call__(self, data: bytes, /) -> int:
        """See the class."""
        ...


class OwnEvents:
    """Read and written by one page. `pen`: None where it may only read."""

    def __init__(self, reader: MunicipalReader, *, pen: Pen | None, append: Appends, now_ms: Callable[[], int]) -> None:
        """Nothing is read before `follow`."""
        self._reader, self._pen, self._append, self._now_ms = reader, pen, append, now_ms
        self._stopping = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None
        self.trouble = ""
        """Why nothing new can be read now, in one sentence; empty when all is well."""

    @property
    def story(self) -> Story:
        """All that counts so far."""
        return self._reader.story

    @property
    def version(self) -> int:
        """How many records were read: another number where the story may be another one."""
        return self._reader.next_offset

    @property
    def may_write(self) -> bool:
        """Whether this page has a key to write with."""
        return self._pen is not None

    def ready(self) -> bool:
        """Whether all that was there when the page started has been read."""
        return self._reader.caught_up

    def follow(self) -> None:
        """Follow in a thread; what is away is waited for."""
        self._thread = threading.Thread(target=self._run, name="own-events", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._reader.poll(_SECONDS_OF_A_POLL)
            except (ZorgstroomError, KafkaException) as wrong:
                said = str(wrong) if isinstance(wrong, ZorgstroomError) else "Kafka can't be read with these settings."
                if said != self.trouble:
                    _log.warning("waiting", why=said)
                self.trouble = said
                self._stopping.wait(_SECONDS_BEFORE_TRYING_AGAIN)
                continue
            self.trouble = ""
        self._reader.close()

    def stop(self) -> None:
        """Stop following."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=3)

    def write(self, kind: Kind, person: Session, **fields: Any) -> None:
        """Append what a person did and wait until it is read back. Raises `Refused` where it does not count, `Unavailable`."""
        if self._pen is None:
            raise Refused("part", "This page may not write.", dutch="Deze pagina mag niet schrijven.")
        who = {"at_ms": self._now_ms(), "actor": person.actor, "actor_name": person.name}
        with self._writing:
            apply(self.story, Event(kind, {"municipality": self._pen.municipality} | who | fields))
            offset = self._append(self._pen.signed(kind, **who, **fields))
            deadline = time.monotonic() + _SECONDS_TO_READ_BACK
            while self._reader.next_offset <= offset:
                if time.monotonic() > deadline:
                    raise Unavailable("It is kept, and shown as soon as Kafka answers again.",
                                      dutch="Het is bewaard, en te zien zodra Kafka weer antwoordt.")  # fmt: skip
                time.sleep(0.02)
        if offset in self._reader.refused_offsets:
            raise Refused("municipal-event", "It does not count: somebody was before you, or this page's key is too old. Load the page again.",
                          dutch="Dit telt niet: iemand was u voor, of de sleutel van deze pagina is te oud. Laad de pagina opnieuw.")  # fmt: skip
