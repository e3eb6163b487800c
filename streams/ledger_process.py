"""The process `ledger`: wiring only."""

from __future__ import annotations

from typing import Final

from keyvault.client import PersonKeyCache
from schemas.directory_follower import DirectoryFollower
from schemas.mandate_rules import MandateRules
from streams.config import RoleConfig
from streams.hop_engine import HopEngine
from streams.hop_store import PostgresHopStore, prepared
from streams.key_ring import KeyRing
from streams.ledger_mandates import Limits
from streams.ledger_role import LedgerRole
from streams.ledger_store import DDL
from streams.log_head import LogHead
from streams.metrics import WorkerMetrics
from streams.remarks import DDL as REMARKS_DDL
from streams.remarks import Remarks
from streams.worker import Worker, main

_REMARKS_SECONDS: Final = 2.0


def build(config: RoleConfig, metrics: WorkerMetrics) -> Worker:
    """Everything the ledger is made of."""
    follower = DirectoryFollower(config.roots, config.kafka.client(), role=config.role)
    follower.start()
    directory = follower.wait()
    with prepared(config.database_dsn, (*DDL, *REMARKS_DDL)):
        pass
    vault = config.vault_client()
    metrics.watch_vault(lambda: vault.seconds)
    role = LedgerRole(
        directory=directory, content_keys=KeyRing("ledger", lambda: config.secrets_of("content")), keys=PersonKeyCache(vault.person_keys),
        metrics=metrics, learn_more=lambda: follower.refreshed(seconds=3), log_head=LogHead(vault),
        limits=Limits(
            MandateRules.of(config.extra.get("mandate_rules")),
            {int(m): int(n) for m, n in config.extra.get("households", {}).items()},
        ),
    )  # fmt: skip
    store = PostgresHopStore(config.database_dsn, role.name)
    remarks = Remarks(
        store, config.kafka.client(), config.kafka.ca, directory, role.content_keys, metrics, role.log_head
    )
    return Worker(config, HopEngine(role, store, metrics), metrics, ticks=[(_REMARKS_SECONDS, remarks.tick)])


if __name__ == "__main__":
    main(build)
