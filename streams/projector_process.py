"""The process `projector`: wiring only."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from keyvault.client import PersonKeyCache
from schemas.confidentiality import Confidentiality
from schemas.directory_follower import DirectoryFollower
from schemas.mandate_rules import MandateRules
from schemas.retention_rules import RetentionRules
from schemas.values import day_number
from streams.config import RoleConfig
from streams.hop_engine import HopEngine
from streams.hop_store import PostgresHopStore, prepared
from streams.household_records import HouseholdRecords, RecordRules
from streams.metrics import WorkerMetrics
from streams.own_signing import OwnSigning
from streams.projector import Projector
from streams.projector_erasure import Settling
from streams.projector_store import DDL
from streams.retention_notices import RetentionNotices
from streams.section_key import SectionKey
from streams.worker import Worker, main, today

_TAKE_RECORDS: Final = 256
"""An envelope becomes up to eight small records of the ledger, one for each partition its persons are in."""

_NOTICE_SECONDS: Final = 5.0
"""Between two pages of the day's round past all persons."""


def build(config: RoleConfig, metrics: WorkerMetrics) -> Worker:
    """Everything the projector is made of."""
    follower = DirectoryFollower(config.roots, config.kafka.client(), role=config.role)
    follower.start()
    directory = follower.wait()
    with prepared(config.database_dsn, DDL):
        pass
    vault = config.vault_client()
    metrics.watch_vault(lambda: vault.seconds)
    signing = OwnSigning(config.role, lambda: directory, lambda: config.secrets_of("signing"))
    signing.current()
    role = Projector(
        keys=PersonKeyCache(vault.person_keys),
        placement_keys=PersonKeyCache(vault.placement_keys),
        settling=Settling(vault.year_keys, vault.erase, vault.destroy_year, config.first_month.index),
        release_keys=lambda ms: directory.proves("release", ms),
        metrics=metrics,
    )
    hop_store = PostgresHopStore(config.database_dsn, role.name)
    section = SectionKey(vault)
    records = HouseholdRecords(
        hop_store, section.current, section.settled, signing.current, config.first_month,
        lambda: dt.datetime.now(dt.UTC), _record_rules(config.extra),
    )  # fmt: skip

    def identity() -> tuple[str, bytes]:
        entry = directory.role_key("intake", "identity", day=day_number(today()))
        return entry.key_id, entry.public_key

    notices = RetentionNotices(
        hop_store, RetentionRules.of(config.extra), frozenset(config.municipalities), identity, signing.current, today
    )  # fmt: skip
    engine = HopEngine(role, hop_store, metrics)
    return Worker(
        config, engine, metrics, ticks=[(records.rules.tick_seconds, records.tick), (_NOTICE_SECONDS, notices.tick)],
        take_records=_TAKE_RECORDS,
    )  # fmt: skip


def _record_rules(extra: dict[str, Any]) -> RecordRules:
    usual = RecordRules()
    return RecordRules(
        MandateRules.of(extra.get("mandate_rules")), Confidentiality.of(extra.get("confidentiality")),
        float(extra.get("tick_seconds", usual.tick_seconds)), int(extra.get("record_bytes_per_second", usual.bytes_per_second)),
    )  # fmt: skip


if __name__ == "__main__":
    main(build)
