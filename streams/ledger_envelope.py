"""One envelope on its way through the ledger: verified, opened, judged; and the records and the receipt it becomes.

What intake placed goes on even where nothing else of an envelope is taken: intake sends a placement once.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas import codec, topics
from schemas.codes import ACCEPTED
from schemas.envelope import Header
from schemas.erasure import PublicKeyOf
from schemas.errors import Refused
from schemas.frames import ZERO16
from schemas.retention import decided, may_be_about
from schemas.sealing import padded, partition_of, seal_events
from schemas.secrets import DataKey
from streams.hop import InputRecord, Numbered, Output
from streams.ledger import Judged, Prepared
from streams.ledger_mandates import Said

INPUT: Final = "rekeyed.v1"
OUTPUT: Final = "ledger.v1"


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """A record of intake: its fields, the header as signed, and why nothing of its content is taken, if so."""

    fields: dict[str, Any]
    header: Header | None
    refusal: str | None


@dataclass(slots=True)
class Work:
    """One envelope of a window. `refusal`: the code with which its content is refused whole.

    `gone`: of all persons it names, those erased before it; `erased`: whom it erases, with the decision; `asked`: how many requests and
    decisions count; `not_erased`: those that do not, as (position, request, code).
    """

    taken: Numbered[Rekeyed]
    header: Header
    persons: list[bytes]
    content: dict[str, Any] = field(default_factory=dict)
    refusal: str | None = None
    prepared: Prepared | None = None
    judged: Judged = field(default_factory=Judged)
    said: Said = field(default_factory=Said)
    gone: set[bytes] = field(default_factory=set)
    erased: list[tuple[bytes, bytes]] = field(default_factory=list)
    asked: int = 0
    not_erased: list[tuple[int, bytes, str]] = field(default_factory=list)

    @property
    def appended_day(self) -> int:
        """The day Kafka took it in: what a limit goes by is not for the sender to say."""
        return int(self.taken.payload.fields["appended_ms"] // topics.DAY_MS)

    def erase(self, key_of: PublicKeyOf) -> None:
        """Hear what intake passes on of requests to erase, and hold decisions to their signatures again."""
        for position, heard in enumerate(self.taken.payload.fields["erasures"]):
            code = heard["code"]
            if code == ACCEPTED and heard["decision"]:
                code = self._decided(heard, key_of)
            if code == ACCEPTED:
                self.asked += 1
            else:
                self.not_erased.append((position, heard["request"], code))

    def _decided(self, heard: dict[str, Any], key_of: PublicKeyOf) -> str:
        try:
            decision = decided(heard["decision"], key_of, on=self.appended_day).decision
        except Refused as refused:
            return refused.code
        if (
            not decision.granted
            or (decision.request, decision.municipality)
            != (
                heard["request"],
                self.header.sender.number,
            )
            or not may_be_about(decision, heard["person"])
        ):
            return "erasure-request"
        if heard["person"] not in self.gone and heard["person"] not in dict(self.erased):
            self.erased.append((heard["person"], heard["decision"]))
        return ACCEPTED


def persons_in(packed: bytes) -> list[bytes]:
    """Person ids of a rekeyed record, one per subject."""
    return [packed[i : i + 16] for i in range(0, len(packed), 16)]


CLOSED_MONTHS: Final = hashlib.sha256(b"closed months").digest()[:16]
"""The id under which the key for closed months is kept beside person keys: one for all senders, or the ledger's topic would say in the clear
whose months those are, and so, by their neighbours, whose clients came before them.
"""


def records_of(work: Work, keys: Mapping[bytes, DataKey], marks: Mapping[bytes, Sequence[bytes]]) -> list[Output]:
    """Each person's rows in one piece under that person's key; one record per target partition. `marks`: of whom it erases."""
    targets: dict[int, dict[str, Any]] = {}

    def target(name: bytes) -> dict[str, Any]:
        return into(partition_of(name, topics.ROAD_PARTITIONS))

    def into(partition: int) -> dict[str, Any]:
        return targets.setdefault(
            partition,
            {"day": work.header.day, "placements": [], "events": [], "mandates": [], "months": [], "erased": []},
        )

    for placement in work.taken.payload.fields["placements"]:
        if placement["person"] not in work.gone:
            target(placement["person"])["placements"].append(placement)
    by_person: dict[bytes, list[bytes]] = defaultdict(list)
    for person, row in work.judged.accepted:
        by_person[person].append(row)
    for person, rows in by_person.items():
        sealed = seal_events(keys[person], person, "events", b"".join(rows))
        target(person)["events"].append({"person": person, "sealed": sealed})
    for person, change in work.said.changes:
        sealed = seal_events(keys[person], person, "mandate", change)
        target(person)["mandates"].append({"person": person, "sealed": sealed})
    if work.said.months:
        body = padded(
            codec.encode("months_closed", {"provider": work.header.sender.number, "months": work.said.months})
        )
        sealed = seal_events(keys[CLOSED_MONTHS], CLOSED_MONTHS, "months", body)
        into(work.taken.record.partition)["months"].append({"person": CLOSED_MONTHS, "sealed": sealed})
    for person, decision in work.erased:
        references = b"".join(marks[person])
        target(person)["erased"].append({"person": person, "decision": decision, "references": references})
    record = work.taken.record
    return [
        Output(
            topic=OUTPUT, partition=partition, key=b"", body=codec.encode("person_events", fields),
            source_partition=record.partition, source_offset=record.offset,
        )
        for partition, fields in sorted(targets.items())
    ]  # fmt: skip


def receipt_of(work: Work, log_head: tuple[int, bytes]) -> Output:
    """The final receipt: what counts, what was known, what is refused and why. `log_head`: newest line of the access log."""
    references: Callable[[int], bytes] = lambda i: work.prepared.references[i] if work.prepared else ZERO16  # noqa: E731
    refused = [{"position": i, "reference": references(i), "code": c} for i, c in work.judged.refused]
    refused += [
        {"position": i, "reference": handle, "code": c} for i, handle, c in (*work.said.refused, *work.not_erased)
    ]
    body = codec.encode(
        "receipt",
        {
            "sender": work.header.sender.text, "outbox": work.header.outbox.raw, "number": work.header.number,
            "kind": "final", "code": work.refusal or ACCEPTED, "accepted": len(work.judged.accepted) + work.said.accepted + work.asked,
            "duplicates": work.judged.duplicates + work.said.duplicates, "refused": refused,
            "log_sequence": log_head[0], "log_hash": log_head[1],
        },
    )  # fmt: skip
    return _last(work.taken.record, topics.receipts_topic(work.header.sender.text), body)


def _last(record: InputRecord, topic: str, body: bytes) -> Output:
    return Output(
        topic=topic, partition=0, key=b"", body=body, source_partition=record.partition, source_offset=record.offset,
        numbered=False, final=True,
    )  # fmt: skip
