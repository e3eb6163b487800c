"""BSN -> person id: intake's half of the pseudonym, with a cache that names no sender and joins no rows.

The vault evaluates blindly; intake multiplies by its own scalar and derives the person id under a third secret. Whoever
sees one of the three learns nothing.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from keyvault import group
from keyvault.client import PublicKey
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.frames import ZERO16
from schemas.sealing import open_under, seal_under
from schemas.secrets import Bsn, DataKey, PersonIdKey, ScalarKey
from streams import intake_store as store
from streams import pseudonym_table as table
from streams.hop_store import Transaction

_HELD: Final = 50_000
_ONE_IN: Final = 50


class Evaluator(Protocol):
    """The vault, as far as pseudonyms need it."""

    has_spare: bool
    """Whether the vault has room for asking again what is known already."""

    def elements(self, inputs: Sequence[bytes], pinned: PublicKey) -> list[bytes]:
        """One element per input under the pinned key, proved; of the first inputs only where the day's limit allows no more."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One subject of one envelope: whose it is, the sender's handle, the BSN, and what the check depends on.

    `only_known`: who is not known yet is not made known by being asked about.
    """

    sender: str
    handle: bytes
    bsn: Bsn
    number: int
    month: int
    only_known: bool = False


@dataclass(slots=True)
class Pseudonyms:
    """Resolves subjects to person ids. Not shared between threads.

    `pinned`: a pseudonym key of the vault by its id, where the root signed it; `scalars`: intake's own, by print.
    """

    vault: Evaluator
    pinned: Callable[[str], PublicKey | None]
    scalars: Mapping[bytes, ScalarKey]
    id_key: PersonIdKey
    cache_key: bytes = field(repr=False)
    keep: Callable[[Sequence[tuple[bytes, bytes, int]], int, dict[bytes, bytes]], None] = lambda *_: None
    """Keeps cache rows and elements at once, apart from the window: what was evaluated is not evaluated again."""
    sealed: Callable[[Transaction, Mapping[bytes, Bsn]], None] = lambda *_: None
    """Gives the BSNs of persons away, sealed to the officers' joint key."""
    _held: OrderedDict[bytes, tuple[bytes, int]] = field(default_factory=OrderedDict)

    def _lookup(self, asked: Asked) -> bytes:
        return hmac.digest(self.cache_key, b"lookup|" + asked.sender.encode() + b"|" + asked.handle, "sha256")[:20]

    def _row_key(self, asked: Asked) -> DataKey:
        return DataKey(hmac.digest(self.cache_key, b"row|" + asked.sender.encode() + b"|" + asked.handle, "sha256"))

    def resolve(self, tx: Transaction, subjects: Sequence[Asked]) -> tuple[list[bytes], set[str]]:
        """Person ids in the order asked, and the senders of whom a handle stands for more than one person.

        Zeros for who is not known and may not become so. Nothing those senders sent in this window may be used: an id given for one of
        their handles may be somebody else's.
        """
        lookups = [self._lookup(a) for a in subjects]
        known = self._known(tx, subjects, lookups)
        to_ask: dict[bytes, Asked] = {}
        contradicted: set[str] = set()
        for asked, lookup in zip(subjects, lookups, strict=True):
            held = known.get(lookup)
            again = (
                self.vault.has_spare and held is not None and (held[1] < asked.month or self._due(lookup, asked.number))
            )
            if held is None or again:
                first = to_ask.setdefault(lookup, asked)
                if first.bsn != asked.bsn:
                    contradicted.add(asked.sender)
                elif first.only_known and not asked.only_known:
                    to_ask[lookup] = asked
        answers = self._ask(tx, to_ask)
        rows = []
        for (lookup, asked), person in zip(to_ask.items(), answers, strict=True):
            held = known.get(lookup)
            if held is not None and held[0] != person:
                contradicted.add(asked.sender)
                continue
            if person == ZERO16:
                known[lookup] = (person, 0)
                continue
            month = max(asked.month, held[1] if held else 0)
            if held is None or held[1] < month:
                rows.append((lookup, seal_under(self._row_key(asked), person, lookup), month))
            known[lookup] = self._held[lookup] = (person, month)
        store.save_handles(tx, rows)
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return [known[lookup][0] for lookup in lookups], contradicted

    def forget_uncommitted(self) -> None:
        """After a rolled-back transaction: hold nothing the table may not have."""
        self._held.clear()

    def _known(
        self, tx: Transaction, subjects: Sequence[Asked], lookups: Sequence[bytes]
    ) -> dict[bytes, tuple[bytes, int]]:
        known = {k: self._held[k] for k in lookups if k in self._held}
        absent = {k: a for k, a in zip(lookups, subjects, strict=True) if k not in known}
        if absent:
            for lookup, (sealed, month) in store.cached_handles(tx, list(absent)).items():
                try:
                    person = open_under(self._row_key(absent[lookup]), sealed, lookup)
                except Refused:
                    continue  # a row that does not open is as good as none: the vault is asked again
                known[lookup] = self._held[lookup] = (person, month)
        gone = table.erased(tx, {person for person, _ in known.values()})
        for lookup in [k for k, (person, _) in known.items() if person in gone]:
            del known[lookup]
            self._held.pop(lookup, None)
        return known

    def _due(self, lookup: bytes, number: int) -> bool:
        digest = hmac.digest(self.cache_key, b"check|" + lookup + number.to_bytes(8, "big"), "sha256")
        return digest[0] * 256 + digest[1] < 65536 // _ONE_IN

    def _ask(self, tx: Transaction, to_ask: dict[bytes, Asked]) -> list[bytes]:
        if not to_ask:
            return []
        asked = list(to_ask.values())
        distinct = list(dict.fromkeys(a.bsn for a in asked))
        inputs = [b.reveal().encode("ascii") for b in distinct]
        generation = table.in_use(tx)
        pinned, own = self._keys(generation)
        raw = self.vault.elements(inputs, pinned)
        elements = {bsn: group.multiply(own, e) for bsn, e in zip(distinct, raw, strict=False)}
        found = table.persons_of(tx, generation.number, list(elements.values()))
        wanted = {a.bsn for a in asked if not a.only_known}
        fresh = self._person_ids(tx, [e for bsn, e in elements.items() if e not in found and bsn in wanted])
        persons = {bsn: (found | fresh).get(e, ZERO16) for bsn, e in elements.items()}
        self.sealed(tx, {p: bsn for bsn, p in persons.items() if p != ZERO16 and bsn in wanted})
        if len(elements) < len(distinct):
            self._keep_what_came(to_ask, persons, generation.number, fresh)
            msg = (
                "The keyvault makes no more pseudonyms today: its daily limit is reached, and new persons wait for tomorrow. For a first "
                "load two operators place an order."
            )
            raise Unavailable(msg)
        table.save_persons(tx, generation.number, fresh)
        return [persons[a.bsn] for a in asked]

    def _keys(self, generation: table.Generation) -> tuple[PublicKey, bytes]:
        pinned, own = self.pinned(generation.key_id), self.scalars.get(generation.scalar_print)
        if pinned is None:
            msg = f"The pseudonym key {generation.key_id} of intake's table is not signed by the network's root."
            raise ContractBroken(msg)
        if own is None:
            msg = "Intake's scalar is not the one its table was made with; give it back the one it had."
            raise ContractBroken(msg)
        return pinned, own.reveal()

    def _keep_what_came(
        self, to_ask: dict[bytes, Asked], persons: dict[Bsn, bytes], generation: int, fresh: dict[bytes, bytes]
    ) -> None:
        """Handles nobody contradicted so far, with their persons: at the next try only the rest is asked."""
        rows = [
            (lookup, seal_under(self._row_key(a), persons[a.bsn], lookup), a.month)
            for lookup, a in to_ask.items() if persons.get(a.bsn, ZERO16) != ZERO16 and lookup not in self._held
        ]  # fmt: skip
        self.keep(rows, generation, fresh)

    def _person_ids(self, tx: Transaction, elements: Sequence[bytes]) -> dict[bytes, bytes]:
        """Ids of new persons: of each element the first one that was not erased."""
        made = {e: self._person_id(e, 0) for e in elements}
        generation = 0
        while gone := table.erased(tx, set(made.values())):
            generation += 1
            made |= {e: self._person_id(e, generation) for e, person in made.items() if person in gone}
        return made

    def _person_id(self, element: bytes, generation: int) -> bytes:
        return hmac.digest(self.id_key.reveal(), element + generation.to_bytes(4, "big"), "sha256")[:16]
