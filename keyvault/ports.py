"""What the vault needs of others: a store for what it keeps, and a meter for what an operator may count."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

from keyvault.access_log import Access
from keyvault.erasure_table import Erasure
from keyvault.key_table import KeyState
from keyvault.limits import Taken
from keyvault.mandates import Mandate
from schemas.erasure import Proved
from schemas.orders import Order
from schemas.secrets import BoxKey, ScalarKey, SigningKey


class Store(Protocol):
    """What the vault keeps. Every method raises `Unavailable` when the database is away."""

    def pseudonym_key(self, today: dt.date) -> tuple[str, ScalarKey]:
        """The pseudonym key and its id, made at first need."""
        ...

    def box_key(self, use: str, today: dt.date) -> tuple[str, BoxKey]:
        """The `placement` or `section` key and its id, made at first need."""
        ...

    def leaving_box_key(self, use: str) -> BoxKey | None:
        """The key of a use that still opens what was sealed to it, and nothing is sealed to any more."""
        ...

    def turn_box_key(self, use: str, today: dt.date) -> str | None:
        """Make a further key of a use; the one before is leaving. Its id, or None while an earlier one is still leaving."""
        ...

    def settle_box_key(self, use: str, *, active: str, today: dt.date) -> bool:
        """Destroy what is leaving, if `active` names the active key. False where nothing was leaving, or it does not."""
        ...

    def key_states(self) -> list[KeyState]:
        """All named keys there are and were, without their bytes."""
        ...

    def person_keys(self, persons: Sequence[bytes], *, make: bool, today: dt.date) -> list[bytes | None]:
        """Keys in the order asked; made where absent if `make`, else None there. Of who was erased None, for good."""
        ...

    def erasure(self, request: bytes) -> Erasure | None:
        """What a request to erase came to; None where nobody was erased on it."""
        ...

    def erase(self, person: bytes, *, by: Proved, at_ms: int, line: tuple[int, bytes]) -> None:
        """Destroy a person's key and end every mandate for him or her, for good. `line`: number and hash in the access log."""
        ...

    def year_keys(self, partition: int, years: Sequence[int], today: dt.date) -> list[bytes | None]:
        """The keys of service years in a partition of the ledger, made where absent; None where one was destroyed."""
        ...

    def has_year_keys(self, partition: int, years: Sequence[int]) -> bool:
        """Whether any of these years has a key in a partition."""
        ...

    def destroy_years(self, partition: int, years: Sequence[int]) -> None:
        """Destroy the keys of years in a partition, for good."""
        ...

    def signing_key(self, today: dt.date) -> tuple[str, SigningKey]:
        """The key that signs receipts, and its id, made at first need."""
        ...

    def take_evaluations(self, caller: str, wanted: int, today: dt.date, *, per_day: int) -> Taken:
        """Count up to `wanted` evaluations for a caller, from the day's limit first, then from orders in force; never more."""
        ...

    def place_order(self, order: Order, today: dt.date) -> bool:
        """Keep an order; False where it is there already. One to turn makes the next pseudonym key, where there is none."""
        ...

    def next_pseudonym_key(self) -> tuple[str, ScalarKey] | None:
        """The key the pseudonym key is turned to, and its id; None where no turn was ordered."""
        ...

    def take_turned(self, wanted: int, today: dt.date, *, key_id: str) -> int | None:
        """Count elements that turn away from a key, all or none; what its orders still allow after that, None where it is too many."""
        ...

    def end_turn(self, *, old: str, new: str, today: dt.date) -> bool:
        """Put the next pseudonym key in the place of the old one, which is destroyed. False where that was done before."""
        ...

    def evaluation_days(self, today: dt.date) -> tuple[int, list[int]]:
        """Evaluations of today, and of each earlier day of the last four weeks that had any."""
        ...

    def mandate(self, handle: bytes) -> Mandate | None:
        """A mandate; `given` is False once it was withdrawn by either way."""
        ...

    def withdraw(self, handle: bytes, *, by: str, at: dt.datetime) -> None:
        """Close a mandate at once if `by` gave it, or gives it later."""
        ...

    def write_log(self, access: Access, *, most: int, since_ms: int) -> dict[str, Any]:
        """Append to the chain; returns the `access_record` datum.

        A look that would be given becomes `household-limit` where its reader was given looks at `most` other households
        since `since_ms` (milliseconds since 1970).
        """
        ...

    def unpublished_log(self, limit: int) -> list[dict[str, Any]]:
        """The oldest records not yet known to be acknowledged, in order."""
        ...

    def log_published(self, sequence: int) -> None:
        """All records up to this one are acknowledged."""
        ...

    def log_lines(self, *, after: int, limit: int) -> list[dict[str, Any]]:
        """Records after a sequence, in order."""
        ...

    def log_of(self, person: bytes, household: bytes, *, limit: int, before_ms: int = 0) -> list[dict[str, Any]]:
        """Records about a person or a household (as the log calls it), newest first; of before a moment, where it is not 0."""
        ...

    def log_head(self) -> tuple[int, bytes]:
        """Number and hash of the last access record."""
        ...


class Meter(Protocol):
    """What an operator may count of the vault's work."""

    def evaluated(self, count: int, *, today: int, median: float, left: int) -> None:
        """So many elements were evaluated; of today so far, the median day of four weeks, and what is left today."""
        ...

    def lent(self, count: int) -> None:
        """So many person keys were lent."""
        ...

    def looked(self, result: str) -> None:
        """A look ended: `given`, or the code of its refusal."""
        ...
