"""The process `intake`: wiring only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keyvault.client import PublicKey
from schemas.directory_follower import DirectoryFollower
from schemas.errors import Unavailable
from schemas.secrets import AddressKey, PersonIdKey, ScalarKey
from streams.address_book import AddressBook
from streams.config import RoleConfig
from streams.hop_engine import HopEngine
from streams.hop_store import PostgresHopStore, prepared
from streams.identity_keeping import IdentityKeeping
from streams.intake_placing import Placing
from streams.intake_role import IntakeRole
from streams.intake_store import DDL, save_handles
from streams.key_ring import KeyRing
from streams.log_head import LogHead
from streams.logs import logger
from streams.metrics import WorkerMetrics
from streams.pseudonym_table import save_persons, scalar_print
from streams.pseudonym_turn import EVERY_SECONDS, PseudonymTurn, TurnMetrics
from streams.pseudonyms import Pseudonyms
from streams.worker import Worker, main


def build(config: RoleConfig, metrics: WorkerMetrics) -> Worker:
    """Everything intake is made of."""
    book = AddressBook.read([Path(p) for p in config.extra.get("address_dirs", [])])
    follower = DirectoryFollower(config.roots, config.kafka.client(), role=config.role)
    follower.start()
    directory = follower.wait()
    with prepared(config.database_dsn, DDL):
        pass
    vault = config.vault_client()
    metrics.watch_vault(lambda: vault.seconds)
    apart = PostgresHopStore(config.database_dsn, "intake")

    def keep(rows: Sequence[tuple[bytes, bytes, int]], generation: int, persons: dict[bytes, bytes]) -> None:
        with apart.transaction() as tx:
            save_handles(tx, rows)
            save_persons(tx, generation, persons)

    def pinned(key_id: str) -> PublicKey | None:
        entry = directory.known_key("keyvault", "voprf", key_id)
        return None if entry is None else PublicKey(entry.key_id, entry.public_key)

    def latest() -> PublicKey:
        entry = directory.latest_key("keyvault", "voprf")
        if entry is None:
            msg = "No pseudonym key of the keyvault is signed by the network's root yet."
            raise Unavailable(msg)
        return PublicKey(entry.key_id, entry.public_key)

    def joint() -> PublicKey | None:
        entry = directory.latest_key("officers", "officers")
        return None if entry is None else PublicKey(entry.key_id, entry.public_key)

    scalars = [
        ScalarKey(config.secret(name))
        for name in ("scalar", "scalar-next")
        if name == "scalar" or config.has_secret(name)
    ]
    by_print = {scalar_print(s): s for s in scalars}
    turn = PseudonymTurn(
        PostgresHopStore(config.database_dsn, "intake"),
        vault,
        latest,
        pinned,
        by_print,
        TurnMetrics(metrics.registry),
        logger(config.role),
    )
    turn.prepare()
    role = IntakeRole(
        directory=directory, identity_keys=KeyRing("intake", lambda: config.secrets_of("identity")),
        pseudonyms=Pseudonyms(
            vault=vault, pinned=pinned, scalars=by_print, keep=keep,
            id_key=PersonIdKey(config.secret("person-id")), cache_key=config.secret("cache"),
            sealed=IdentityKeeping(vault, joint).keep,
        ),
        placing=Placing(book, AddressKey(config.secret("address")), vault.placement_public_keys),
        metrics=metrics, learn_more=follower.refreshed, log_head=LogHead(vault),
    )  # fmt: skip
    engine = HopEngine(role, PostgresHopStore(config.database_dsn, role.name), metrics)
    return Worker(config, engine, metrics, ticks=[(EVERY_SECONDS, lambda _: turn.work())])


if __name__ == "__main__":
    main(build)
