"""Queues what readers get: an epoch's two records, and a municipality's areas; each names what lies before it on its topic."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from schemas import topics
from schemas.sealing import sha256
from schemas.values import day_number
from streams import release_geography as geography
from streams import release_outbox as outbox
from streams import release_store as store
from streams.release_records import QUARTERLY, Head, Place, cells, record


def queue_geography(own: store.Connection, datum: dict[str, Any]) -> bool:
    """Queue a municipality's `published_geography` for both topics, within a transaction; False where it is what readers have."""
    municipality, payload = datum["municipality"], geography.encoded(datum)
    if store.geography_hashes(own).get(municipality) == sha256(payload):
        return False
    for topic in (topics.macro_topic(municipality), topics.meso_topic(municipality)):
        end = outbox.topic_end(own, topic)
        outbox.queue(own, topic, "geography", payload, replace(end, hash=sha256(payload)))
    store.save_geography(own, municipality, sha256(payload))
    return True


def cells_of(
    own: store.Connection, municipality: int, closing: store.Closing, *, first_month: int, awaits_quarter: bool
) -> dict[str, list[dict[str, Any]]]:
    """Level (macro, meso) -> every cell as readers get it with this epoch; buurten and clusters as they were where those are awaited."""
    without = QUARTERLY if awaits_quarter else ()
    standing = store.latest(own, municipality, through=closing.epoch, without=without)
    _, last = store.published(own, municipality, through=closing.epoch, without=without)
    return cells(closing.month, first_month, standing, last)


def queue_epoch(
    own: store.Connection, datum: dict[str, Any], closing: store.Closing, *, first_month: int, today: dt.date, awaits_quarter: bool
) -> None:  # fmt: skip
    """Queue a decided epoch's records for both topics, within a transaction; one that its topic ends with already is left out.

    `datum`: the municipality's `published_geography`; it goes out before them where the epoch was decided with it and readers have another one.
    """
    municipality = datum["municipality"]
    head = Head.of(store.head(own, municipality, closing.epoch))
    if head.geometry_hash == sha256(geography.encoded(datum)).hex():
        queue_geography(own, datum)
    found = cells_of(own, municipality, closing, first_month=first_month, awaits_quarter=awaits_quarter)
    for level, topic in (("macro", topics.macro_topic(municipality)), ("meso", topics.meso_topic(municipality))):
        end = outbox.topic_end(own, topic)
        if end.epoch == closing.month and (awaits_quarter or not end.awaits_quarter):
            continue  # it was there when a lost database was made anew
        place = Place(
            municipality, level, closing.month, end.version + 1, end.hash, day_number(today), awaits_quarter=awaits_quarter
        )  # fmt: skip
        payload = record(place, head, found[level])
        outbox.queue(
            own, topic, f"epoch-{closing.month}", payload,
            outbox.TopicEnd(place.version, sha256(payload), end.next_offset, closing.month, awaits_quarter),
        )  # fmt: skip
