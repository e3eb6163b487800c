"""The ledger as a role of the hop: verifies again, opens content, applies the rules, seals each person's events.

Sees person ids and what was delivered; never a BSN, an address, a household or an area.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from schemas import codec, topics
from schemas.directory import Directory
from schemas.envelope import Header, open_content, signature_valid
from schemas.errors import Refused, Unavailable
from schemas.frames import DELIVERY_ROW, ZERO16, Kind, rows_of
from schemas.sealing import partition_of, seal_events, sha256
from schemas.secrets import BoxKey, DataKey
from streams import ledger, ledger_store
from streams.hop import InputRecord, Numbered, Output, Poison
from streams.hop_engine import hop_number
from streams.hop_store import Transaction
from streams.metrics import WorkerMetrics

INPUT, OUTPUT = "rekeyed.v1", "ledger.v1"
_ROW: Final = DELIVERY_ROW.itemsize


class PersonKeys(Protocol):
    """Where person keys are borrowed (the keyvault, cached)."""

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, DataKey]:
        """Keys of these persons; made where absent."""
        ...


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """A record of intake: its fields, the header as signed, and why nothing of it is taken, if so."""

    fields: dict[str, Any]
    header: Header | None
    refusal: str | None


@dataclass(slots=True)
class _Work:
    """One envelope on its way through a window."""

    taken: Numbered[Rekeyed]
    header: Header
    content: dict[str, Any]
    persons: list[bytes]
    prepared: ledger.Prepared | None = None
    judged: ledger.Judged = field(default_factory=ledger.Judged)
    mandates: list[tuple[bytes, bytes]] = field(default_factory=list)
    refused_others: list[dict[str, Any]] = field(default_factory=list)
    accepted_others: int = 0


def sender_key_id(sender: str) -> bytes:
    """The id under which a sender's own key (for its closed months) is kept beside person keys."""
    return hashlib.sha256(b"sender" + sender.encode()).digest()[:16]


@dataclass(slots=True)
class LedgerRole:
    """See `streams.hop.Role`."""

    directory: Directory
    content_keys: dict[str, BoxKey]
    keys: PersonKeys
    metrics: WorkerMetrics
    name: str = "ledger"
    input_topic: str = INPUT

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
        entry = self.directory.sender_key(header.sender.text, header.signing_key_id)
        valid = entry is not None and signature_valid(
            public_key=entry.public_key, header=fields["header"], identity_hash=fields["identity_hash"],
            content_hash=sha256(fields["content"]), signature=fields["signature"],
        )  # fmt: skip
        return Numbered(record, stream, number, Rekeyed(fields, header, None if valid else "signature"))

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
        works: dict[int, _Work] = {}
        outputs: dict[int, list[Output]] = {}
        for index, taken in enumerate(accepted):
            found = self._open(taken)
            if isinstance(found, _Work):
                works[index] = found
            else:
                outputs[index] = found
        self._judge(tx, list(works.values()))
        for work in works.values():
            self._mandates(tx, work)
        sealed = self._seal(list(works.values()))
        for index, work in works.items():
            outputs[index] = [*sealed[id(work)], self._receipt(work.taken, work=work)]
        return [o for index in range(len(accepted)) for o in outputs[index]]

    def _open(self, taken: Numbered[Rekeyed]) -> _Work | list[Output]:
        header, fields = taken.payload.header, taken.payload.fields
        if header is None or taken.payload.refusal is not None:
            reason = taken.payload.refusal or "unreadable"
            self.metrics.dead_letter(reason)
            return [self._dead_letter(taken.record, reason)]
        secret = self.content_keys.get(header.content_key_id)
        persons = [fields["persons"][i : i + 16] for i in range(0, len(fields["persons"]), 16)]
        try:
            if secret is None:
                raise Refused("unknown-key", "Sealed under an unknown content key.")
            content = open_content(secret=secret, header=fields["header"], sealed=fields["content"])
            work = _Work(taken, header, content, persons)
            self._prepare(work)
        except Refused as refused:
            self.metrics.refused(refused.code)
            return [self._receipt(taken, code=refused.code)]
        return work

    def _prepare(self, work: _Work) -> None:
        rows = rows_of(work.content["rows"], DELIVERY_ROW)
        if not len(rows):
            return
        refusals = {r["subject"]: r["code"] for r in work.taken.payload.fields["refusals"]}
        entry = self.directory.sender(work.header.sender.text)
        payers = frozenset(entry.municipalities if entry else ())
        work.prepared = ledger.prepare(
            rows, provider=work.header.sender.number, payers=payers, day=work.header.day, subjects=work.persons,
            refusals=refusals,
        )  # fmt: skip
        if work.header.sender.is_municipality:
            work.prepared.codes[:] = ["kind"] * len(rows)

    def _judge(self, tx: Transaction, works: Sequence[_Work]) -> None:
        prepared = [w.prepared for w in works if w.prepared is not None]
        if not prepared:
            return
        references = [(p.provider, r) for p in prepared for r in p.references]
        references += [(p.provider, r) for p in prepared for r in p.previous if r != ZERO16]
        books = ledger_store.load_books(tx, references, [s for p in prepared for s in p.slots if s is not None])
        debits = [k for k in books.known.items() if k[1].row[0] == Kind.DELIVERED]
        withdrawn_slots = [s for _, k in debits if (s := ledger.slot_of_row(k.person, k.row)) is not None]
        books.open_slots |= ledger_store.open_slots(tx, withdrawn_slots)
        for work in works:
            if work.prepared is not None:
                work.judged = ledger.judge(work.prepared, books)
                self.metrics.duplicates.inc(work.judged.duplicates)
                for _, code in work.judged.refused:
                    self.metrics.refused(code)
        ledger_store.save_books(tx, books)

    def _mandates(self, tx: Transaction, work: _Work) -> None:
        """Mandates given and withdrawn by a municipality; anyone else's are refused one by one."""
        given, withdrawn = work.content["mandates"], work.content["mandates_withdrawn"]
        if not given and not withdrawn:
            return
        known = ledger_store.mandates(tx, [*(m["handle"] for m in given), *withdrawn])
        municipality = work.header.sender.number
        for index, mandate in enumerate(given):
            person = work.persons[mandate["subject"]] if mandate["subject"] < len(work.persons) else ZERO16
            code = None
            if not work.header.sender.is_municipality:
                code = "mandate-sender"
            elif mandate["handle"] in known:
                code = "mandate-handle"
            elif person == ZERO16:
                code = "subject"
            if code is not None:
                work.refused_others.append({"position": index, "reference": mandate["handle"], "code": code})
                continue
            fields = {k: v for k, v in mandate.items() if k != "subject"}
            change = codec.encode("mandate_change", fields | {"given": True, "municipality": municipality})
            known[mandate["handle"]] = ledger_store.GivenMandate(municipality, person, change, withdrawn=False)
            ledger_store.save_mandate(tx, mandate["handle"], known[mandate["handle"]])
            work.mandates.append((person, change))
        for index, handle in enumerate(withdrawn):
            before = known.get(handle)
            if before is None or before.municipality != municipality or not work.header.sender.is_municipality:
                work.refused_others.append({"position": index, "reference": handle, "code": "mandate-handle"})
                continue
            if before.withdrawn:
                continue
            change = codec.encode("mandate_change", codec.decode("mandate_change", before.change) | {"given": False})
            ledger_store.save_mandate(
                tx, handle, ledger_store.GivenMandate(municipality, before.person, before.change, withdrawn=True)
            )
            work.mandates.append((before.person, change))
        work.accepted_others += len(work.mandates)

    def _seal(self, works: Sequence[_Work]) -> dict[int, list[Output]]:
        """Each person's rows in one piece under that person's key; one record per envelope and target partition."""
        persons = {p for w in works for p, _ in (*w.judged.accepted, *w.mandates)}
        senders = {sender_key_id(w.header.sender.text) for w in works if w.content["months"]}
        wanted = sorted(persons | senders)
        keys = self.keys.keys(wanted) if wanted else {}
        if len(keys) < len(wanted):
            msg = "The keyvault lends no key for a person whose events came in."
            raise Unavailable(msg)
        return {id(w): self._records(w, keys) for w in works}

    def _records(self, work: _Work, keys: dict[bytes, DataKey]) -> list[Output]:
        by_person: dict[bytes, list[bytes]] = defaultdict(list)
        for person, row in work.judged.accepted:
            by_person[person].append(row)
        targets: dict[int, dict[str, Any]] = {}

        def target(name: bytes) -> dict[str, Any]:
            return targets.setdefault(
                partition_of(name, topics.ROAD_PARTITIONS),
                {"day": work.header.day, "placements": [], "events": [], "mandates": [], "months": []},
            )

        for placement in work.taken.payload.fields["placements"]:
            target(placement["person"])["placements"].append(placement)
        for person, rows in by_person.items():
            sealed = seal_events(keys[person], person, "events", b"".join(rows))
            target(person)["events"].append({"person": person, "sealed": sealed})
        for person, change in work.mandates:
            sealed = seal_events(keys[person], person, "mandate", change)
            target(person)["mandates"].append({"person": person, "sealed": sealed})
        if work.content["months"]:
            own = sender_key_id(work.header.sender.text)
            body = codec.encode("months_closed", {"provider": work.header.sender.number, "months": work.content["months"]})
            target(own)["months"].append({"person": own, "sealed": seal_events(keys[own], own, "months", body)})
            work.accepted_others += len(work.content["months"])
        record = work.taken.record
        return [
            Output(
                topic=OUTPUT, partition=partition, key=b"", body=codec.encode("person_events", fields),
                source_partition=record.partition, source_offset=record.offset,
            )
            for partition, fields in sorted(targets.items())
        ]  # fmt: skip

    def _receipt(self, taken: Numbered[Rekeyed], *, code: str = "0200", work: _Work | None = None) -> Output:
        header, record = taken.payload.header, taken.record
        assert header is not None
        judged = work.judged if work else ledger.Judged()
        references = work.prepared.references if work and work.prepared else []
        refused = [{"position": i, "reference": references[i], "code": c} for i, c in judged.refused]
        body = codec.encode(
            "receipt",
            {
                "sender": header.sender.text, "outbox": header.outbox.raw, "number": header.number, "kind": "final",
                "code": code, "accepted": len(judged.accepted) + (work.accepted_others if work else 0),
                "duplicates": judged.duplicates, "refused": refused + (work.refused_others if work else []),
            },
        )  # fmt: skip
        return Output(
            topic=topics.receipts_topic(header.sender.text), partition=0, key=b"", body=body,
            source_partition=record.partition, source_offset=record.offset, numbered=False, final=True,
        )  # fmt: skip

    def _dead_letter(self, record: InputRecord, reason: str) -> Output:
        body = codec.encode(
            "dead_letter",
            {"topic": INPUT, "partition": record.partition, "offset": record.offset, "role": self.name, "reason": reason,
             "sha256": sha256(record.value)},
        )  # fmt: skip
        return Output(
            topic="dead-letters.v1", partition=0, key=b"", body=body, source_partition=record.partition,
            source_offset=record.offset, numbered=False, final=True,
        )  # fmt: skip
