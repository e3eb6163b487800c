"""What the vault does for whom, without HTTP, SQL or Kafka: evaluate blindly, lend keys, hand over a look's keys, withdraw.

Places kept for what comes next. Rotation: `evaluate` uses the one active pseudonym key and names it, a second one gets a
method of its own that multiplies by new/old. Erasure: `person_keys` answers None for a person without key, so destroying
one is a row less. Officers: re-identification needs approvals the store does not hold yet. Limits: `evaluate` knows the day's
total of its caller before it answers. None of these is half there.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from nacl.exceptions import CryptoError

from keyvault import voprf
from keyvault.access_log import GIVEN, AccessLog, Look
from keyvault.caller_signature import check_caller_signature
from keyvault.mandates import Mandate, check_in_force
from keyvault.mutual_tls import Caller
from schemas import codec
from schemas.errors import Refused
from schemas.household_record import COMMON_SECTION, SectionClaim, check_signature, section_key
from schemas.mandate_rules import MandateRules
from schemas.sealing import box_public_key, seal_to
from schemas.secrets import BoxKey, ScalarKey

MAX_PERSONS: Final = 5_000
_PERSON_BYTES: Final = 16
_PUBLISH_AT_ONCE: Final = 500


class Store(Protocol):
    """What the vault keeps. Every method raises `Unavailable` when the database is away."""

    def pseudonym_key(self, today: dt.date) -> tuple[str, ScalarKey]:
        """The pseudonym key and its id, made at first need."""
        ...

    def box_key(self, use: str, today: dt.date) -> tuple[str, BoxKey]:
        """The `placement` or `section` key and its id, made at first need."""
        ...

    def person_keys(self, persons: Sequence[bytes], *, make: bool, today: dt.date) -> list[bytes | None]:
        """Keys in the order asked; made where absent if `make`, else None there."""
        ...

    def count_evaluations(self, caller: str, count: int, today: dt.date) -> int:
        """Add to the caller's count of the day; returns the day's total."""
        ...

    def mandate(self, handle: bytes) -> Mandate | None:
        """A mandate; `given` is False once it was withdrawn by either way."""
        ...

    def withdraw(self, handle: bytes, *, by: str, at: dt.datetime) -> None:
        """Close a mandate at once if `by` gave it, or gives it later."""
        ...

    def write_log(self, look: Look, *, most: int, since_ms: int) -> dict[str, Any]:
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

    def log_head(self) -> bytes:
        """Hash of the last access record."""
        ...


class Meter(Protocol):
    """What an operator may count of the vault's work."""

    def evaluated(self, count: int) -> None:
        """So many elements were evaluated."""
        ...

    def lent(self, count: int) -> None:
        """So many person keys were lent."""
        ...

    def looked(self, result: str) -> None:
        """A look ended: `given`, or the code of its refusal."""
        ...


@dataclass(slots=True)
class Vault:
    """The vault's work. `clock` gives the time in seconds since 1970. All bodies are Avro single objects."""

    store: Store
    log: AccessLog
    projector_public: bytes
    meter: Meter
    clock: Callable[[], float] = time.time
    rules: MandateRules = field(default_factory=MandateRules)
    _publishing: threading.Lock = field(default_factory=threading.Lock)

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.clock(), dt.UTC)

    def _today(self) -> dt.date:
        return self._now().date()

    def evaluate(self, caller: Caller, body: bytes) -> bytes:
        """Multiply blinded elements by the pseudonym key, with a proof; counted per caller and day before it answers."""
        elements = codec.decode("vault_elements", body)["elements"]
        key_id, secret = self.store.pseudonym_key(self._today())
        evaluated, proof = voprf.evaluate(secret, elements)
        self.store.count_evaluations(caller.name, len(elements), self._today())
        self.meter.evaluated(len(elements))
        return codec.encode("vault_evaluation", {"key_id": key_id, "elements": evaluated, "proof": proof})

    def person_keys(self, caller: Caller, body: bytes) -> bytes:
        """Lend person keys; only the ledger makes missing ones."""
        packed = codec.decode("vault_persons", body)["persons"]
        if len(packed) % _PERSON_BYTES or len(packed) > MAX_PERSONS * _PERSON_BYTES:
            raise Refused("unreadable", f"Up to {MAX_PERSONS} person ids of {_PERSON_BYTES} bytes in one request.")
        persons = [packed[i : i + _PERSON_BYTES] for i in range(0, len(packed), _PERSON_BYTES)]
        keys = self.store.person_keys(persons, make=caller.name == "ledger", today=self._today())
        self.meter.lent(sum(k is not None for k in keys))
        return codec.encode("vault_person_keys", {"keys": b"".join(k or bytes(32) for k in keys)})

    def public_key(self, use: str) -> bytes:
        """The public half of the `voprf`, `placement` or `section` key."""
        if use == "voprf":
            key_id, scalar = self.store.pseudonym_key(self._today())
            return codec.encode("vault_key", {"key_id": key_id, "key": voprf.public_key(scalar)})
        key_id, secret = self.store.box_key(use, self._today())
        return codec.encode("vault_key", {"key_id": key_id, "key": box_public_key(secret)})

    def placement_private(self) -> bytes:
        """The placement key on loan, for the projector only."""
        key_id, secret = self.store.box_key("placement", self._today())
        return codec.encode("vault_key", {"key_id": key_id, "key": secret.reveal()})

    def look(self, caller: Caller, body: bytes) -> bytes:
        """Hand over the keys of a record's sections for this one look, after the access log is acknowledged.

        Raises `Refused`, logged too: `signature` (of the reader or of the projector), `no-mandate`, `withdrawn`, `expired`,
        `part` (a key box of another record, mandate or version), `purpose`, `mandate-period`, `household-limit`. `Unavailable` when the log can't be written.
        """
        signed = codec.decode("vault_signed_look", body)
        asked = codec.decode("vault_look", signed["look"])
        mandate = self.store.mandate(asked["handle"])
        try:
            check_caller_signature(caller.certificate, signed["look"], signed["signature"])
            check_in_force(mandate, reader=caller.name, today=self._today(), rules=self.rules)
            sealed = self._section_keys(asked, opens=self._opens(mandate))
        except Refused as refused:
            self._write(asked["handle"], caller, mandate=mandate, result=refused.code)
            raise
        head = self._write(asked["handle"], caller, mandate=mandate, result=GIVEN)
        return codec.encode("vault_look_answer", {"keys": sealed, "log_hash": head})

    def _opens(self, mandate: Mandate | None) -> Callable[[SectionClaim], bool]:
        """Which sections this mandate opens today: what is common, and of its own person what its purpose names."""
        private = self.rules.purpose(mandate.purpose).opens if mandate is not None else None
        return lambda c: (
            (c.member, c.section_class) == COMMON_SECTION
            or (private is not None and c.member == 1 and private(c.section_class))
        )

    def _section_keys(self, asked: dict[str, Any], *, opens: Callable[[SectionClaim], bool]) -> list[bytes]:
        """A sealed key per claim, empty where the mandate does not open that section."""
        handle, version = asked["handle"], asked["version"]
        claims = [
            SectionClaim(c["member"], c["section_class"], c["key_box"], c["ciphertext_hash"]) for c in asked["claims"]
        ]
        check_signature(
            projector_public=self.projector_public,
            handle=handle,
            version=version,
            claims=claims,
            signature=asked["signature"],
        )
        _, secret = self.store.box_key("section", self._today())
        keys = [
            section_key(section_secret=secret, handle=handle, version=version, claim=c) if opens(c) else None
            for c in claims
        ]
        try:
            return [b"" if k is None else seal_to(asked["one_time_key"], k.reveal()) for k in keys]
        except CryptoError as weak:
            raise Refused("unreadable", "The one-time key is no X25519 key.") from weak

    def _write(self, handle: bytes, caller: Caller, *, mandate: Mandate | None, result: str) -> bytes:
        """Chain the look, then publish all that is not acknowledged yet, in order: a failed try leaves no hole in the topic."""
        now_ms = int(self.clock() * 1000)
        look = Look(now_ms, handle, caller.name, mandate, result)
        since_ms = now_ms - self.rules.looks_days * 86_400_000
        record = self.store.write_log(look, most=self.rules.looks_households, since_ms=since_ms)
        with self._publishing:
            while waiting := self.store.unpublished_log(_PUBLISH_AT_ONCE):
                self.log.append(waiting)
                self.store.log_published(waiting[-1]["sequence"])
        self.meter.looked(record["result"])
        if record["result"] != result:
            raise Refused(
                "household-limit",
                f"You have looked at {self.rules.looks_households} different households in {self.rules.looks_days} days; ask your "
                "municipality, or wait.",
                dutch=f"U heeft in {self.rules.looks_days} dagen {self.rules.looks_households} verschillende huishoudens bekeken; "
                "overleg met uw gemeente, of wacht.",
            )
        return bytes(record["hash"])

    def withdraw(self, caller: Caller, body: bytes) -> bytes:
        """Close a mandate at once; only the municipality that gave it may (one not known yet is closed in advance)."""
        handle = codec.decode("vault_mandate", body)["handle"]
        mandate = self.store.mandate(handle)
        if mandate is not None and mandate.gemeente != caller.name:
            raise Refused("no-mandate", "This municipality gave no mandate with this handle.")
        self.store.withdraw(handle, by=caller.name, at=self._now())
        return codec.encode("vault_mandate", {"handle": handle})
