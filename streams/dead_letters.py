"""What could not be read or proved is told by reason, hash and position, never by its bytes; counted where it is told."""

from __future__ import annotations

from typing import Final

from schemas import codec
from schemas.sealing import sha256
from streams.hop import InputRecord, Output
from streams.metrics import WorkerMetrics

TOPIC: Final = "dead-letters.v1"


def dead_letter(metrics: WorkerMetrics, topic: str, record: InputRecord, reason: str) -> Output:
    """The letter about a record of `topic`. `reason`: one of `schemas.codes.DEAD_LETTERS`."""
    metrics.dead_letter(reason)
    body = codec.encode(
        "dead_letter",
        {"topic": topic, "partition": record.partition, "offset": record.offset, "role": metrics.role, "reason": reason,
         "sha256": sha256(record.value)},
    )  # fmt: skip
    return Output(
        topic=TOPIC, partition=0, key=b"", body=body, source_partition=record.partition, source_offset=record.offset,
        numbered=False, final=True,
    )  # fmt: skip
