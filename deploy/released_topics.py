"""The two released topics of a municipality, read from their beginning with its own certificate; every record, whoever signed it."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.zone import Zone
from schemas import topics
from streams.release_topics import Record, records_since


@dataclass(frozen=True, slots=True)
class OnTopics:
    """All records of both topics of one municipality, as they lie."""

    municipality: int
    macro: list[Record]
    meso: list[Record]

    def by_topic(self) -> list[tuple[str, list[Record]]]:
        """Topic and its records, macro first."""
        return [
            (topics.macro_topic(self.municipality), self.macro),
            (topics.meso_topic(self.municipality), self.meso),
        ]


def read_topics(zone: Zone, municipality: int) -> OnTopics:
    """Read both topics to their end of now. Raises `Unavailable`."""
    name = f"gm{municipality:04d}"
    settings = zone.kafka.client(zone.reader_certificate(name)) | {"log_level": 0, "group.id": f"{name}.history"}
    macro, meso = (
        list(records_since(settings, topic))
        for topic in (topics.macro_topic(municipality), topics.meso_topic(municipality))
    )
    return OnTopics(municipality, macro, meso)
