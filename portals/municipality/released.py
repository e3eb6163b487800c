"""Follows the two released topics of a municipality with its own certificate; what is not signed by release does not count.

Everything is kept in memory: the topics are the store. What is away is waited for, and said.
"""

from __future__ import annotations

import threading
from typing import Any, Final

import structlog
from confluent_kafka import KafkaException

from portals.municipality.figures import Figures
from projections.subscribers import ReleaseSubscriber
from schemas import topics
from schemas.directory import KeysAt
from schemas.errors import ZorgstroomError

_log: Final = structlog.get_logger("page")
_SECONDS_OF_A_POLL: Final = 0.3
_SECONDS_BEFORE_TRYING_AGAIN: Final = 1.0


class Released:
    """What was released to one municipality so far. Safe to read while a thread follows."""

    def __init__(self, settings: dict[str, Any], municipality: int, release_keys: KeysAt) -> None:
        """`settings`: librdkafka configuration with the municipality's certificate; `release_keys`: what proves that release signed."""
        name = f"gm{municipality:04d}"
        self._municipality = municipality
        self.macro = ReleaseSubscriber(settings, f"{name}.page-macro", topics.macro_topic(municipality), release_keys)
        self.meso = ReleaseSubscriber(settings, f"{name}.page-meso", topics.meso_topic(municipality), release_keys)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._made: dict[int, tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None, Figures]] = {}
        self.trouble = ""
        """Why nothing new can be read now, in one sentence; empty when all is well."""

    def follow(self) -> None:
        """Start following in a thread; what is away is waited for."""
        self._thread = threading.Thread(target=self._run, name="released", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.macro.poll(_SECONDS_OF_A_POLL)
                self.meso.poll(_SECONDS_OF_A_POLL)
            except (ZorgstroomError, KafkaException) as wrong:
                self._say(
                    str(wrong) if isinstance(wrong, ZorgstroomError) else "Kafka can't be read with these settings."
                )
                self._stopping.wait(_SECONDS_BEFORE_TRYING_AGAIN)
                continue
            if self.ready():
                self._say("")
        self.macro.close()
        self.meso.close()

    def _say(self, trouble: str) -> None:
        if trouble != self.trouble:
            _log.warning("waiting", why=trouble) if trouble else _log.info("reading again")
            self.trouble = trouble

    def ready(self) -> bool:
        """Whether all that had been released when the page started has been read."""
        return self.macro.caught_up and self.meso.caught_up

    def stop(self) -> None:
        """Stop following and leave the topics."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=3)

    def epochs(self) -> list[int]:
        """Month indexes of all released epochs, oldest first."""
        return sorted(self.macro.epochs)

    def name(self) -> str:
        """Name of the municipality."""
        return str(self.macro.geography["name"]) if self.macro.geography else f"GM{self._municipality:04d}"

    def geography(self, epoch: int) -> dict[str, Any] | None:
        """The areas one epoch was made on; where they are not on the topic, those published last. Raises `KeyError` for an epoch that was not released."""
        return self.macro.geographies.get(self.macro.epochs[epoch]["geometry_hash"], self.macro.geography)

    def figures(self, epoch: int) -> Figures:
        """The figures of one epoch, with the areas it was made with. Raises `KeyError` for one that was not released."""
        macro, meso = self.macro.epochs[epoch], self.meso.epochs.get(epoch)
        geography = self.geography(epoch)
        made = self._made.get(epoch)
        if made is None or made[0] is not macro or made[1] is not meso or made[2] is not geography:
            made = self._made[epoch] = (macro, meso, geography, Figures(macro, meso, geography))
        return made[3]

    def newest(self) -> Figures | None:
        """The figures released last, None while there are none."""
        epochs = self.epochs()
        return self.figures(epochs[-1]) if epochs else None

    def state(self) -> tuple[object, ...]:
        """What is known now; it changes with every record that counts, and when one was refused."""
        known = [(e["epoch"], e["version"]) for topic in (self.macro, self.meso) for e in topic.epochs.values()]
        return (self.macro.refused, self.meso.refused, len(self.macro.geographies), *sorted(known))

    def missing(self) -> list[int]:
        """Month indexes of epochs that were released and are not, or not wholly, on the topics (any more), oldest first."""
        lost = set(self.meso.epochs) - set(self.macro.epochs)
        return sorted(lost | self.macro.missing() | self.meso.missing())
