"""The process `ledger`: wiring only."""

from __future__ import annotations

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
from streams.metrics import WorkerMetrics
from streams.worker import Worker, main, today


def build(config: RoleConfig, metrics: WorkerMetrics) -> Worker:
    """Everything the ledger is made of."""
    follower = DirectoryFollower(config)
    follower.start()
    directory = follower.wait()
    with prepared(config.database_dsn, DDL):
        pass
    vault = config.vault_client()
    key_id = directory.role_key("ledger", "content", day=day_number(today())).key_id
    role = LedgerRole(
        directory=directory, content_keys={key_id: BoxKey(config.secret("content"))}, keys=PersonKeyCache(vault),
        metrics=metrics, learn_more=lambda: follower.refreshed(seconds=3),
        limits=Limits(
            MandateRules.of(config.extra.get("mandate_rules")),
            {int(m): int(n) for m, n in config.extra.get("households", {}).items()},
        ),
    )  # fmt: skip
    return Worker(config, HopEngine(role, PostgresHopStore(config.database_dsn, role.name), metrics), metrics)


if __name__ == "__main__":
    main(build)
