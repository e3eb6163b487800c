"""Where the subjects of a window's envelopes live, and whose placement is news: that goes on with the envelope that told it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.envelope import Envelope
from schemas.sealing import seal_to
from schemas.secrets import AddressKey
from streams import intake_store as store
from streams.address_book import AddressBook
from streams.hop import Numbered
from streams.hop_store import Transaction
from streams.intake import Link, linked, packed, timeline
from streams.intake_evidence import Evidence, births_of, dated_of, links_of, residences_of
from streams.pseudonym_table import erased


@dataclass(frozen=True, slots=True)
class Arrived:
    """A verified envelope and the SHA-256 of its bytes."""

    envelope: Envelope
    hash: bytes


@dataclass(slots=True)
class Opened:
    """An envelope on its way through a window."""

    taken: Numbered[Arrived]
    identity: dict[str, Any]
    refusals: dict[int, str]
    persons: list[bytes] = field(default_factory=list)
    placements: list[dict[str, Any]] = field(default_factory=list)
    erasures: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sender(self) -> str:
        """Who sent it."""
        return self.taken.payload.envelope.header.sender.text


@dataclass(frozen=True, slots=True)
class Placing:
    """`placement_keys`: what persons' placements are sealed to, in the order asked; None of who was erased."""

    book: AddressBook
    address_key: AddressKey
    placement_keys: Callable[[Sequence[bytes]], Sequence[bytes | None]]

    def place(self, tx: Transaction, opened: Sequence[Opened], touched: dict[bytes, Opened]) -> None:
        """Take in what the envelopes say of addresses, and hand news to the earliest envelope that touched the person.

        `touched`: persons whose placement may have changed for another reason.
        """
        for o in opened:
            known = Evidence(o.identity, o.persons, o.refusals)
            sender = o.taken.payload.envelope.header.sender
            fresh = store.add_dated(tx, dated_of(known, book=self.book, secret=self.address_key))
            fresh |= store.add_births(tx, births_of(known), by_municipality=sender.is_municipality)
            if sender.is_municipality:
                for person, stays in residences_of(
                    known, book=self.book, secret=self.address_key, gemeente=sender.number
                ).items():
                    store.replace_residences(tx, person=person, municipality=sender.number, stays=stays)
                    fresh.add(person)
                links = links_of(known)
                store.add_links(tx, links)
                fresh |= {p for p, _ in links}
            for person in fresh:
                touched.setdefault(person, o)
        if touched:
            self._publish_news(tx, touched)

    def _publish_news(self, tx: Transaction, touched: dict[bytes, Opened]) -> None:
        standing, links = self._locked(tx, touched)
        for person in (gone := erased(tx, standing)):
            del standing[person]
        store.forget(tx, gone)
        for person in gone & touched.keys():
            del touched[person]
        dated, stays = store.evidence(tx, list(standing))
        own = {p: timeline(dated.get(p, ()), stays.get(p, ())) for p in standing}
        births = store.births(tx, list(touched))
        now_us = time.time_ns() // 1000
        changed: dict[bytes, tuple[int, bytes]] = {}
        for person in sorted(touched):
            rows = packed(linked(own[person], links.get(person, ()), own), born=births.get(person))
            version, before = standing[person]
            if rows != before:
                changed[person] = (max(version + 1, now_us), rows)
        if not changed:
            return
        store.save_placements(tx, changed)
        for (person, (version, rows)), public in zip(changed.items(), self.placement_keys(list(changed)), strict=True):
            if public is not None:  # who was erased is placed nowhere
                touched[person].placements.append(
                    {"person": person, "version": version, "sealed": seal_to(public, rows)}
                )

    def _locked(
        self, tx: Transaction, touched: dict[bytes, Opened]
    ) -> tuple[dict[bytes, tuple[int, bytes]], dict[bytes, list[Link]]]:
        """Add who is linked to anyone touched; lock all of them and those they are linked to; their links.

        Looked up again under the locks: another worker may just have written a link, or news of the other person.
        """
        moved, cause = list(touched), next(iter(touched.values()))
        standing: dict[bytes, tuple[int, bytes]] = {}
        while True:
            for follower in store.linked_to(tx, moved):
                touched.setdefault(follower, cause)
            links = store.links_of(tx, list(touched))
            wanted = {*touched, *(k.to_person for found in links.values() for k in found)} - standing.keys()
            if not wanted:
                return standing, links
            standing |= store.lock_placements(tx, list(wanted))
