"""The vault as a process of its own: who may ask what over mutual TLS, mandates, and no key without a log."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from deploy.certificates import Authority
from deploy.zone_folder import free_port
from keyvault import voprf
from keyvault.access_log import InMemoryAccessLog
from keyvault.client import PersonKeyCache, VaultClient
from keyvault.mutual_tls import server
from keyvault.service import Vault, build_app
from keyvault.store import Mandate, VaultStore, log_hash
from schemas import codec
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.household_record import COMMON, open_section, seal_record
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey, WrappingKey
from schemas.values import MandateHandle

PROJECTOR = SigningKey(b"\x07" * 32)
HANDLE, PERSON, READER = b"h" * 16, b"p" * 16, "caseworker-gm9901-1"
DAY = dt.date(2025, 6, 1)
CARD = codec.encode("household_card", {"known_on": 1, "epoch": 1, "members": 1, "lines": []})


class Running:
    def __init__(self, store: VaultStore, authority: Authority, folder: Path) -> None:
        self.authority, self.folder, self.store, self.log = authority, folder, store, InMemoryAccessLog()
        self.now = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC).timestamp()
        self.vault = Vault(store, self.log, verify_key_of(PROJECTOR), clock=lambda: self.now)
        files, port = authority.issue("keyvault", folder / "keyvault"), free_port()
        self.url = f"https://127.0.0.1:{port}"
        self.server = server(build_app(self.vault), host="127.0.0.1", port=port, cert=files.cert, key=files.key, ca=files.ca)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)

    def as_(self, name: str) -> VaultClient:
        files = self.authority.issue(name, self.folder / name)
        return VaultClient(self.url, cert=files.cert, key=files.key, ca=files.ca)

    def record(self, version: int = 1, handle: bytes = HANDLE) -> dict[str, object]:
        _, public = self.as_("projector").public_key("section")
        sealed = seal_record(
            handle=MandateHandle(handle), version=version, sections={(0, COMMON): CARD}, vault_public=public, signing=PROJECTOR
        )
        return codec.decode("household_record", sealed)


@pytest.fixture
def vault(postgres, authority: Authority, tmp_path: Path) -> Iterator[Running]:
    dsn = postgres.create_role_database("keyvault_test")
    with psycopg.connect(dsn, autocommit=True) as c:
        c.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    store = VaultStore(dsn, WrappingKey(b"\x09" * 32))
    store.prepare()
    running = Running(store, authority, tmp_path)
    running.dsn = dsn
    yield running
    running.server.should_exit = running.server.force_exit = True
    running.thread.join(5)
    store.close()


def mandate(*, given: bool = True, until: dt.date = DAY) -> Mandate:
    return Mandate(HANDLE, PERSON, 9901, READER, "coordination", "wmo-2.3.2", DAY, until, given)


def test_intake_gets_the_same_element_for_the_same_input_and_the_count_is_kept(vault: Running) -> None:
    intake = vault.as_("intake")
    key_id, pinned = intake.public_key("voprf")
    assert key_id.startswith("voprf-")
    one = intake.elements([b"a", b"b"], pinned_public_key=pinned)
    assert intake.elements([b"b"], pinned_public_key=pinned) == [one[1]]
    with psycopg.connect(vault.dsn) as c:
        assert c.execute("SELECT caller, count FROM evaluations").fetchall() == [("intake", 3)]
    with pytest.raises(ContractBroken, match="proof"):
        intake.elements([b"a"], pinned_public_key=voprf.public_key(voprf.random_scalar()))


def test_only_the_ledger_makes_person_keys_and_the_projector_borrows_them(vault: Running) -> None:
    persons = [bytes([i]) * 16 for i in range(1, 30)]
    assert vault.as_("projector").person_keys(persons) == [None] * 29
    made = vault.as_("ledger").person_keys(persons)
    assert len({k.reveal() for k in made if k}) == 29
    assert vault.as_("projector").person_keys(persons[::-1]) == made[::-1]
    assert PersonKeyCache(vault.as_("projector")).keys(persons[:2]) == dict(zip(persons[:2], made[:2], strict=True))


def test_nothing_in_the_database_opens_without_the_wrapping_key(vault: Running) -> None:
    made = vault.as_("ledger").person_keys([PERSON])
    assert made[0] is not None
    with psycopg.connect(vault.dsn) as c:
        wrapped = c.execute("SELECT wrapped FROM person_keys").fetchone()[0]
    assert made[0].reveal() not in wrapped
    with pytest.raises(Refused):
        VaultStore(vault.dsn, WrappingKey(b"\x08" * 32)).person_keys([PERSON], make=False, today=DAY)


@pytest.mark.parametrize("name", ["p99000001", "gm9901", READER, "ledger", "release", "operator"])
def test_who_is_not_intake_gets_no_evaluation(vault: Running, name: str) -> None:
    with pytest.raises(ContractBroken, match="may not ask"):
        vault.as_(name).elements([b"a"], pinned_public_key=bytes(32))


@pytest.mark.parametrize("name", ["p99000001", "gm9901", READER, "intake", "release", "ledger"])
def test_who_is_not_the_projector_gets_no_placement_key(vault: Running, name: str) -> None:
    with pytest.raises(ContractBroken):
        vault.as_(name).placement_private()


def test_no_certificate_and_a_foreign_one_are_refused(vault: Running, tmp_path: Path) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(vault.url + "/ready", verify=False, trust_env=False)
    foreign = Authority(tmp_path / "foreign").issue("intake", tmp_path / "foreign-intake")
    client = VaultClient(vault.url, cert=foreign.cert, key=foreign.key, ca=vault.authority.ca_path)
    with pytest.raises(Unavailable):
        client.public_key("voprf")


def test_a_look_under_a_live_mandate_opens_the_card_and_is_logged(vault: Running) -> None:
    vault.store.learn_mandates([mandate()], partition=0, next_offset=1)
    record = vault.record()
    keys = vault.as_(READER).look(record)
    assert open_section(secret=keys[0], record=record, index=0)["members"] == 1
    assert [(r["reader"], r["result"], r["purpose"]) for r in vault.log.records] == [(READER, "given", "coordination")]


def test_every_refused_look_is_logged_and_gives_no_key(vault: Running) -> None:
    vault.store.learn_mandates([mandate()], partition=0, next_offset=1)
    other = vault.record() | {"version": 2}
    for reader, record, code in (
        ("caseworker-gm9901-2", vault.record(), "no-mandate"),
        (READER, vault.record(handle=b"x" * 16), "no-mandate"),
        (READER, other, "signature"),
    ):
        with pytest.raises(Refused) as told:
            vault.as_(reader).look(record)
        assert told.value.code == code
    vault.now += 86_400
    with pytest.raises(Refused) as told:
        vault.as_(READER).look(vault.record())
    assert told.value.code == "expired"
    assert [r["result"] for r in vault.log.records] == ["no-mandate", "no-mandate", "signature", "expired"]


def test_a_withdrawal_at_the_vault_closes_at_once_and_only_its_municipality_can(vault: Running) -> None:
    vault.store.learn_mandates([mandate()], partition=0, next_offset=1)
    record = vault.record()
    vault.as_(READER).look(record)
    with pytest.raises(Refused):
        vault.as_("gm9902").withdraw(HANDLE)
    vault.as_("gm9901").withdraw(HANDLE)
    vault.store.learn_mandates([mandate()], partition=0, next_offset=2)
    with pytest.raises(Refused) as told:
        vault.as_(READER).look(record)
    assert told.value.code == "withdrawn"


def test_without_a_log_no_key_leaves(vault: Running) -> None:
    vault.store.learn_mandates([mandate()], partition=0, next_offset=1)
    vault.log.away = True
    with pytest.raises(Unavailable, match="log"):
        vault.as_(READER).look(vault.record())


def test_the_access_log_is_a_chain(vault: Running) -> None:
    vault.store.learn_mandates([mandate()], partition=0, next_offset=1)
    for _ in range(3):
        vault.as_(READER).look(vault.record())
    previous = bytes(32)
    for record in vault.log.records:
        assert record["previous_hash"] == previous
        assert record["hash"] == log_hash(record)
        previous = record["hash"]
    assert vault.store.log_head() == previous
