"""Topics and access rights on a real cluster: made from the one table, and compared with what the cluster has.

Nothing is granted that `schemas.topics` does not name; a right the table does not know is taken away. Partition counts
never change: a topic with another count stops the work.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from schemas import topics
from schemas.errors import ContractBroken, Unavailable

_OPERATIONS = {topics.Operation.READ: AclOperation.READ, topics.Operation.WRITE: AclOperation.WRITE}
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One allow line of the broker: `principal` may `operation` on the `resource` (topic, or groups with that prefix)."""

    principal: str
    resource: str
    name: str
    operation: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What table and cluster disagree on; empty when they agree."""

    missing_topics: tuple[str, ...]
    wrong_topics: tuple[str, ...]
    missing_rights: tuple[Right, ...]
    extra_rights: tuple[Right, ...]

    @property
    def none(self) -> bool:
        """Whether table and cluster agree."""
        return not (self.missing_topics or self.wrong_topics or self.missing_rights or self.extra_rights)


def expected_rights(members: topics.Members) -> frozenset[Right]:
    """All allow lines the table asks for: each grant, and for readers the groups that begin with their own name."""
    lines = topics.grants(members)
    rights = {Right(g.principal, "topic", g.topic, g.operation.name) for g in lines}
    readers = {g.principal for g in lines if g.operation is topics.Operation.READ}
    rights |= {Right(p, "group", topics.group_prefix(p), "READ") for p in readers}
    return frozenset(rights)


def _configuration(row: topics.Topic) -> dict[str, str]:
    config = {
        "cleanup.policy": "compact" if row.compacted else "delete",
        "max.message.bytes": str(2 * 1024 * 1024),
        "message.timestamp.type": "LogAppendTime",
    }
    if row.compacted:  # household records come again all the time: what is old goes soon
        config |= {"segment.ms": "3600000", "segment.bytes": str(64 * 1024 * 1024), "min.cleanable.dirty.ratio": "0.2"}
    else:
        config["retention.ms"] = str(row.retention_ms)
        config["retention.bytes"] = "-1"
    return config


class Cluster:
    """The administrator's view of a Kafka cluster. `settings` is a librdkafka configuration with the admin's certificate."""

    def __init__(self, settings: dict[str, Any]) -> None:
        """Connects lazily; every call raises `Unavailable` when the cluster does not answer in 30 s."""
        self._admin = AdminClient(settings)

    def partition_counts(self) -> dict[str, int]:
        """Name -> number of partitions of every topic that is not Kafka's own."""
        try:
            found = self._admin.list_topics(timeout=_TIMEOUT_SECONDS).topics
        except KafkaException as away:
            msg = "Kafka does not answer the administrator."
            raise Unavailable(msg) from away
        return {name: len(meta.partitions) for name, meta in found.items() if not name.startswith("__")}

    def rights(self) -> frozenset[Right]:
        """Every allow line the cluster has."""
        every = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
        )
        found = self._admin.describe_acls(every, request_timeout=_TIMEOUT_SECONDS).result()
        return frozenset(
            Right(b.principal.removeprefix("User:"), b.restype.name.lower(), b.name, b.operation.name) for b in found
        )

    def compare(self, members: topics.Members) -> Difference:
        """Hold the table against the cluster without changing anything."""
        have, rights, want = self.partition_counts(), self.rights(), expected_rights(members)
        rows = {name: row for name, row, _ in topics.concrete_topics(members)}
        return Difference(
            missing_topics=tuple(sorted(set(rows) - set(have))),
            wrong_topics=tuple(sorted(n for n, r in rows.items() if n in have and have[n] != r.partitions)),
            missing_rights=tuple(sorted(want - rights)),
            extra_rights=tuple(sorted(rights - want)),
        )

    def apply(self, members: topics.Members) -> Difference:
        """Make topics and rights as the table says; returns what was different. Raises `ContractBroken` on a wrong count."""
        found = self.compare(members)
        if found.wrong_topics:
            msg = (
                f"These topics have another number of partitions than the table says: {', '.join(found.wrong_topics)}."
            )
            raise ContractBroken(msg)
        rows = {name: row for name, row, _ in topics.concrete_topics(members)}
        if found.missing_topics:
            self._create([(name, rows[name]) for name in found.missing_topics])
        if found.missing_rights:
            made = self._admin.create_acls([_binding(r) for r in found.missing_rights])
            for result in made.values():
                result.result(timeout=_TIMEOUT_SECONDS)
        if found.extra_rights:
            gone = self._admin.delete_acls([_filter(r) for r in found.extra_rights])
            for result in gone.values():
                result.result(timeout=_TIMEOUT_SECONDS)
        self._wait_for_agreement(members)
        return found

    def _wait_for_agreement(self, members: topics.Members) -> None:
        """The broker takes rights in a moment after it accepts them: wait until it knows them all."""
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not self.compare(members).none:
            if time.monotonic() > deadline:
                msg = "Kafka accepted topics and rights but does not show them."
                raise Unavailable(msg)
            time.sleep(0.05)

    def _create(self, wanted: list[tuple[str, topics.Topic]]) -> None:
        made = self._admin.create_topics(
            [
                NewTopic(name, num_partitions=row.partitions, replication_factor=-1, config=_configuration(row))
                for name, row in wanted
            ],
            request_timeout=_TIMEOUT_SECONDS,
        )
        for name, result in made.items():
            try:
                result.result()
            except KafkaException as refused:
                msg = f"Kafka refuses to make the topic {name}: {refused.args[0].str()}"
                raise ContractBroken(msg) from refused


def _parts(right: Right) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    group = right.resource == "group"
    return (
        ResourceType.GROUP if group else ResourceType.TOPIC,
        right.name,
        ResourcePatternType.PREFIXED if group else ResourcePatternType.LITERAL,
        f"User:{right.principal}",
        "*",
        AclOperation[right.operation],
        AclPermissionType.ALLOW,
    )


def _binding(right: Right) -> AclBinding:
    return AclBinding(*_parts(right))


def _filter(right: Right) -> AclBindingFilter:
    return AclBindingFilter(*_parts(right))
