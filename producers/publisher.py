"""The library for a provider's own system: publish deliveries, know what became of them, in a few lines.

    with Publisher(Profile.load(folder)) as publisher:
        publisher.publish(delivery)
    # leaving the block flushes; receipts are in publisher.receipts()

Batches by size and time, seals, numbers and keeps each envelope before it is sent. One error type: `PublishError`.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

from producers.deliveries import Item, MonthClosed
from producers.kafka_link import DELIVERED, KafkaLink
from producers.outbox import Outbox, Receipt
from producers.packing import Packed, pack, pack_months
from producers.profile import Profile
from schemas.envelope import MAX_EVENTS, Header, seal_envelope
from schemas.errors import Refused, Unavailable, ZorgstroomError
from schemas.values import OutboxId, day_number

BATCH_SECONDS: Final = 2.0
MAX_WAITING: Final = 2_000


class PublishError(ZorgstroomError):
    """Something could not be published; the sentence says what and what to do. Nothing was half done."""


class Publisher:
    """Publishes for one profile. Not to be shared between processes; its methods may be called from several threads."""

    def __init__(
        self, profile: Profile, *, batch_events: int = MAX_EVENTS, batch_seconds: float = BATCH_SECONDS,
        told: Callable[[Receipt], None] = lambda _: None, max_waiting: int = MAX_WAITING,
    ) -> None:  # fmt: skip
        """Open the outbox and start the link. Raises `SettingsWrong` when the outbox is in use."""
        self.profile = profile
        self._signing, self._handles = profile.signing_key(), profile.handle_key()
        self.outbox = Outbox(profile.folder / "outbox.sqlite")
        self.link = KafkaLink(profile, self.outbox, told)
        self._batch_events, self._batch_seconds, self._max_waiting = batch_events, batch_seconds, max_waiting
        self._buffer: list[Item] = []
        self._trouble = ""
        self._since = 0.0
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self.link.start()
        self._timer = threading.Thread(target=self._flush_in_time, name="publisher", daemon=True)
        self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def publish(self, item: Item) -> None:
        """Take one delivery, withdrawal or grant; it is durable after `flush` or at most two seconds.

        Waits while the outbox is full (back-pressure). Raises `PublishError` while a full batch can't be kept (a full
        disk): then this item is not taken, and those before it wait in memory for the next try.
        """
        with self._lock:
            if len(self._buffer) >= self._batch_events:
                self.flush()
            if not self._buffer:
                self._since = time.monotonic()
            self._buffer.append(item)
            if len(self._buffer) >= self._batch_events:
                self._flush_quietly()

    def flush(self) -> None:
        """Seal and keep what was taken. Raises `PublishError`; what could not be kept is tried again with the next."""
        with self._lock:
            for packed in pack(self._buffer.copy(), secret=self._handles, limit=self._batch_events):
                self.publish_packed(packed, file="")
                del self._buffer[: packed.events]

    def _flush_quietly(self) -> None:
        """Flush where nobody is there to hear of trouble: `state` says it, and the next `publish`, `flush` or `close` raises it."""
        try:
            self.flush()
            self._trouble = ""
        except PublishError as wrong:
            self._trouble = str(wrong)

    def publish_items(self, items: Sequence[Item], *, file: str, lines: Sequence[int] | None = None) -> int:
        """Publish the items of one file, in order; returns how many envelopes were kept. Raises `PublishError`."""
        with self._lock:
            count = 0
            for packed in pack(items, secret=self._handles, lines=lines, limit=self._batch_events):
                self.publish_packed(packed, file=file)
                count += 1
            return count

    def close_months(self, months: Sequence[MonthClosed]) -> None:
        """Say of months that all was sent, or that nothing was delivered."""
        self.flush()
        self.publish_packed(pack_months(months), file="")
        self.outbox.remember_months((m.payer, m.stream.value, m.month.index) for m in months)

    def publish_packed(self, packed: Packed, *, file: str) -> int:
        """Seal and keep one envelope; returns its number. Raises `PublishError`."""
        self._wait_for_room()
        day = day_number(dt.datetime.now(dt.UTC).date())
        try:
            recipients = self.profile.recipients(day)

            def seal(outbox: OutboxId, number: int) -> bytes:
                header = Header(
                    DELIVERED, self.profile.sender, outbox, number, recipients.identity_key_id, recipients.content_key_id,
                    self.profile.signing_key_id, day,
                )  # fmt: skip
                return seal_envelope(
                    header=header, identity=packed.identity, content=packed.content, recipients=recipients,
                    signing=self._signing,
                )  # fmt: skip

            number = self.outbox.add(seal, events=packed.events, file=file, references=packed.references)
        except (Refused, Unavailable) as refused:
            raise PublishError(str(refused), dutch=refused.dutch) from refused
        self.link.wake()
        return number

    def _wait_for_room(self) -> None:
        while self.outbox.waiting_count() >= self._max_waiting:
            if self.link.on_hold:
                raise PublishError(
                    "The zone has put this sender on hold; call the municipality before publishing more.",
                    dutch="De zone heeft deze afzender stilgezet; bel de gemeente voordat u meer verstuurt.",
                )
            time.sleep(0.05)

    def _flush_in_time(self) -> None:
        while not self._closing.wait(0.2):
            with self._lock:
                due = self._buffer and time.monotonic() - self._since >= self._batch_seconds
                if due:
                    self._flush_quietly()

    def wait(self, *, seconds: float, progress: Callable[[int], None] = lambda _: None) -> bool:
        """Wait until every envelope has its final receipt; `progress` hears how many are left. False after `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := self.outbox.waiting_count()) or not self.link.caught_up(seconds=0):
            progress(left)
            if time.monotonic() > deadline or self.link.on_hold:
                return False
            time.sleep(0.02)
        progress(0)
        return True

    def receipts(self) -> list[Receipt]:
        """All final receipts so far."""
        return self.outbox.receipts()

    def state(self) -> dict[str, Any]:
        """For a person: how many wait, what for, whether on hold."""
        return {
            "waiting": self.outbox.waiting_count(),
            "waiting_for": self._trouble or self.link.waiting_for,
            "on_hold": self.link.on_hold,
        }

    def close(self) -> None:
        """Keep what was taken and stop; what has no receipt yet is sent by the next publisher of this profile.

        Raises `PublishError` when what was taken last could not be kept; all is stopped nevertheless.
        """
        try:
            self.flush()
        finally:
            self._closing.set()
            self._timer.join(timeout=2)
            self.link.stop()
            self.outbox.close()
