"""The vault as a process of its own: who may ask what over mutual TLS, mandates, and no key without a log."""

from __future__ import annotations

import datetime as dt
import os
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from deploy.certificates import Authority
from keyvault import group, tables, voprf
from keyvault.access_log import first_break
from keyvault.client import PersonKeyCache, PublicKey, VaultClient
from keyvault.limits import EvaluationRules
from keyvault.mandates import Mandate
from keyvault.mutual_tls import listening_socket
from keyvault.service import build_app
from keyvault.store import VaultStore
from schemas.errors import ContractBroken, Refused, SettingsWrong, Unavailable
from schemas.household_record import open_section
from schemas.secrets import WrappingKey
from tests.integration import vault_over_tls
from tests.integration.vault_over_tls import DAY, HANDLE, PERSON, READER, Running


@pytest.fixture
def vault(fresh_database, authority: Authority, tmp_path: Path) -> Iterator[Running]:
    dsn = fresh_database("keyvault_test")
    store = VaultStore(dsn, WrappingKey(b"\x09" * 32))
    store.prepare(DAY)
    running = Running(store, authority, tmp_path)
    running.dsn = dsn
    yield running
    running.stop()
    store.close()


def mandate(*, given: bool = True, until: dt.date = DAY) -> Mandate:
    return Mandate(
        HANDLE, PERSON, 9901, READER, "coordination", "wmo-2.3.2", DAY, until, given, 1, "grantor-gm9901-anne"
    )


def test_intake_gets_the_same_element_for_the_same_input_and_the_count_is_kept(vault: Running) -> None:
    intake = vault.as_("intake")
    pinned = intake.public_key("voprf")
    assert pinned.key_id.startswith("voprf-")
    one = intake.elements([b"a", b"b"], pinned)
    assert intake.elements([b"b"], pinned) == [one[1]]
    with psycopg.connect(vault.dsn) as c:
        assert c.execute("SELECT caller, count FROM evaluations").fetchall() == [("intake", 3)]
    with pytest.raises(ContractBroken, match="proof"):
        intake.elements([b"a"], PublicKey(pinned.key_id, voprf.public_key(group.random_scalar())))


def test_the_days_limit_holds_over_restarts_and_many_callers_and_none_is_lost_in_between(vault: Running) -> None:
    vault.vault.evaluations = EvaluationRules(inhabitants=1, least=30)
    intake = vault.as_("intake")
    pinned = intake.public_key("voprf")
    assert len(intake.elements([bytes([n]) for n in range(8)], pinned)) == 8
    assert intake.has_spare
    answers: list[int] = []

    def ask() -> None:
        try:
            answers.append(len(vault.as_("intake").elements([os.urandom(4) for _ in range(6)], pinned)))
        except Unavailable:
            answers.append(0)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(answers) == [0, 0, 4, 6, 6, 6]
    again = VaultStore(vault.dsn, WrappingKey(b"\x09" * 32))
    vault.vault.store = again
    with pytest.raises(Unavailable, match="no more pseudonyms today: 30 a day"):
        intake.elements([b"x"], pinned)
    assert not intake.has_spare
    vault.now += 86_400
    assert len(intake.elements([b"x", b"y"], pinned)) == 2
    again.close()


def test_another_key_than_the_pinned_one_stops_intake_with_one_sentence(vault: Running) -> None:
    intake = vault.as_("intake")
    pinned = intake.public_key("voprf")
    with pytest.raises(ContractBroken, match="has no pseudonym key voprf-19990101-abcdef now"):
        intake.elements([b"a"], PublicKey("voprf-19990101-abcdef", pinned.key))


def test_only_the_ledger_makes_person_keys_and_the_projector_borrows_them(vault: Running) -> None:
    persons = [bytes([i]) * 16 for i in range(1, 30)]
    assert vault.as_("projector").person_keys(persons) == [None] * 29
    made = vault.as_("ledger").person_keys(persons)
    assert len({k.reveal() for k in made if k}) == 29
    assert vault.as_("projector").person_keys(persons[::-1]) == made[::-1]
    assert PersonKeyCache(vault.as_("projector").person_keys).keys(persons[:2]) == dict(
        zip(persons[:2], made[:2], strict=True)
    )


def test_nothing_in_the_database_opens_without_the_wrapping_key(vault: Running) -> None:
    made = vault.as_("ledger").person_keys([PERSON])
    assert made[0] is not None
    with psycopg.connect(vault.dsn) as c:
        wrapped = c.execute("SELECT wrapped FROM person_keys").fetchone()[0]
    assert made[0].reveal() not in wrapped
    other = VaultStore(vault.dsn, WrappingKey(b"\x08" * 32))
    with pytest.raises(ContractBroken, match="wrapping key"):
        other.person_keys([PERSON], make=False, today=DAY)
    with pytest.raises(ContractBroken, match="wrapping key"):
        other.prepare(DAY)
    other.close()


def test_keys_exchanged_between_rows_open_nothing(vault: Running) -> None:
    vault.as_("ledger").person_keys([b"a" * 16, b"b" * 16])
    with psycopg.connect(vault.dsn) as c:
        c.execute("UPDATE person_keys p SET wrapped = q.wrapped FROM person_keys q WHERE p.person <> q.person")
    with pytest.raises(ContractBroken, match="wrapping key"):
        vault.as_("projector").person_keys([b"a" * 16])


def test_a_database_of_the_first_form_becomes_one_of_todays_and_keeps_its_keys(vault: Running) -> None:
    made = vault.as_("ledger").person_keys([PERSON])
    with psycopg.connect(vault.dsn) as c:
        c.execute("DROP INDEX one_active_key; DROP TABLE access_log_published, access_log, log_clients, vault_form")
        for statement in tables.STEPS[0].split(";\n"):
            c.execute(statement)
        c.execute("ALTER TABLE withdrawn_here DROP CONSTRAINT withdrawn_here_pkey, ADD PRIMARY KEY (handle)")
    for _ in range(2):
        vault.store.prepare(DAY)
    assert vault.as_("projector").person_keys([PERSON]) == made


def test_a_database_of_a_newer_version_is_left_alone(vault: Running) -> None:
    with psycopg.connect(vault.dsn) as c:
        c.execute("INSERT INTO vault_form VALUES (99, now())")
    with pytest.raises(ContractBroken, match="newer"):
        vault.store.prepare(DAY)


def test_two_ledgers_asking_for_the_same_persons_at_once_get_the_same_keys(vault: Running) -> None:
    persons = [i.to_bytes(16, "big") for i in range(1, 1_201)]
    answers: dict[int, list[object]] = {}
    clients = [vault.as_("ledger") for _ in range(4)]

    def ask(i: int) -> None:
        answers[i] = list(clients[i].person_keys(persons if i % 2 else persons[::-1]))

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers[1] == answers[3] == answers[0][::-1] == answers[2][::-1]
    assert None not in answers[1]


@pytest.mark.parametrize("name", ["p99000001", "gm9901", READER, "ledger", "release", "operator"])
def test_who_is_not_intake_gets_no_evaluation(vault: Running, name: str) -> None:
    with pytest.raises(ContractBroken, match="may not ask"):
        vault.as_(name).elements([b"a"], PublicKey("voprf-1", bytes(32)))


@pytest.mark.parametrize("name", ["p99000001", "gm9901", READER, "intake", "release", "ledger"])
def test_who_is_not_the_projector_gets_no_placement_key(vault: Running, name: str) -> None:
    with pytest.raises(ContractBroken):
        vault.as_(name).placement_keys([PERSON])


def test_a_connection_without_a_certificate_is_refused(vault: Running) -> None:
    context = ssl.create_default_context(cafile=str(vault.authority.ca_path))
    with pytest.raises(httpx.HTTPError):
        httpx.get(vault.url + "/ready", verify=context, trust_env=False)


def test_a_foreign_an_expired_and_an_early_certificate_are_refused(vault: Running, tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    foreign = Authority(tmp_path / "foreign").issue("intake", tmp_path / "foreign-intake")
    expired = vault.authority.issue("intake", tmp_path / "expired", valid_from=now - dt.timedelta(days=900))
    early = vault.authority.issue("intake", tmp_path / "early", valid_from=now + dt.timedelta(days=9))
    for files in (foreign, expired, early):
        client = VaultClient(vault.url, cert=files.cert, key=files.key, ca=vault.authority.ca_path)
        with pytest.raises(Unavailable):
            client.public_key("voprf")
    assert vault.as_("intake").public_key("voprf")


def test_an_older_tls_is_refused(vault: Running) -> None:
    files = vault.authority.issue("intake", vault.folder / "intake")
    context = ssl.create_default_context(cafile=str(files.ca))
    context.load_cert_chain(str(files.cert), str(files.key))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(httpx.HTTPError):
        httpx.get(vault.url + "/ready", verify=context, trust_env=False)


def test_another_role_behind_the_vaults_address_is_not_trusted(vault: Running) -> None:
    ledger = vault.as_("ledger")
    vault.stop()
    vault.start("projector")
    for client in (ledger, vault.as_("ledger")):
        with pytest.raises(ContractBroken, match="Another process"):
            client.person_keys([PERSON])
        with pytest.raises(ContractBroken, match="Another process"):
            client.ready()


def test_a_connection_the_vault_closed_meanwhile_is_opened_again(vault: Running) -> None:
    ledger = vault.as_("ledger")
    made = ledger.person_keys([PERSON])
    vault.stop()
    with pytest.raises(Unavailable):
        ledger.person_keys([PERSON])
    vault.start("keyvault")
    assert ledger.person_keys([PERSON]) == made


def test_an_answer_after_which_the_connection_is_closed_is_the_keyvaults_all_the_same(
    vault: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keyvault that is stopping closes each connection with its answer, and one that is killed right after it likewise."""

    def closing(*args: Any, **kwargs: Any) -> Any:
        app = build_app(*args, **kwargs)

        async def closes(scope: Any, receive: Any, send: Any) -> None:
            async def told(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
                await send(message)

            await app(scope, receive, told)

        return closes

    monkeypatch.setattr(vault_over_tls, "build_app", closing)
    ledger = vault.as_("ledger")
    made = ledger.person_keys([PERSON])
    vault.stop()
    vault.start("keyvault")
    assert ledger.person_keys([PERSON]) == made
    assert ledger.person_keys([PERSON]) == made
    vault.stop()
    vault.start("projector")
    with pytest.raises(ContractBroken, match="Another process"):
        ledger.person_keys([PERSON])


def test_a_port_in_use_is_said_before_anything_is_touched(vault: Running) -> None:
    with pytest.raises(SettingsWrong, match="in use"):
        listening_socket("127.0.0.1", vault.port)


def test_postgresql_away_means_wait_and_nothing_is_lost(vault: Running, postgres) -> None:
    ledger = vault.as_("ledger")
    made = ledger.person_keys([PERSON])
    postgres.stop()
    try:
        with pytest.raises(Unavailable, match="PostgreSQL"):
            ledger.person_keys([PERSON])
        assert ledger.ready() is False
    finally:
        postgres.start()
    assert ledger.person_keys([PERSON]) == made
    assert vault.told == []


def test_a_look_under_a_live_mandate_opens_the_card_and_is_logged(vault: Running) -> None:
    vault.store.learn_mandates([mandate()], partition=0, next_offset=1)
    record = vault.record()
    keys = vault.as_(READER).look(record)
    assert open_section(secret=keys[0], record=record, index=0)["members"] == 1
    assert [(r["who"], r["result"], r["purpose"]) for r in vault.log.records] == [(READER, "given", "coordination")]


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
    assert first_break(vault.log.records) is None
    assert vault.store.log_head() == (len(vault.log.records), vault.log.records[-1]["hash"])
