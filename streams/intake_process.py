"""The process `intake`: wiring only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from schemas.secrets import AddressKey, BoxKey, PersonIdKey, ScalarKey
from schemas.values import day_number
from streams.address_book import AddressBook
from streams.config import RoleConfig
from streams.directory_follower import DirectoryFollower
from streams.hop_engine import HopEngine
from streams.hop_store import PostgresHopStore, prepared
from streams.intake_role import IntakeRole
from streams.intake_store import DDL, save_handles, save_persons
from streams.log_head import LogHead
from streams.metrics import WorkerMetrics
from streams.pseudonyms import Pseudonyms
from streams.worker import Worker, main, today


def build(config: RoleConfig, metrics: WorkerMetrics) -> Worker:
    """Everything intake is made of."""
    book = AddressBook.read([Path(p) for p in config.extra.get("address_dirs", [])])
    follower = DirectoryFollower(config)
    follower.start()
    directory = follower.wait()
    with prepared(config.database_dsn, DDL):
        pass
    vault = config.vault_client()
    identity = BoxKey(config.secret("identity"))
    key_id = directory.role_key("intake", "identity", day=day_number(today())).key_id
    apart = PostgresHopStore(config.database_dsn, "intake")

    def keep(rows: Sequence[tuple[bytes, bytes, int]], persons: dict[bytes, bytes]) -> None:
        with apart.transaction() as tx:
            save_handles(tx, rows)
            save_persons(tx, persons)

    role = IntakeRole(
        directory=directory, identity_keys={key_id: identity},
        pseudonyms=Pseudonyms(
            vault=vault, pinned_public_key=config.vault_access().voprf_public_key, scalar=ScalarKey(config.secret("scalar")),
            pinned_key_id=config.vault_access().voprf_key_id, keep=keep,
            id_key=PersonIdKey(config.secret("person-id")), cache_key=config.secret("cache"),
        ),
        book=book, address_key=AddressKey(config.secret("address")),
        placement_key=cache(lambda: vault.public_key("placement")), metrics=metrics, learn_more=follower.refreshed, log_head=LogHead(vault),
    )  # fmt: skip
    engine = HopEngine(role, PostgresHopStore(config.database_dsn, role.name), metrics)
    return Worker(config, engine, metrics)


if __name__ == "__main__":
    main(build)
