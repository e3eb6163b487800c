"""The ledger as a role of the hop: verifies again, opens content, applies the rules, seals each person's events.

Sees person ids and what was delivered; never a BSN, an address, a household or an area.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import structlog

from schemas import codec
from schemas.codes import DEAD_LETTERS
from schemas.directory import Directory, Entry
from schemas.envelope import Header, open_content, signature_valid
from schemas.errors import Refused, Unavailable
from schemas.frames import DELIVERY_ROW, ZERO16, Kind, rows_of
from schemas.mandate_rules import FAMILIES_DAYS
from schemas.sealing import sha256
from schemas.secrets import DataKey
from streams import ledger, ledger_mandates, ledger_store
from streams.dead_letters import dead_letter
from streams.hop import InputRecord, Numbered, Output, Poison
from streams.hop_engine import hop_number
from streams.hop_store import Transaction
from streams.key_ring import Keys
from streams.ledger_envelope import (
    CLOSED_MONTHS,
    INPUT,
    Rekeyed,
    Work,
    persons_in,
    receipt_of,
    records_of,
)
from streams.log_head import NONE
from streams.metrics import WorkerMetrics

_ROW: Final = DELIVERY_ROW.itemsize
_STRANGER_SECONDS: Final = 30.0
_NOT_PROVED: Final = ("signature", "revoked-key")


class PersonKeys(Protocol):
    """Where person keys are borrowed (the keyvault, cached)."""

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, DataKey]:
        """Keys of these persons; made where absent. Who has none any more is not among them."""
        ...


@dataclass(slots=True)
class LedgerRole:
    """See `streams.hop.Role`. `learn_more`: gives the directory a moment to hear of a sender intake knows already."""

    directory: Directory
    content_keys: Keys
    keys: PersonKeys
    metrics: WorkerMetrics
    learn_more: Callable[[], None] = lambda: None
    log_head: Callable[[], tuple[int, bytes]] = lambda: NONE
    limits: ledger_mandates.Limits = field(default_factory=ledger_mandates.Limits)
    log: Any = field(default_factory=lambda: structlog.get_logger(role="ledger"))
    """Hears of each mandate, change or withdrawal of a municipality that is refused: whose, where and why, never about whom."""
    name: str = "ledger"
    input_topic: str = INPUT
    _strangers: dict[tuple[str, str], float] = field(default_factory=dict)

    def identify(self, record: InputRecord) -> Numbered[Rekeyed] | Poison:
        """The hop's number counts; what is inside may still be refused whole."""
        try:
            stream, number, hop = hop_number(record, from_roles=("intake",))
        except Refused as broken:
            return Poison(record, broken.code)
        try:
            fields = codec.decode("rekeyed_envelope", hop["body"])
            header = Header.decode(fields["header"])
        except Refused as broken:
            return Numbered(record, stream, number, Rekeyed({}, None, broken.code))
        entry = self._signer(header)
        valid = entry is not None and signature_valid(
            public_key=entry.public_key, header=fields["header"], identity_hash=fields["identity_hash"],
            content_hash=sha256(fields["content"]), signature=fields["signature"],
        )  # fmt: skip
        refusal = None if valid else "signature"
        if valid and entry is not None and not entry.counts_at(min(fields["appended_ms"], record.timestamp_ms)):
            refusal = "revoked-key"
        return Numbered(record, stream, number, Rekeyed(fields, header, refusal))

    def _signer(self, header: Header) -> Entry | None:
        """The sender's key, which intake knew."""
        return self._awaited(self.directory.sender_key, (header.sender.text, header.signing_key_id))

    def _grantor_key(self, name: str, key_id: str) -> bytes | None:
        self._awaited(self.directory.grantor_key, (name, key_id))
        return self.directory.counting_grantor(name, key_id)

    def _decides(self, name: str, key_id: str) -> bytes | None:
        """Who has a say in an erasure: a grantor, or the projector on retention periods."""
        return self.directory.decides(name, key_id) or self._grantor_key(name, key_id)

    def _awaited(self, known: Callable[[str, str], Entry | None], name: tuple[str, str]) -> Entry | None:
        """A key of the directory. One that is not known here yet is awaited, once in a while."""
        entry, now = known(*name), time.monotonic()
        if entry is None and now - self._strangers.get(name, -_STRANGER_SECONDS) >= _STRANGER_SECONDS:
            self._strangers = {n: t for n, t in self._strangers.items() if now - t < _STRANGER_SECONDS} | {name: now}
            self.learn_more()
            entry = known(*name)
        return entry

    def events_in(self, payload: Rekeyed) -> int:
        """About as many as the sealed content holds."""
        return max(1, len(payload.fields.get("content", b"")) // _ROW)

    def seen(self, tx: Transaction, record: Numbered[Rekeyed]) -> Sequence[Output]:  # noqa: ARG002
        """Nothing: it was done."""
        return ()

    def beyond(self, tx: Transaction, record: Numbered[Rekeyed], *, expected: int) -> Sequence[Output]:  # noqa: ARG002
        """Nothing: intake knows what failed and sends it again."""
        return ()

    def apply(self, tx: Transaction, accepted: Sequence[Numbered[Rekeyed]]) -> Sequence[Output]:
        """Open, judge, seal, answer."""
        works = [self._open(taken) for taken in accepted]
        opened = [work for work in works if work is not None and work.refusal is None]
        erased = self._erase(tx, [work for work in works if work is not None])
        handles = [h for w in opened for h in ledger_mandates.handles_of(w.content)]
        book = ledger_mandates.MandateBook(ledger_store.mandates(tx, handles) if handles else {})
        givers = {w.header.sender.number: w.appended_day for w in opened if w.content["mandates"]}
        if givers:
            day = min(givers.values())
            book.live = ledger_store.live_mandates(tx, sorted(givers), day=day)
            book.families = ledger_store.family_mandates(tx, sorted(givers), since=day - FAMILIES_DAYS)
        keys = self._borrow(opened, {g.person for g in book.known.values()})
        for work in opened:
            self._prepare(work, keys)
        self._judge(tx, [work for work in works if work is not None])
        for work in opened:
            self._hear(work, keys, book)
        ledger_store.save_mandates(tx, book.changed)
        marks = {person: ledger_store.erase(tx, person) for person in erased}
        outputs: list[Output] = []
        for taken, done in zip(accepted, works, strict=True):
            if done is not None:
                outputs += records_of(done, keys, marks)
            refusal = taken.payload.refusal if done is None else done.refusal
            if refusal in DEAD_LETTERS:
                outputs.append(dead_letter(self.metrics, INPUT, taken.record, refusal))
            if done is not None and refusal not in _NOT_PROVED:
                outputs.append(receipt_of(done, self.log_head()))
        return outputs

    def _erase(self, tx: Transaction, works: Sequence[Work]) -> list[bytes]:
        """Who is gone before each envelope, in order, and whom the window erases: what comes after names nobody."""
        named = {p for w in works for p in w.persons}
        named |= {
            r["person"] for w in works for kind in ("placements", "erasures") for r in w.taken.payload.fields[kind]
        }
        gone = ledger_store.erased(tx, named - {ZERO16})
        now: list[bytes] = []
        for work in works:
            work.gone = gone | set(now)
            if work.refusal not in _NOT_PROVED:
                work.erase(self._decides)
            now += [person for person, _ in work.erased]
            for _, _, code in work.not_erased:
                self.metrics.refused(code)
        return now

    def _open(self, taken: Numbered[Rekeyed]) -> Work | None:
        """An envelope as far as it can be read; None where not even its header can."""
        header, fields = taken.payload.header, taken.payload.fields
        if header is None:
            return None
        work = Work(taken, header, persons_in(fields["persons"]), refusal=taken.payload.refusal)
        if work.refusal is not None:
            return work
        secret = self.content_keys.get(header.content_key_id)
        if secret is None:
            work.refusal = "unknown-key"
        else:
            try:
                work.content = open_content(secret=secret, header=fields["header"], sealed=fields["content"])
                rows_of(work.content["rows"], DELIVERY_ROW)
            except Refused as refused:
                work.refusal = refused.code
        if work.refusal is not None:
            self.metrics.refused(work.refusal)
        return work

    def _borrow(self, works: Sequence[Work], mandated: set[bytes]) -> dict[bytes, DataKey]:
        """Keys of everyone the window writes about, and the one for closed months."""
        wanted = set(mandated)
        months: set[bytes] = set()
        for work in works:
            named = set(np.unique(rows_of(work.content["rows"], DELIVERY_ROW)["subject"]).tolist())
            named |= {m["subject"] for m in work.content["mandates"]}
            wanted |= {work.persons[i] for i in named if 0 <= i < len(work.persons)}
            if work.content["months"]:
                months.add(CLOSED_MONTHS)
        wanted |= months
        wanted.discard(ZERO16)
        keys = self.keys.keys(sorted(wanted)) if wanted else {}
        if not months <= keys.keys():
            msg = "The keyvault lends no key for closed months."
            raise Unavailable(msg)
        return keys

    def _payers(self, header: Header) -> frozenset[int]:
        entry = self.directory.sender(header.sender.text)
        return frozenset(entry.municipalities if entry else ())

    def _prepare(self, work: Work, keys: dict[bytes, DataKey]) -> None:
        """Who was erased, or has no key any more, is nobody: what a row about them names is gone."""
        known = [p in keys and p not in work.gone for p in work.persons]
        gone = {i: "gone" for i, p in enumerate(work.persons) if p != ZERO16 and not known[i]}
        work.persons = [p if is_known else ZERO16 for p, is_known in zip(work.persons, known, strict=True)]
        rows = rows_of(work.content["rows"], DELIVERY_ROW)
        if not len(rows):
            return
        refusals = gone | {r["subject"]: r["code"] for r in work.taken.payload.fields["refusals"]}
        work.prepared = ledger.prepare(
            rows, provider=work.header.sender.number, payers=self._payers(work.header), day=work.header.day,
            subjects=work.persons, refusals=refusals,
        )  # fmt: skip
        if work.header.sender.is_municipality:
            work.prepared.codes[:] = ["kind"] * len(rows)

    def _judge(self, tx: Transaction, works: Sequence[Work]) -> None:
        prepared = [w.prepared for w in works if w.prepared is not None]
        if not prepared:
            return
        references = [(p.provider, r) for p in prepared for r in p.references]
        references += [(p.provider, r) for p in prepared for r in p.previous if r != ZERO16]
        books = ledger_store.load_books(tx, references, [s for p in prepared for s in p.slots if s is not None])
        debits = [k for k in books.known.values() if k.row[0] == Kind.DELIVERED]
        books.open_slots |= ledger_store.open_slots(
            tx, [s for k in debits if (s := ledger.slot_of_row(k.person, k.row)) is not None]
        )
        books.grants = ledger_store.standing_grants(
            tx,
            {
                (p.provider, a)
                for p in prepared
                for a, kind in zip(p.assignments, p.rows["kind"].tolist(), strict=True)
                if kind == Kind.GRANTED and a != ZERO16
            },
        )
        for work in works:
            if work.prepared is not None:
                work.judged = ledger.judge(work.prepared, books)
                self.metrics.events_out.inc(len(work.judged.accepted))
                self.metrics.duplicates.inc(work.judged.duplicates)
                for _, code in work.judged.refused:
                    self.metrics.refused(code)
            books.erased |= {person for person, _ in work.erased}
        ledger_store.save_books(tx, books)

    def _hear(self, work: Work, keys: dict[bytes, DataKey], book: ledger_mandates.MandateBook) -> None:
        """Mandates and closed months."""
        work.said = ledger_mandates.hear(
            work.content, sender=work.header.sender, payers=self._payers(work.header), persons=work.persons,
            keyed=keys.keys() - work.gone,
            day=work.appended_day, book=book, limits=self.limits, grantor_key=self._grantor_key,
            refusals={r["subject"]: r["code"] for r in work.taken.payload.fields["refusals"]},
        )  # fmt: skip
        self.metrics.duplicates.inc(work.said.duplicates)
        for position, _, code in work.said.refused:
            self.metrics.refused(code)
            if work.header.sender.is_municipality:
                self.log.warning(
                    "refused", code=code, sender=work.header.sender.text, number=work.header.number, position=position
                )
