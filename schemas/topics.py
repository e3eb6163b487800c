"""The one table of topics: partitions, retention, who may do what. Topics, ACLs, documentation and tests come from here.

A principal is the CN of a certificate. `{gm}` stands for a municipality (`gm9901`), `{sender}` for any sender.
Everything not granted here is denied by the broker.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DAY_MS: Final = 86_400_000
FOREVER: Final = -1
ROAD_PARTITIONS: Final = 8
"""Partitions of delivered, rekeyed and ledger. Counts never change: they are part of every stream's number."""

READ_ONCE: Final = {"enable.auto.commit": False, "fetch.wait.max.ms": 20}
"""librdkafka settings of who reads to the end of a topic once: the broker says at once that there is no more (by default after 500 ms)."""

ROLES: Final = ("intake", "ledger", "projector", "release", "keyvault")
ADMIN: Final = "admin"
OPERATOR: Final = "operator"


class Operation(StrEnum):
    """What a principal may do with a topic (Kafka ACL operations; read and write include describe)."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic or one family of topics (`per`: `sender` or `gm`). Readers and writers are principals or classes."""

    name: str
    partitions: int
    retention_ms: int
    compacted: bool
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    what: str
    per: str | None = None


TABLE: Final = (
    Topic("delivered.v1", ROAD_PARTITIONS, 90 * DAY_MS, compacted=False, writers=("*senders",), readers=("intake",),
          what="sealed envelopes as senders publish them"),
    Topic("rekeyed.v1", ROAD_PARTITIONS, 90 * DAY_MS, compacted=False, writers=("intake",), readers=("ledger",),
          what="the same with person ids instead of BSNs"),
    Topic("ledger.v1", ROAD_PARTITIONS, FOREVER, compacted=False, writers=("ledger", "projector", "release"),
          readers=("projector", "ledger", "operator"), what="the event store, sealed per person, and epoch markers"),
    Topic("receipts.{sender}.v1", 1, 400 * DAY_MS, compacted=False, writers=("intake", "ledger"), readers=("{sender}",),
          what="what became of each envelope", per="sender"),
    Topic("dead-letters.v1", 1, 90 * DAY_MS, compacted=False, writers=("intake", "ledger", "projector"), readers=("operator",),
          what="reason, hash and position of what could not be read"),
    Topic("directory.v1", 1, FOREVER, compacted=True, writers=("admin",),
          readers=("intake", "ledger", "release", "projector", "keyvault"), what="role keys and senders, signed by the root"),
    Topic("role-keys.v1", 1, FOREVER, compacted=True, writers=("admin",), readers=("*senders",),
          what="of the directory, the roles' keys and changes of the root: senders learn what to seal to, readers what release signs with"),
    Topic("mandates.v1", 1, FOREVER, compacted=False, writers=("projector",), readers=("keyvault",),
          what="which mandate is live for whom"),
    Topic("access-log.v1", 1, FOREVER, compacted=False, writers=("keyvault",), readers=("operator", "keyvault"),
          what="each look, chained by hash"),
    Topic("remarks.v1", 1, 90 * DAY_MS, compacted=False, writers=("*families",), readers=("ledger",),
          what="what members of families say is not right, sealed to the ledger"),
    Topic("requests.v1", 1, FOREVER, compacted=False, writers=("*municipalities",), readers=("*senders", "release"),
          what="what municipalities ask of providers"),
    Topic("orders.v1", 1, FOREVER, compacted=False, writers=("operator",), readers=("release",),
          what="orders of operators to release: close an epoch"),
    Topic("macro.{gm}.v1", 1, FOREVER, compacted=False, writers=("release",), readers=("{gm}", "release"),
          what="released cells of gemeente, wijk and buurt, one signed record an epoch", per="gm"),
    Topic("meso.{gm}.v1", 1, FOREVER, compacted=False, writers=("release",), readers=("{gm}", "release"),
          what="released totals of clusters", per="gm"),
    Topic("retention.{gm}.v1", 1, FOREVER, compacted=True, writers=("projector",), readers=("{gm}",),
          what="whose retention period has passed, sealed to intake", per="gm"),
    Topic("municipality.{gm}.v1", 1, FOREVER, compacted=False, writers=("{gm}",), readers=("{gm}",),
          what="the municipality's own events: baselines, notes, marks in the trend, signed by it", per="gm"),
    Topic("household.{gm}.v1", 4, FOREVER, compacted=True, writers=("projector",), readers=("readers:{gm}",),
          what="one sealed record per live mandate", per="gm"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grant:
    """One line of the access matrix: `principal` may do `operation` on `topic`."""

    principal: str
    topic: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Members:
    """Who is in the network now. `readers` of households: (principal, gm name), e.g. `caseworker-gm9901-1`, `gm9901`."""

    providers: tuple[str, ...]
    municipalities: tuple[str, ...]
    readers: tuple[tuple[str, str], ...] = ()

    @property
    def senders(self) -> tuple[str, ...]:
        """Providers and municipalities."""
        return self.providers + self.municipalities


def concrete_topics(members: Members) -> Iterable[tuple[str, Topic, str | None]]:
    """Yield (topic name, its row, the sender or gm it is for) for all topics that must exist."""
    for row in TABLE:
        if row.per is None:
            yield row.name, row, None
        else:
            for who in members.senders if row.per == "sender" else members.municipalities:
                yield row.name.replace("{" + row.per + "}", who), row, who


def _principals(names: tuple[str, ...], members: Members, who: str | None) -> Iterable[str]:
    for name in names:
        if name == "*senders":
            yield from members.senders
        elif name == "*municipalities":
            yield from members.municipalities
        elif name == "*families":
            yield from (principal for principal, _ in members.readers if principal.startswith("family-"))
        elif name.startswith("readers:"):
            yield from (principal for principal, gm in members.readers if gm == who)
        elif name.startswith("{"):
            yield who or ""
        else:
            yield name


def grants(members: Members) -> frozenset[Grant]:
    """The whole access matrix for these members; what is absent is denied. `admin` is the broker's superuser."""
    lines: set[Grant] = set()
    for topic, row, who in concrete_topics(members):
        lines |= {Grant(p, topic, Operation.WRITE) for p in _principals(row.writers, members, who) if p != ADMIN}
        lines |= {Grant(p, topic, Operation.READ) for p in _principals(row.readers, members, who) if p != ADMIN}
    return frozenset(lines)


def group_prefix(principal: str) -> str:
    """Every consumer group of a principal is named after it; a principal may use only groups with this prefix."""
    return f"{principal}."


def receipts_topic(sender: str) -> str:
    """Topic of a sender's receipts."""
    return f"receipts.{sender}.v1"


def macro_topic(municipality: int) -> str:
    """Topic of a municipality's released macro cells."""
    return f"macro.gm{municipality:04d}.v1"


def meso_topic(municipality: int) -> str:
    """Topic of a municipality's released meso cells."""
    return f"meso.gm{municipality:04d}.v1"


def retention_topic(municipality: int) -> str:
    """Topic on which a municipality hears that retention periods have passed."""
    return f"retention.gm{municipality:04d}.v1"


def household_topic(municipality: int) -> str:
    """Topic of the household records of mandates a municipality gave."""
    return f"household.gm{municipality:04d}.v1"


def municipality_topic(municipality: int) -> str:
    """Topic of a municipality's own events, which nobody else reads."""
    return f"municipality.gm{municipality:04d}.v1"


def as_markdown() -> str:
    """The table for people: `docs/topics.md` is exactly this."""
    lines = [
        "# Topics",
        "",
        "Written from `schemas/topics.py`, the one table of topics: the broker's topics and rights are made from it, and a test tries every",
        "principal on every topic. `zorgstroom operator topics` compares a running cluster with it. What is not granted here is denied.",
        "`*senders` are providers and municipalities; `{gm}` is a municipality, `{sender}` any sender, by the name in its certificate;",
        "`readers:{gm}` are a municipality's caseworkers and members of families with a mandate; `*families` are all those members.",
        "",
        "| topic | what | who writes | who reads | partitions | kept |",
        "|---|---|---|---|---:|---|",
    ]
    for row in TABLE:
        kept = "always" if row.retention_ms == FOREVER else f"{row.retention_ms // DAY_MS} days"
        if row.compacted:
            kept += ", last of each key"
        writers, readers = (", ".join(f"`{name}`" for name in names) for names in (row.writers, row.readers))
        lines.append(f"| `{row.name}` | {row.what} | {writers} | {readers} | {row.partitions} | {kept} |")
    return "\n".join(lines) + "\n"
