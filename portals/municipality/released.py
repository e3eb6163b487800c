"""Follows the two released topics of a municipality with its own certificate; what is not signed by release does not count."""

from __future__ import annotations

import threading
import time
from typing import Any

from portals.municipality.figures import Figures
from projections.subscribers import ReleaseSubscriber
from schemas import topics
from schemas.errors import ZorgstroomError


class Released:
    """What was released to one municipality so far. Safe to read while a thread follows."""

    def __init__(self, settings: dict[str, Any], municipality: int, release_public: bytes) -> None:
        """`settings`: librdkafka configuration with the municipality's certificate."""
        name = f"gm{municipality:04d}"
        self._municipality = municipality
        self._macro = ReleaseSubscriber(settings, f"{name}.page-macro", topics.macro_topic(municipality), release_public)
        self._meso = ReleaseSubscriber(settings, f"{name}.page-meso", topics.meso_topic(municipality), release_public)
        self._stopping = threading.Event()
        self._read = threading.Event()

    def follow(self) -> threading.Thread:
        """Start following in a thread; what is away is waited for."""
        thread = threading.Thread(target=self._run, name="released", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        quiet = 0
        while not self._stopping.is_set():
            try:
                news = [self._macro.poll(0.3), self._meso.poll(0.3)]
            except ZorgstroomError:
                time.sleep(1)
                continue
            quiet = 0 if any(news) else quiet + 1
            if quiet >= 2 or self._macro.epochs:
                self._read.set()
        self._macro.close()
        self._meso.close()

    def ready(self) -> bool:
        """Whether what there was has been read."""
        return self._read.is_set()

    def stop(self) -> None:
        """Stop following."""
        self._stopping.set()

    def epochs(self) -> list[int]:
        """Month indexes of all released epochs, oldest first."""
        return sorted(self._macro.epochs)

    def name(self) -> str:
        """Name of the municipality."""
        return str(self._macro.geography["name"]) if self._macro.geography else f"GM{self._municipality:04d}"

    def figures(self, epoch: int) -> Figures:
        """The figures of one epoch. Raises `KeyError` for one that was not released."""
        return Figures(self._macro.epochs[epoch], self._meso.epochs.get(epoch), self._macro.geography)
