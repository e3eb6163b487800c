"""Intake as a role of the hop: verifies envelopes, opens identity parts, sends them on with person ids.

Never opens a content part. Stores, logs and counts no sender per person.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from schemas import codec, topics
from schemas.codes import ACCEPTED, DEAD_LETTERS
from schemas.directory import Directory
from schemas.envelope import Envelope, open_identity
from schemas.errors import Refused
from schemas.sealing import partition_of, sha256
from schemas.secrets import Bsn
from schemas.values import Month, day_of
from streams import intake_store as store
from streams.dead_letters import dead_letter
from streams.hop import InputRecord, Numbered, Output, Poison
from streams.hop_store import Transaction
from streams.intake_erasure import ErasureDesk
from streams.intake_placing import Arrived, Opened, Placing
from streams.intake_retention import named
from streams.key_ring import Keys
from streams.log_head import NONE
from streams.metrics import WorkerMetrics
from streams.pseudonyms import Asked, Pseudonyms

INPUT, OUTPUT = "delivered.v1", "rekeyed.v1"
_NO_PERSON: Final = bytes(16)
_DAY_MS: Final = topics.DAY_MS
_BYTES_PER_EVENT: Final = 93
_OF_MUNICIPALITIES: Final = ("residences", "links", "erasures_asked", "erasures_decided")


@dataclass(slots=True)
class IntakeRole:
    """See `streams.hop.Role`."""

    directory: Directory
    identity_keys: Keys
    pseudonyms: Pseudonyms
    placing: Placing
    metrics: WorkerMetrics
    learn_more: Callable[[], None]
    log_head: Callable[[], tuple[int, bytes]] = lambda: NONE
    log: Any = field(default_factory=lambda: structlog.get_logger(role="intake"))
    """Hears of each request or decision to erase that is refused: whose, where and why, never about whom."""
    name: str = "intake"
    input_topic: str = INPUT
    _strangers: dict[str, float] = field(default_factory=dict)

    def identify(self, record: InputRecord) -> Numbered[Arrived] | Poison:
        """Decode and verify; the number counts once the signature is valid."""
        try:
            envelope = Envelope.decode(record.value)
        except Refused as broken:
            return Poison(record, broken.code)
        header = envelope.header
        if header.topic != INPUT or record.partition != partition_of(
            header.sender.text.encode(), topics.ROAD_PARTITIONS
        ):
            return Poison(record, "part")
        entry = self.directory.sender_key(header.sender.text, header.signing_key_id)
        if entry is None and self._worth_waiting(header.sender.text):
            self.learn_more()
            entry = self.directory.sender_key(header.sender.text, header.signing_key_id)
        if entry is None:
            known = self.directory.sender(header.sender.text) is not None
            return Poison(record, "unknown-key" if known else "unknown-sender")
        if not envelope.signed_by(entry.public_key):
            return Poison(record, "signature")
        if not entry.counts_at(record.timestamp_ms):
            return Poison(record, "revoked-key")
        stream = store.stream_of(header.sender.text, header.outbox.raw)
        return Numbered(record, stream, header.number, Arrived(envelope, sha256(record.value)))

    def _worth_waiting(self, sender: str) -> bool:
        """A sender nobody knows may have been admitted just now: wait once, not for every record."""
        now = time.monotonic()
        if now - self._strangers.get(sender, -60.0) < 10.0 or len(self._strangers) > 1000:
            return False
        self._strangers[sender] = now
        return True

    def events_in(self, payload: Arrived) -> int:
        """About as many as fit into the content part; intake can't know."""
        return max(1, len(payload.envelope.content) // _BYTES_PER_EVENT)

    def seen(self, tx: Transaction, record: Numbered[Arrived]) -> Sequence[Output]:
        """The same envelope again is nothing; another under its number is equivocation: the sender is on hold."""
        known = store.hash_of(tx, record.stream, record.number)
        if known is None or known == record.payload.hash:
            return ()
        sender = record.payload.envelope.header.sender.text
        store.hold(tx, sender)
        letter = dead_letter(self.metrics, INPUT, record.record, "equivocation")
        return (letter, self._receipt(record, kind="hold", code="equivocation"))

    def beyond(self, tx: Transaction, record: Numbered[Arrived], *, expected: int) -> Sequence[Output]:
        """Tell the sender which number is missing, once per gap and minute."""
        if not store.may_tell_gap(tx, record.stream, expected):
            return ()
        return (self._receipt(record, kind="expects", number=expected),)

    def apply(self, tx: Transaction, accepted: Sequence[Numbered[Arrived]]) -> Sequence[Output]:
        """Open, pseudonymise, place, send on."""
        self._strangers.clear()
        store.save_hashes(tx, [(a.stream, a.number, a.payload.hash) for a in accepted])
        held = store.on_hold(tx, (a.payload.envelope.header.sender.text for a in accepted))
        outputs: dict[int, list[Output]] = {}
        opened: list[Opened] = []
        for taken in accepted:
            try:
                opened.append(self._open(taken, held))
            except Refused as refused:
                outputs[id(taken)] = self._refused(taken, refused.code)
        contradicted = self._name_persons(tx, opened)
        named(tx, {p for o in opened if not o.taken.payload.envelope.header.sender.is_municipality for p in o.persons})
        for o in (o for o in opened if o.sender in contradicted):
            letter = dead_letter(self.metrics, INPUT, o.taken.record, "equivocation")
            outputs[id(o.taken)] = [letter, *self._refused(o.taken, "on-hold")]
        opened = [o for o in opened if o.sender not in contradicted]
        touched: dict[bytes, Opened] = {}
        for o in opened:
            touched |= {person: o for person in self._erase(tx, o) if person not in touched}
        self.placing.place(tx, opened, touched)
        outputs |= {id(o.taken): [self._rekeyed(o)] for o in opened}
        self.metrics.events_out.inc(sum(self.events_in(o.taken.payload) for o in opened))
        return [output for taken in accepted for output in outputs[id(taken)]]

    def _refused(self, taken: Numbered[Arrived], code: str) -> list[Output]:
        """A receipt, since the sender is proved; and a letter where the envelope could not be read."""
        self.metrics.refused(code)
        letters = [dead_letter(self.metrics, INPUT, taken.record, code)] if code in DEAD_LETTERS else []
        return [*letters, self._receipt(taken, kind="final", code=code)]

    def _open(self, taken: Numbered[Arrived], held: set[str]) -> Opened:
        envelope = taken.payload.envelope
        header = envelope.header
        if header.sender.text in held:
            raise Refused("on-hold", "The sender is on hold.")
        secret = self.identity_keys.get(header.identity_key_id)
        if secret is None:
            raise Refused("unknown-key", "Sealed under an unknown identity key.")
        identity = open_identity(secret=secret, header=envelope.header_bytes, sealed=envelope.identity)
        if not header.sender.is_municipality and any(identity[name] for name in _OF_MUNICIPALITIES):
            raise Refused("mandate-sender", "Only a municipality sends residences, links and requests to erase.")
        refusals: dict[int, str] = {}
        for index, subject in enumerate(identity["subjects"]):
            try:
                subject["bsn"] = Bsn(subject["bsn"])
            except Refused as wrong:
                refusals[index] = wrong.code
        return Opened(taken, identity, refusals)

    def _name_persons(self, tx: Transaction, opened: list[Opened]) -> set[str]:
        """Give every subject its person id; the senders of whom a handle stands for more than one person go on hold."""
        asked: list[Asked] = []
        for o in opened:
            header = o.taken.payload.envelope.header
            month = Month.of(day_of(header.day)).index
            housed = {s["subject"] for name in ("residences", "links") for s in o.identity[name]}
            housed |= {link["to_subject"] for link in o.identity["links"]}
            by_gemeente = header.sender.is_municipality
            asked += [
                Asked(o.sender, s["handle"], s["bsn"], header.number, month, only_known=by_gemeente and i not in housed)
                for i, s in enumerate(o.identity["subjects"]) if i not in o.refusals
            ]  # fmt: skip
        try:
            persons, contradicted = self.pseudonyms.resolve(tx, asked)
        except BaseException:
            self.pseudonyms.forget_uncommitted()
            raise
        for sender in contradicted:
            store.hold(tx, sender)
        remaining = iter(persons)
        for o in opened:
            o.persons = [_NO_PERSON if i in o.refusals else next(remaining) for i in range(len(o.identity["subjects"]))]
            to_erase = {a["subject"] for a in o.identity["erasures_asked"]}
            o.refusals |= {
                i: "erasure-unknown" if i in to_erase else "mandate-unknown"
                for i, p in enumerate(o.persons) if p == _NO_PERSON and i not in o.refusals
            }  # fmt: skip
        return contradicted

    def _erase(self, tx: Transaction, o: Opened) -> set[bytes]:
        """Hear requests to erase and decisions; who was linked to someone that is gone."""
        header = o.taken.payload.envelope.header
        if not header.sender.is_municipality:
            return set()
        appended_day = o.taken.record.timestamp_ms // _DAY_MS
        heard = ErasureDesk(header.sender.number, self.directory.decides, appended_day, self.identity_keys).hear(
            tx, o.identity, o.persons, o.refusals
        )
        o.erasures = heard.rows
        for position, row in enumerate(heard.rows):
            if row["code"] != ACCEPTED:
                self.metrics.refused(row["code"])
                self.log.warning(
                    "refused", code=row["code"], sender=header.sender.text, number=header.number, position=position
                )
        return heard.moved

    def _rekeyed(self, o: Opened) -> Output:
        envelope, record = o.taken.payload.envelope, o.taken.record
        body = codec.encode(
            "rekeyed_envelope",
            {
                "header": envelope.header_bytes, "identity_hash": sha256(envelope.identity), "content": envelope.content,
                "signature": envelope.signature, "persons": b"".join(o.persons),
                "refusals": [{"subject": i, "code": c} for i, c in sorted(o.refusals.items())], "erasures": o.erasures,
                "placements": o.placements, "appended_ms": record.timestamp_ms,
            },
        )  # fmt: skip
        return Output(
            topic=OUTPUT, partition=record.partition, key=o.sender.encode(), body=body,
            source_partition=record.partition, source_offset=record.offset,
        )  # fmt: skip

    def _receipt(self, taken: Numbered[Arrived], *, kind: str, code: str = "0200", number: int | None = None) -> Output:
        header, record = taken.payload.envelope.header, taken.record
        sequence, head = self.log_head()
        body = codec.encode(
            "receipt",
            {"sender": header.sender.text, "outbox": header.outbox.raw, "number": number or header.number, "kind": kind,
             "code": code, "accepted": 0, "duplicates": 0, "refused": [], "log_sequence": sequence, "log_hash": head},
        )  # fmt: skip
        return Output(
            topic=topics.receipts_topic(header.sender.text), partition=0, key=b"", body=body,
            source_partition=record.partition, source_offset=record.offset, numbered=False, final=True,
        )  # fmt: skip
