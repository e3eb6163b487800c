"""All keys of a vault under another wrapping key: all or none, and never while a vault works on them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from keyvault import rewrap as module
from keyvault.rewrap import known_print, only_vault, rewrap
from keyvault.store import VaultStore
from keyvault.wrapping import WrappingSource, chosen, from_passphrase, wrapping_print
from schemas.errors import ContractBroken, Refused, SettingsWrong
from schemas.secrets import WrappingKey

DAY = dt.date(2025, 6, 1)
OLD, NEW = WrappingKey(b"\x01" * 32), WrappingKey(b"\x02" * 32)
PERSONS = [os.urandom(16) for _ in range(500)]


@pytest.fixture
def dsn(fresh_database: Callable[[str], str]) -> str:
    made = fresh_database("keyvault_rewrap")
    store = VaultStore(made, OLD)
    store.prepare(DAY)
    store.person_keys(PERSONS, make=True, today=DAY)
    store.turn_box_key("section", DAY)
    store.year_keys(3, [2024, 2025], DAY)
    store.destroy_years(3, [2024])
    store.settle_box_key("section", active=store.box_key("section", DAY)[0], today=DAY)
    store.close()
    return made


def opened(dsn: str, wrapping: WrappingKey) -> list[object]:
    """All keys as they open under a wrapping key."""
    store = VaultStore(dsn, wrapping)
    try:
        persons = store.person_keys(PERSONS, make=False, today=DAY)
        return [
            *persons,
            store.pseudonym_key(DAY),
            *(store.box_key(use, DAY) for use in ("placement", "section")),
            store.signing_key(DAY),
            *store.year_keys(3, [2024, 2025], DAY),
        ]
    finally:
        store.close()


def test_every_key_opens_under_the_new_one_and_none_under_the_old(dsn: str) -> None:
    before, seen = opened(dsn, OLD), []
    assert known_print(dsn) == wrapping_print(OLD)
    assert rewrap(dsn, OLD, NEW, today=DAY, progress=lambda done, of: seen.append((done, of))) == 500 + 5
    assert seen == [(505, 505)]
    assert opened(dsn, NEW) == before
    assert known_print(dsn) == wrapping_print(NEW)
    with pytest.raises(ContractBroken, match="does not open with this wrapping key"):
        opened(dsn, OLD)
    with pytest.raises(Refused, match="another wrapping key"):
        rewrap(dsn, OLD, NEW, today=DAY)


def test_broken_off_anywhere_everything_is_as_it_was(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = opened(dsn, OLD)
    monkeypatch.setattr(module, "_AT_ONCE", 100)

    def stops(done: int, _: int) -> None:
        if done > 250:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rewrap(dsn, OLD, NEW, today=DAY, progress=stops)
    assert opened(dsn, OLD) == before
    with psycopg.connect(dsn) as c:
        c.execute("UPDATE person_keys SET wrapped = 'x' WHERE person = %s", (max(PERSONS),))
    with pytest.raises(ContractBroken):
        rewrap(dsn, OLD, NEW, today=DAY)
    assert known_print(dsn) == wrapping_print(OLD)


def test_two_vaults_do_not_work_on_one_database_and_nothing_is_rewrapped_under_a_running_one(dsn: str) -> None:
    with only_vault(dsn):
        with (
            pytest.raises(ContractBroken, match="Another keyvault works on this database"),
            only_vault(dsn, wait_seconds=1),
        ):
            pass
        with pytest.raises(ContractBroken, match="Another keyvault"):
            rewrap(dsn, OLD, NEW, today=DAY)
    with only_vault(dsn, wait_seconds=1):
        assert known_print(dsn) == wrapping_print(OLD)


def test_of_todays_and_the_next_key_the_one_the_database_knows_is_used(dsn: str) -> None:
    assert chosen([OLD, NEW], known_print(dsn)) == OLD
    rewrap(dsn, OLD, NEW, today=DAY)
    assert chosen([OLD, NEW], known_print(dsn)) == NEW
    with pytest.raises(ContractBroken, match="do not open"):
        chosen([OLD], known_print(dsn))
    assert chosen([OLD, NEW], None) == OLD


def test_a_passphrase_gives_the_same_key_with_its_salt_and_a_short_one_none() -> None:
    salts = [os.urandom(16), os.urandom(16)]
    one = WrappingSource.of({"salt": salts[0].hex()}).key(lambda: b"paard batterij nietje")
    assert one == from_passphrase(b"paard batterij nietje", salts[0])
    assert one != from_passphrase(b"paard batterij nietje", salts[1])
    assert one != from_passphrase(b"paard batterij nietjes", salts[0])
    with pytest.raises(SettingsWrong, match="at least 12"):
        from_passphrase(b"paard", salts[0])


def test_a_credential_of_the_operating_system_comes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, given = tmp_path / "wrapping.key", tmp_path / "given"
    given.mkdir()
    for path, raw in ((file, b"f" * 32), (given / "wrapping", b"c" * 32)):
        path.write_bytes(raw)
        path.chmod(0o600)
    source = WrappingSource.of({"file": str(file)})
    assert source.key(bytes) == WrappingKey(b"f" * 32)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    assert source.key(bytes) == WrappingKey(b"c" * 32)
