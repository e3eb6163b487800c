"""What a thief carries off: every row of roles' databases, a copy of ledger.v1, secrets; and what anybody knows besides. For tests."""

from __future__ import annotations

import hmac
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import numpy as np
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from deploy.demo import Demo
from deploy.zone_folder import ROLE_SECRETS
from keyvault import group, voprf
from producers.town.files import Town, invent
from schemas import codec
from schemas.frames import LEDGER_ROW, PLACEMENT_ROW
from schemas.geography import area_number
from schemas.sealing import sha256
from schemas.values import Address, Month
from tests.attacks.topic_bytes import records

ROLES: Final = ("intake", "ledger", "projector", "release", "keyvault")
Row = dict[str, Any]
_SENDER: Final = re.compile(rb"\b(?:p\d{8}|gm\d{4})\b")


@dataclass(frozen=True, slots=True)
class Loot:
    """`rows`: by `role.table`; `topic`: the records of ledger.v1; `secrets`: the 32 bytes in the roles' folders."""

    rows: Mapping[str, Sequence[Row]]
    topic: Sequence[Row] = ()
    secrets: frozenset[bytes] = frozenset()

    def of(self, roles: Iterable[str]) -> dict[str, Sequence[Row]]:
        """The tables of some roles."""
        return {name: rows for name, rows in self.rows.items() if name.partition(".")[0] in set(roles)}


@dataclass(frozen=True, slots=True)
class Resident:
    """What a register of residents says of somebody: nothing secret, nothing of care."""

    bsn: str
    address: Address
    area: int
    born: int


@dataclass(slots=True)
class Truth:
    """What is so, to hold a thief's guesses against: made with all secrets and the town's own books, which share no code with the zone."""

    person_of: dict[str, bytes]
    cents: dict[bytes, int] = field(default_factory=lambda: defaultdict(int))
    providers: dict[bytes, set[int]] = field(default_factory=lambda: defaultdict(set))
    together: set[frozenset[bytes]] = field(default_factory=set)


def everything(demo: Demo) -> Loot:
    """Every row of every table of each role, as the administrator reads them, with the number of the transaction that wrote it."""
    rows: dict[str, Sequence[Row]] = {}
    for role in ROLES:
        dsn = demo.zone.postgres.admin_dsn.rsplit("/", 1)[0] + f"/{role}"
        with psycopg.connect(dsn, row_factory=dict_row) as c:
            tables = c.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
            ).fetchall()
            for name in (t["table_name"] for t in tables):
                query = sql.SQL('SELECT xmin::text AS "transaction", * FROM {}').format(sql.Identifier(name))
                rows[f"{role}.{name}"] = c.execute(query).fetchall()
    folder = demo.zone.folder
    secrets = {folder.secret_file(role, name).read_bytes() for role, names in ROLE_SECRETS.items() for name in names}
    return Loot(rows, list(_topic(demo)), frozenset(secrets))


def secrets_of(demo: Demo, roles: Iterable[str]) -> frozenset[bytes]:
    """All in the secrets folders of some roles."""
    return frozenset(
        p.read_bytes() for role in roles for p in (demo.zone.folder.role(role) / "secrets").iterdir() if p.is_file()
    )


def _topic(demo: Demo) -> Iterator[Row]:
    for data in records(demo, "projector", "ledger.v1"):
        hop = codec.decode("hop_record", data)
        if codec.name_of(hop["body"]) != "person_events":
            continue
        place = {"source_partition": hop["source_partition"], "source_offset": hop["source_offset"]}
        fields = codec.decode("person_events", hop["body"])
        for part in ("events", "placements", "mandates", "months"):
            for one in fields[part]:
                yield place | {"part": part, "day": fields["day"]} | one


def town_of(demo: Demo) -> Town:
    """The invented people behind the demo."""
    w = demo.wish
    return invent(seed=w.seed, months=w.months, addresses=w.addresses, world=w.world)


def residents(town: Town) -> list[Resident]:
    """Number, address and month of birth of everybody who ever came by the road: the short list of all persons there are."""
    return [
        Resident(
            p.bsn, Address(p.home.postcode, p.home.number, p.home.suffix), area_number(p.home.area), Month.parse(p.born[:7]).index
        ) for p in town.people
    ]  # fmt: skip


def neighbours(town: Town) -> list[tuple[int, int]]:
    """Area and month of birth of others who live there: two at each address, of any age, so that a register is as full as a real one."""
    random = Random(1)
    homes = [home for m in town.municipalities for home in m.homes]
    return [(area_number(h.area), random.randrange(Month(1935, 1).index, Month(2025, 1).index)) for h in homes * 2]


def truth(demo: Demo, town: Town, pseudonym_key: bytes) -> Truth:
    """`pseudonym_key`: the keyvault's, which takes its wrapping key to get at."""
    secret = {name: demo.zone.folder.secret_file("intake", name).read_bytes() for name in ("scalar", "person-id")}
    both = group.product(pseudonym_key, secret["scalar"])
    found = Truth({})
    for r in residents(town):
        element = group.multiply(both, voprf.hash_to_group(r.bsn.encode()))
        found.person_of[r.bsn] = hmac.digest(secret["person-id"], element + bytes(4), "sha256")[:16]
    homes: dict[str, set[bytes]] = defaultdict(set)
    for line, spot in town.books.standing.values():
        person = found.person_of[line.person.bsn]
        found.cents[person] += line.cents
        homes[spot.household].add(person)
    for line in town.history.lines:
        found.providers[found.person_of[line.person.bsn]].add(int(line.provider.agb))
    found.together = {pair for own in homes.values() for pair in pairs(own)}
    return found


def address_hash(secret: bytes, address: Address) -> bytes:
    """As intake makes it."""
    return hmac.digest(secret, b"address|" + address.canonical(), "sha256")[:16]


def pairs(persons: Iterable[bytes]) -> set[frozenset[bytes]]:
    """Every two of some persons."""
    own = sorted(set(persons))
    return {frozenset((a, b)) for i, a in enumerate(own) for b in own[i + 1 :]}


def scraps(tables: Mapping[str, Sequence[Row]]) -> set[bytes]:
    """Every value of every row that is bytes or text, of long ones also both ends."""
    found: set[bytes] = set()
    for rows in tables.values():
        for row in rows:
            for value in row.values():
                data = value.encode() if isinstance(value, str) else value
                if isinstance(data, bytes) and data:
                    found |= {data, data[:32], data[-32:]}
    return found


def as_keys(values: Iterable[bytes]) -> set[bytes]:
    """Values as 32-byte keys: themselves, or hashed."""
    return {v if len(v) == 32 else sha256(v) for v in values}


def hashes_of(name: bytes) -> set[bytes]:
    """A sender's name as it may be hashed without a secret: whoever has the list of senders, which is public, can do it."""
    words = (b"", b"sender", b"outbox", b"provider", b"stream", b"closed months")
    return {
        sha256(w + mark + name + end)[:n]
        for w in words
        for mark in (b"", b"|", b"/", b" ")
        for end in (b"", b"/")
        for n in (16, 20, 32)
    }


def senders_in(row: Row, hashed: Mapping[bytes, int]) -> set[bytes]:
    """Names of senders in a row, plain or hashed."""
    texts = (v.encode() if isinstance(v, str) else v for v in row.values() if isinstance(v, (str, bytes)))
    found = set()
    for data in texts:
        found |= {*_SENDER.findall(data), *([f"p{hashed[data]:08d}".encode()] if data in hashed else [])}
    return found


def unpacked(rows: Iterable[Row], column: str, dtype: np.dtype[np.void]) -> list[Row]:
    """A packed column of rows taken apart; the other columns stay."""
    found = []
    for row in rows:
        data = row[column]
        for r in np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype):
            fields = {n: v.item() if hasattr(v := r[n], "item") else v for n in dtype.names or ()}
            found.append({k: v for k, v in row.items() if k != column} | fields)
    return found


def placement_rows(rows: Iterable[Row], column: str) -> list[Row]:
    """Where persons are placed."""
    return unpacked(rows, column, PLACEMENT_ROW)


def ledger_rows(rows: Iterable[Row], column: str) -> list[Row]:
    """What was delivered to persons."""
    return unpacked(rows, column, LEDGER_ROW)
