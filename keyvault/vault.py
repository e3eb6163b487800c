"""What the vault does for whom, without HTTP, SQL or Kafka: lend keys, hand over a look's keys, withdraw, tell its log.

Pseudonyms are in `keyvault.pseudonym_work`, erasure in `keyvault.erasure_work`, naming a person in `keyvault.officers`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hmac
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nacl.exceptions import CryptoError

from keyvault.access_log import GIVEN, LOOK, NOBODY, READ_LOG, WITHDRAW, Access, AccessLog
from keyvault.caller_signature import check_caller_signature
from keyvault.limits import EvaluationRules
from keyvault.mandates import check_in_force
from keyvault.mutual_tls import Caller
from keyvault.ports import Meter, Store
from schemas import codec
from schemas.directory import KeysAt
from schemas.errors import Refused, Unavailable
from schemas.household_record import COMMON_SECTION, OpenedBox, SectionClaim, check_signature, open_key_box
from schemas.mandate_rules import MandateRules, Purpose
from schemas.sealing import box_public_key, seal_to
from schemas.secrets import BoxKey

MAX_PERSONS: Final = 5_000
_PERSON_BYTES: Final = 16
_PUBLISH_AT_ONCE: Final = 500
OWN_LOG_LINES: Final = 1_000
"""How many lines of the own log are told at once; older ones are asked for by their moment."""
_MOST_LINES: Final = 2_000
_ONE_READING_MS: Final = 60_000
"""How soon the next lines are asked for while it is one and the same reading."""


@dataclass(slots=True)
class Vault:
    """The vault's work. `clock` gives the time in seconds since 1970. All bodies are Avro single objects.

    `untold`: handles of lines a person is not told of yet, since a court ordered it.
    """

    store: Store
    log: AccessLog
    projector_keys: KeysAt
    meter: Meter
    clock: Callable[[], float] = time.time
    rules: MandateRules = field(default_factory=MandateRules)
    evaluations: EvaluationRules = field(default_factory=EvaluationRules)
    untold: Callable[[], set[bytes]] = set
    _publishing: threading.Lock = field(default_factory=threading.Lock)
    _read_to: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Up to which line each caller has read the log, and when; a line says that the reading began."""

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.clock(), dt.UTC)

    def today(self) -> dt.date:
        """The day it is."""
        return self._now().date()

    def person_keys(self, caller: Caller, body: bytes) -> bytes:
        """Lend person keys; only the ledger makes missing ones."""
        keys = self.store.person_keys(_persons_in(body), make=caller.name == "ledger", today=self.today())
        self.meter.lent(sum(k is not None for k in keys))
        return lent(keys)

    def placement_public_keys(self, _caller: Caller, body: bytes) -> bytes:
        """What persons' placements are sealed to; made where absent: a person is placed before anything else is known of him or her."""
        secrets = self._placement_secrets(_persons_in(body), make=True)
        return lent([None if s is None else box_public_key(s) for s in secrets])

    def placement_keys(self, _caller: Caller, body: bytes) -> bytes:
        """The keys that open persons' placements, on loan."""
        secrets = self._placement_secrets(_persons_in(body), make=False)
        return lent([None if s is None else s.reveal() for s in secrets])

    def _placement_secrets(self, persons: list[bytes], *, make: bool) -> list[BoxKey | None]:
        """Of each person: from the person's key, with which it is destroyed, and from a key of the vault, so that the ledger can't make it."""
        keys = self.store.person_keys(persons, make=make, today=self.today())
        _, own = self.store.box_key("placement", self.today())
        return [
            None if k is None else BoxKey(hmac.digest(own.reveal(), b"placement 1|" + person + k, "sha256"))
            for person, k in zip(persons, keys, strict=True)
        ]

    def public_key(self, use: str) -> bytes:
        """The public half of the `section` key."""
        key_id, secret = self.store.box_key(use, self.today())
        return codec.encode("vault_key", {"key_id": key_id, "key": box_public_key(secret)})

    def look(self, caller: Caller, body: bytes) -> bytes:
        """Hand over the keys of a record's sections for this one look, after the access log is acknowledged.

        Raises `Refused`, logged too: `signature` (of the reader or of the projector), `no-mandate`, `withdrawn`, `expired`,
        `part` (a key box of another record, mandate or version), `purpose`, `mandate-period`, `household-limit`. `Unavailable`
        when the log can't be written.
        """
        asked, opened, record = self._opened(caller, body, LOOK)
        del asked
        return codec.encode(
            "vault_look_answer",
            {"keys": opened.sealed, "log_hash": record["hash"], "log_sequence": record["sequence"]},
        )

    def own_log(self, caller: Caller, body: bytes) -> bytes:
        """Who looked at a member of a family, or at the household there: for the member alone, under the own mandate.

        Only members of families may ask; the body is that of a look; the reading itself is logged, and is the newest line. Raises as `look`.
        """
        asked, opened, record = self._opened(caller, body, READ_LOG)
        mandate = self.store.mandate(asked["handle"])
        assert mandate is not None  # `_opened` raised
        lines = self.store.log_of(mandate.person, opened.household, limit=OWN_LOG_LINES, before_ms=asked["before_ms"])
        untold = self.untold()
        told = [
            codec.encode("access_record", _as_told(line, client=record["client"]))
            for line in lines
            if line["handle"] not in untold
        ]
        sealed = seal_to(asked["one_time_key"], codec.encode("vault_log_lines", {"lines": told}))
        return codec.encode(
            "vault_own_log", {"lines": sealed, "log_hash": record["hash"], "log_sequence": record["sequence"]}
        )

    def log_lines(self, caller: Caller, body: bytes) -> bytes:
        """Lines of the whole log, for an operator; whoever begins to read, anywhere, is logged, and goes on from there at once without a further line."""
        asked = codec.decode("vault_log_after", body)
        if asked["sequence"] < 0 or not 0 < asked["limit"] <= _MOST_LINES:
            raise Refused("unreadable", f"Lines after a number, at most {_MOST_LINES} at once.")
        read_to, at_ms = self._read_to.get(caller.name, (0, 0))
        if asked["sequence"] == 0 or read_to != asked["sequence"] or self.now_ms() - at_ms > _ONE_READING_MS:
            self.write(Access(self.now_ms(), READ_LOG, NOBODY, caller.name, caller.source, None, GIVEN))
        lines = self.store.log_lines(after=asked["sequence"], limit=asked["limit"])
        self._read_to[caller.name] = (lines[-1]["sequence"] if lines else asked["sequence"], self.now_ms())
        return codec.encode("vault_log_lines", {"lines": [codec.encode("access_record", line) for line in lines]})

    def log_head(self) -> bytes:
        """Number and hash of the newest line: what goes into receipts, so that a cut or forked log shows."""
        sequence, head = self.store.log_head()
        return codec.encode("vault_log_head", {"sequence": sequence, "hash": head})

    def _opened(self, caller: Caller, body: bytes, action: str) -> tuple[dict[str, Any], _Opened, dict[str, Any]]:
        """What was asked, what the mandate opens of it, and its line in the log; a refusal is logged and raised."""
        signed = codec.decode("vault_signed_look", body)
        asked = codec.decode("vault_look", signed["look"])
        mandate = self.store.mandate(asked["handle"])
        access = Access(self.now_ms(), action, asked["handle"], caller.name, caller.source, mandate, GIVEN)
        try:
            check_caller_signature(caller.certificate, signed["look"], signed["signature"])
            check_in_force(mandate, reader=caller.name, today=self.today(), rules=self.rules)
            assert mandate is not None  # `check_in_force` raised
            opened = self._section_keys(asked, self.rules.purpose(mandate.purpose))
        except Refused as refused:
            self.write(replace(access, result=refused.code))
            raise
        handed = opened.sections if action == LOOK else ()
        return asked, opened, self.write(replace(access, household=opened.household, sections=handed))

    def _section_keys(self, asked: dict[str, Any], purpose: Purpose) -> _Opened:
        """A sealed key per claim, empty where the purpose does not open that section of the mandate's own person."""
        handle, version = asked["handle"], asked["version"]
        claims = [
            SectionClaim(c["member"], c["section_class"], c["key_box"], c["ciphertext_hash"]) for c in asked["claims"]
        ]
        check_signature(
            projector_keys=self.projector_keys(int(self.clock() * 1000)),
            handle=handle,
            version=version,
            claims=claims,
            signature=asked["signature"],
        )
        boxes = [self._opened_box(handle, version, c) if _opens(purpose, c) else None for c in claims]
        if not any(boxes):
            raise Refused("part", "The record has no section this mandate opens.")
        try:
            sealed = [b"" if b is None else seal_to(asked["one_time_key"], b.data_key.reveal()) for b in boxes]
        except CryptoError as weak:
            raise Refused("unreadable", "The one-time key is no X25519 key.") from weak
        household = next(b.household for b in boxes if b is not None)
        _, key = self.store.box_key("log", self.today())
        return _Opened(
            sealed, hmac.digest(key.reveal(), b"household" + household, "sha256")[:16],
            tuple(c.section_class for c, b in zip(claims, boxes, strict=True) if b is not None),
        )  # fmt: skip

    def _opened_box(self, handle: bytes, version: int, claim: SectionClaim) -> OpenedBox:
        """Under today's section key, or under the one before it until every live record is made anew."""
        _, secret = self.store.box_key("section", self.today())
        try:
            return open_key_box(section_secret=secret, handle=handle, version=version, claim=claim)
        except Refused:
            before = self.store.leaving_box_key("section")
            if before is None:
                raise
            return open_key_box(section_secret=before, handle=handle, version=version, claim=claim)

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock() * 1000)

    def write(self, access: Access) -> dict[str, Any]:
        """Chain the access, then publish all that is not acknowledged yet, in order: a failed try leaves no hole in the topic."""
        since_ms = access.at_ms - self.rules.looks_days * 86_400_000
        record = self.store.write_log(access, most=self.rules.looks_households, since_ms=since_ms)
        with self._publishing:
            while waiting := self.store.unpublished_log(_PUBLISH_AT_ONCE):
                self.log.append(waiting)
                self.store.log_published(waiting[-1]["sequence"])
        if access.action == LOOK:
            self.meter.looked(record["result"])
        if record["result"] != access.result:
            raise Refused(
                "household-limit",
                f"You have looked at {self.rules.looks_households} different households in {self.rules.looks_days} days; ask your "
                "municipality, or wait.",
                dutch=f"U heeft in {self.rules.looks_days} dagen {self.rules.looks_households} verschillende huishoudens bekeken; "
                "overleg met uw gemeente, of wacht.",
            )
        return record

    def withdraw(self, caller: Caller, body: bytes) -> bytes:
        """Close a mandate at once, and log it; only the municipality that gave it may (one not known yet is closed in advance)."""
        handle = codec.decode("vault_mandate", body)["handle"]
        mandate = self.store.mandate(handle)
        access = Access(self.now_ms(), WITHDRAW, handle, caller.name, caller.source, mandate, GIVEN)
        if mandate is not None and mandate.gemeente != caller.name:
            self.write(replace(access, result="no-mandate"))
            raise Refused("no-mandate", "This municipality gave no mandate with this handle.")
        self.store.withdraw(handle, by=caller.name, at=self._now())
        with contextlib.suppress(Unavailable):  # closing does not wait for Kafka; the line follows with the next
            self.write(access)
        return codec.encode("vault_mandate", {"handle": handle})


def _persons_in(body: bytes) -> list[bytes]:
    """The person ids a request names. Raises `Refused` (`unreadable`, `schema`)."""
    packed = codec.decode("vault_persons", body)["persons"]
    if len(packed) % _PERSON_BYTES or len(packed) > MAX_PERSONS * _PERSON_BYTES:
        raise Refused("unreadable", f"Up to {MAX_PERSONS} person ids of {_PERSON_BYTES} bytes in one request.")
    return [packed[i : i + _PERSON_BYTES] for i in range(0, len(packed), _PERSON_BYTES)]


def lent(keys: Sequence[bytes | None]) -> bytes:
    """Keys as they are lent: 32 bytes each, zeros where there is none."""
    return codec.encode("vault_person_keys", {"keys": b"".join(k or bytes(32) for k in keys)})


@dataclass(frozen=True, slots=True)
class _Opened:
    """A sealed key per section asked (empty where not opened), what the log calls the household, and which sections were opened."""

    sealed: list[bytes]
    household: bytes
    sections: tuple[str, ...]


def _opens(purpose: Purpose, claim: SectionClaim) -> bool:
    """Whether a purpose opens a section: what is common, and of the mandate's own person what it names."""
    if (claim.member, claim.section_class) == COMMON_SECTION:
        return True
    return claim.member == 1 and purpose.opens(claim.section_class)


def _as_told(line: dict[str, Any], *, client: bytes) -> dict[str, Any]:
    """A line as a member of the family reads it. Of a look under another member's mandate only who and when: why is that member's.

    Handles and the log's own ids stay in the vault, so its hashes can't be checked line by line there; the head can.
    """
    told = line | {"handle": NOBODY, "household": NOBODY, "source": ""}
    if line["client"] != client:
        told |= {"client": NOBODY, "purpose": "", "ground": "", "grantor": "", "sections": ""}
    return told
