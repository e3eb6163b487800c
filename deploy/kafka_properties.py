"""The settings of the embedded Kafka: one node that is broker and controller, mutual TLS everywhere, deny by default.

Knows no topics and no rights: those come from the table in `schemas.topics`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

BROKER: Final = "broker"
ADMIN: Final = "admin"
"""The two principals that need no grant: the node itself and the administrator."""

_MEBIBYTE = 1024 * 1024
_YEAR_MINUTES = 365 * 24 * 60


def properties(
    *, client_port: int, controller_port: int, data: Path, keystore: Path, authority: Path
) -> dict[str, str]:
    """Settings for a node on two loopback ports. `keystore`: PEM with key and chain; `authority`: PEM of who is trusted."""
    listeners = f"CLIENT://127.0.0.1:{client_port},CONTROLLER://127.0.0.1:{controller_port}"
    node = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": listeners,
        "advertised.listeners": listeners,
        "inter.broker.listener.name": "CLIENT",
        "listener.security.protocol.map": "CLIENT:SSL,CONTROLLER:SSL",
        "log.dirs": str(data),
    }
    who_may_enter = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority),
        "ssl.client.auth": "required",
        "ssl.principal.mapping.rules": r"RULE:^CN=([a-z0-9-]+)$/$1/,DEFAULT",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{BROKER};User:{ADMIN}",
        "allow.everyone.if.no.acl.found": "false",
        "auto.create.topics.enable": "false",
    }
    one_node = {
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # few partitions of Kafka's own topics: each costs time at start
        "offsets.topic.num.partitions": "5",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.num.partitions": "1",
    }
    keeping = {
        # each topic's own retention comes from the table; what the table forgot must not vanish
        "log.retention.ms": "-1",
        # the offsets of a group that is down for a holiday must be there when it comes back
        "offsets.retention.minutes": str(_YEAR_MINUTES),
        "message.max.bytes": str(2 * _MEBIBYTE),
        "replica.fetch.max.bytes": str(4 * _MEBIBYTE),
        "log.cleaner.dedupe.buffer.size": str(16 * _MEBIBYTE),
        "num.recovery.threads.per.data.dir": "2",
        # after a crash the node waits this long for its own former self before it serves again
        "broker.session.timeout.ms": "5000",
        "broker.heartbeat.interval.ms": "1000",
    }
    groups = {"group.initial.rebalance.delay.ms": "0", "group.min.session.timeout.ms": "2000"}
    return node | who_may_enter | one_node | keeping | groups


def as_text(settings: dict[str, str]) -> str:
    """The file Java reads; a backslash is its escape."""
    return "".join(f"{name}={value}\n" for name, value in settings.items()).replace("\\", "\\\\")
