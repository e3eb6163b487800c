"""The process `ledger`: wiring only."""

from __future__ import annotations

from typing import Final

from keyvault.client import PersonKeyCache
from schemas.mandate_rules import MandateRules
from schemas.secrets import BoxKey
from schemas.values import day_number
from streams.config import RoleConfig
from streams.directory_follower import DirectoryFollower
from streams.hop_engine import HopEngine
from streams.hop_store import PostgresHopStore, prepared
from streams.ledger_mandates import Limits
from streams.ledger_role import LedgerRole
from streams.ledger_store import DDL
from streams.log_head import LogHead
from streams.metrics import WorkerMetrics
from streams.remarks import DDL as REMARKS_DDL
from streams.remarks import Remarks
from streams.worker import Worker, main, today

_REMARKS_SECONDS: Final = 2.0


def build(config: RoleConfig, metrics: WorkerMetrics) -> Worker:
    """Everything the ledger is made of."""
    follower = DirectoryFollower(config)
    follower.start()
    directory = follower.wait()
    with prepared(config.database_dsn, (*DDL, *REMARKS_DDL)):
        pass
    vault = config.vault_client()
    key_id = directory.role_key("ledger", "content", day=day_number(today())).key_id
    role = LedgerRole(
        directory=directory, content_keys={key_id: BoxKey(config.secret("content"))}, keys=PersonKeyCache(vault),
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
