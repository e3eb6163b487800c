"""What follows from a theft: each question asked of whatever tables are there, and the answer held against what is so. For tests.

The thief knows the code and all that is public, tries every column, and reads the numbers of transactions as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas.frames import Kind
from schemas.sealing import open_events, open_sealed, partition_of
from schemas.secrets import BoxKey, DataKey
from schemas.topics import ROAD_PARTITIONS
from tests.attacks.keyvault.stolen_locks import Locks, Public, beginnings, placement_key, unwrapped
from tests.attacks.keyvault.stolen_loot import (
    Loot,
    Resident,
    Row,
    Truth,
    as_keys,
    ledger_rows,
    pairs,
    placement_rows,
    scraps,
    senders_in,
)

FEW: Final = 3
"""So many right guesses, and hardly any wrong, are some."""
_MOST_AT_AN_ADDRESS: Final = 12


@dataclass(frozen=True, slots=True)
class Theft:
    """A loot and what is known besides: who there is, which senders, what lies open, what opens with what (`opened`: wrapped keys, all of them, for whoever has those). `look`: (reader, person, from ms, until ms)."""

    loot: Loot
    people: Sequence[Resident]
    neighbours: Sequence[tuple[int, int]]
    providers: Sequence[int]
    name_of_key: Mapping[bytes, int]
    public: Public
    opened: Mapping[bytes, bytes]
    locks: Locks
    truth: Truth
    mandates: frozenset[tuple[str, bytes]]
    look: tuple[str, bytes, int, int]

    def in_hand(self) -> tuple[set[bytes], dict[bytes, bytes]]:
        """All that can serve as a key, wrapped keys included where they open; and those by their row's name."""
        values = scraps({**self.loot.rows, "topic": self.loot.topic})
        keys = as_keys(values) | self.loot.secrets
        fits = {key for fit in self.locks.fits["wrapped"] for key in fit if key in keys}
        opened = unwrapped(self.loot.rows, fits)
        return keys | values | beginnings(values) | set(opened.values()), opened


def found(theft: Theft) -> set[str]:
    """The words of the page that are true of a theft."""
    keys, opened = theft.in_hand()
    tables = _tables(theft, opened)
    has_elements, has_topic = bool(theft.loot.rows.get("intake.elements")), bool(theft.loot.topic)
    locks = theft.locks
    says = {
        "numbers": (has_elements and locks.open_with("elements", keys)) or locks.open_with("hashed numbers", keys),
        "sealed numbers": bool(theft.loot.rows.get("keyvault.sealed_identities")) and locks.open_with("sealed numbers", keys),
        "addresses": locks.open_with("addresses", keys),
        "keys": bool(opened),
        "events": has_topic and all(locks.open_with(part, keys) for part in ("events", "mandates", "months", "placements")),
        "parts": locks.open_with("parts", keys),
        "signature": locks.open_with("signature", keys),
        "recognised": _recognised(theft, tables),
        "amounts": _amounts(theft, tables),
        "households": _households(theft, tables),
        "mandates": _mandates(theft, tables),
        "looks": _looks(theft, tables),
    }  # fmt: skip
    assert not (bool(theft.loot.rows.get("intake.handle_cache")) and locks.open_with("cache", keys))
    partly = [p for p in ("events", "mandates", "months", "placements") if has_topic and locks.open_with(p, keys)]
    assert says["events"] or not partly, f"only {partly} open"
    return {word for word, follows in says.items() if follows} | _clients(theft, tables)


def joined(one: Mapping[str, Sequence[Row]], other: Mapping[str, Sequence[Row]]) -> bool:
    """Whether two databases have ids in common, of 16 bytes or more, besides zeros."""
    both = {v for v in scraps(one) & scraps(other) if len(v) >= 16 and any(v) and not v.isascii()}
    return bool(both)


def _tables(theft: Theft, opened: Mapping[bytes, bytes]) -> dict[str, list[Row]]:
    """All tables, packed columns taken apart, and what lies on the topic, opened where there are keys."""
    tables = {name: [dict(r) for r in rows] for name, rows in theft.loot.rows.items()}
    for name in [n for n in tables if n.endswith(".placements")]:
        tables[name] = placement_rows(tables[name], "packed")
    for name in ("ledger.known_references", "ledger.standing_grants"):
        if name in tables:
            tables[name] = ledger_rows([r | {"row": r["row"][:80]} for r in tables[name]], "row")
    for part in ("events", "placements", "mandates", "months"):
        tables[f"sealed {part}"] = [r for r in theft.loot.topic if r["part"] == part]
    own = next((k for n, k in opened.items() if n.startswith(b"named_keys/placement/")), None)
    for part, kind in (("events", "events"), ("placements", "")):
        rows = []
        for r in theft.loot.topic:
            key = opened.get(b"person_keys/" + r["person"])
            if r["part"] != part or key is None or own is None:
                continue
            if kind:
                rows.append(r | {"sealed": open_events(DataKey(key), r["person"], kind, r["sealed"])})
            else:
                rows.append(r | {"sealed": open_sealed(BoxKey(placement_key(own, r["person"], key)), r["sealed"])})
        tables[f"topic.{part}"] = (ledger_rows if kind else placement_rows)(rows, "sealed")
    return {name: rows for name, rows in tables.items() if rows}


def _verdict(yes: bool, no: bool, what: str) -> bool:
    assert yes != no, f"neither follows nor fails plainly: {what}"
    return yes


def _columns(rows: Sequence[Row], kind: type) -> list[str]:
    return [n for n, v in rows[0].items() if n != "person" and isinstance(v, kind) and not isinstance(v, bool)]


def _amounts(theft: Theft, tables: Mapping[str, list[Row]]) -> bool:
    """Every column of numbers summed per person, plainly or as what was delivered less what was withdrawn: is one of them the cents?"""
    wanted = {p: c for p, c in theft.truth.cents.items() if c}
    best = 0.0
    for rows in (r for r in tables.values() if "person" in r[0]):
        for column in _columns(rows, int):
            for weight in _WEIGHTS:
                sums: Counter[bytes] = Counter()
                for r in rows:
                    sums[r["person"]] += weight(r) * int(r[column] or 0)
                best = max(best, sum(sums[p] == c for p, c in wanted.items()) / len(wanted))
    return _verdict(best > 0.9, best < 0.1, f"amounts {best:.2f}")


_WEIGHTS: Final[tuple[Callable[[Row], int], ...]] = (
    lambda _: 1,
    lambda r: int(r.get("kind") == Kind.DELIVERED and not r.get("withdrawn")),
    lambda r: {Kind.DELIVERED: 1, Kind.WITHDRAWN: -1}.get(r.get("kind"), 0),  # type: ignore[call-overload]
)


def _households(theft: Theft, tables: Mapping[str, list[Row]]) -> bool:
    """Every column that a few persons have in common: are those who do one household?"""
    best = 0.0
    for rows in (r for r in tables.values() if "person" in r[0]):
        for columns in [(n,) for n in rows[0] if n != "person"] + [("source_partition", "source_offset")]:
            if not all(c in rows[0] for c in columns):
                continue
            groups: dict[Any, set[bytes]] = defaultdict(set)
            for r in rows:
                groups[tuple(r[c] for c in columns)].add(r["person"])
            said = {p for own in groups.values() if len(own) <= _MOST_AT_AN_ADDRESS for p in pairs(own)}
            right = len(said & theft.truth.together)
            if said:
                best = max(best, (right / len(said)) * (right / len(theft.truth.together)))
    return _verdict(best > 0.5, best < 0.2, f"households {best:.2f}")


def _recognised(theft: Theft, tables: Mapping[str, list[Row]]) -> bool:
    """Where somebody lives and the month of birth, as a register has them, against what rows say of pseudonyms."""
    said: dict[bytes, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for rows in (r for r in tables.values() if "person" in r[0]):
        for r in rows:
            said[r["person"]][0].update(int(r[n]) for n in ("area",) if n in r)
            said[r["person"]][1].update(int(r[n]) for n in ("born", "month") if n in r)
    register: dict[tuple[int, int], set[str]] = defaultdict(set)
    for one in theft.people:
        register[one.area, one.born].add(one.bsn)
    for number, (area, born) in enumerate(theft.neighbours):
        register[area, born].add(f"neighbour {number}")
    right = wrong = 0
    for person, (areas, births) in said.items():
        fitting = {b for a in areas for m in births for b in register.get((a, m), ())}
        if len(fitting) == 1:
            good = theft.truth.person_of.get(fitting.pop()) == person
            right, wrong = right + good, wrong + (not good)
    share = right / len(theft.people)
    return _verdict(share > 0.25 and right > 9 * wrong, share < 0.05, f"recognised {share:.2f}, wrongly {wrong}")


def _clients(theft: Theft, tables: Mapping[str, list[Row]]) -> set[str]:
    """Which provider somebody is a client of: from a column, from rows of one transaction, or from where a record came in."""
    best: tuple[float, int] = (0.0, 0)
    for said in (*_columns_of_providers(theft, tables), _by_transaction(theft), *_by_place(theft)):
        right = sum(len(own & theft.truth.providers[p]) for p, own in said.items())
        if right >= FEW and right > 0.9 * sum(map(len, said.values())):
            best = max(best, (right / sum(map(len, theft.truth.providers.values())), right))
    return {"clients"} if best[0] > 0.8 else {"some clients"} if best[1] else set()


def _columns_of_providers(theft: Theft, tables: Mapping[str, list[Row]]) -> Iterable[dict[bytes, set[int]]]:
    known = set(theft.providers)
    for rows in (r for r in tables.values() if "person" in r[0]):
        for column in _columns(rows, int):
            said: dict[bytes, set[int]] = defaultdict(set)
            for r in rows:
                if r[column] in known:
                    said[r["person"]].add(r[column])
            yield said


def _by_transaction(theft: Theft) -> dict[bytes, set[int]]:
    """Rows of one role that one transaction wrote: if they name one provider, its clients are the persons among them."""
    named: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    persons: dict[tuple[str, str], set[bytes]] = defaultdict(set)
    for name, rows in theft.loot.rows.items():
        for r in rows:
            where = name.partition(".")[0], r["transaction"]
            if isinstance(r.get("person"), bytes):
                persons[where].add(r["person"])
            else:
                named[where] |= senders_in(r, theft.name_of_key)
    said: dict[bytes, set[int]] = defaultdict(set)
    for where, own in persons.items():
        if len(named[where]) == 1 and (sender := min(named[where])).startswith(b"p"):
            for person in own:
                said[person].add(int(sender[1:]))
    return said


def _by_place(theft: Theft) -> Iterable[dict[bytes, set[int]]]:
    """A record says from where on delivered.v1 it came: who is alone in that partition; who closed the next month there."""
    of: dict[int, set[int]] = defaultdict(set)
    for number in theft.providers:
        of[partition_of(f"p{number:08d}".encode(), ROAD_PARTITIONS)].add(number)
    alone: dict[bytes, set[int]] = defaultdict(set)
    near: dict[bytes, set[int]] = defaultdict(set)
    closed = sorted(
        (r["source_partition"], r["source_offset"], theft.name_of_key[r["person"]])
        for r in theft.loot.topic if r["part"] == "months" and r["person"] in theft.name_of_key
    )  # fmt: skip
    for r in (r for r in theft.loot.topic if r["part"] == "events"):
        if len(of[r["source_partition"]]) == 1:
            alone[r["person"]] |= of[r["source_partition"]]
        after = next((n for p, o, n in closed if p == r["source_partition"] and o > r["source_offset"]), None)
        if after is not None:
            near[r["person"]].add(after)
    return alone, near


def _mandates(theft: Theft, tables: Mapping[str, list[Row]]) -> bool:
    """Who may look at whom: rows that name a reader and a person, or give both under one handle."""
    said = {(reader, p) for r in _with_handle(tables) for reader in r["readers"] for p in r["persons"]}
    return _verdict(theft.mandates <= said, not (theft.mandates & said), "mandates")


def _with_handle(tables: Mapping[str, list[Row]]) -> list[Row]:
    by_handle: dict[bytes, Row] = defaultdict(lambda: {"readers": set(), "persons": set()})
    for rows in tables.values():
        for r in (r for r in rows if isinstance(r.get("handle"), bytes)):
            text = b" ".join(v.encode() if isinstance(v, str) else v for v in r.values() if isinstance(v, (str, bytes)))
            by_handle[r["handle"]]["readers"] |= {
                w for w in ("caseworker-gm9901-1", "caseworker-gm9902-1") if w.encode() in text
            }
            by_handle[r["handle"]]["persons"] |= {r["person"]} if "person" in r else set()
    return list(by_handle.values())


def _looks(theft: Theft, tables: Mapping[str, list[Row]]) -> bool:
    """Who looked at whom, and when: a moment, a reader's name and a person in one row or under one handle."""
    reader, person, begun, ended = theft.look
    whose = {
        r["handle"]: r["person"]
        for rows in tables.values()
        for r in rows
        if "person" in r and isinstance(r.get("handle"), bytes)
    }
    for rows in tables.values():
        for r in rows:
            at = any(isinstance(v, int) and begun <= v <= ended for v in r.values())
            if at and reader in r.values() and person in {r.get("person"), whose.get(r.get("handle", b""))}:
                return True
    return False
