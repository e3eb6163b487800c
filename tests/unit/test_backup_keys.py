"""A month's backups open until a day that is known before; after it their key is gone, and receipts of erasures promise that day and none before."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from deploy.backup_keys import BackupKeys, MonthKey
from deploy.zone_folder import ZoneFolder
from keyvault.erasure_work import last_copy_day
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.values import Month

SECRET, JUNE = b"\x05" * 32, Month(2025, 6)
NOON, JULY_NOON = (dt.datetime(2025, m, 30, 12, tzinfo=dt.UTC) for m in (6, 7))
END = dt.date(2025, 10, 5)
"""The last day of June's backups: 97 days after its end."""


@pytest.fixture
def keys(tmp_path: Path) -> BackupKeys:
    return BackupKeys(ZoneFolder(tmp_path), 97)


def test_a_months_key_is_made_once_and_is_another_for_each_month_and_role(keys: BackupKeys) -> None:
    june = keys.sealing("keyvault", NOON, SECRET).reveal()
    file = keys.of_month("keyvault", NOON).file
    assert file.stat().st_mode & 0o077 == 0
    assert keys.sealing("keyvault", NOON.replace(day=1), SECRET).reveal() == june
    assert keys.opening("keyvault", NOON, SECRET).reveal() == june
    others = [
        keys.sealing("keyvault", JULY_NOON, SECRET), keys.sealing("intake", NOON, SECRET),
        keys.opening("keyvault", NOON, b"\x06" * 32),
    ]  # fmt: skip
    assert len({june, *(o.reveal() for o in others)}) == 4
    assert file.read_bytes() not in (june, SECRET)
    assert [(k.role, k.key_id) for k in keys.all()] == [
        ("keyvault", "backup.202506"), ("keyvault", "backup.202507"), ("intake", "backup.202506"),
    ]  # fmt: skip
    assert len(list(file.parent.iterdir())) == 2, "nothing is left beside them"


def test_of_two_who_make_a_months_key_at_once_the_first_counts(
    keys: BackupKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = keys.sealing("intake", NOON, SECRET).reveal()
    seen = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: False if path.name.startswith("backup.") else seen(path))
    assert keys.sealing("intake", NOON, SECRET).reveal() == first


def test_its_last_day_is_the_last_that_a_receipt_of_that_month_names(keys: BackupKeys) -> None:
    keys.sealing("keyvault", NOON, SECRET)
    (key,) = keys.all()
    assert (key.last_day, key.ends) == (END, END + dt.timedelta(days=1))
    for day in range(1, 31):
        assert last_copy_day(JUNE.first_day.replace(day=day), 97) == key.last_day
    assert (key.last_day - JUNE.last_day).days == 97
    longer = BackupKeys(keys.folder, 120)
    assert [k.last_day - key.last_day for k in longer.all()] == [dt.timedelta(days=23)]


def test_it_is_destroyed_after_its_last_day_and_what_it_closed_opens_no_more(keys: BackupKeys) -> None:
    keys.sealing("keyvault", NOON, SECRET)
    keys.sealing("keyvault", JULY_NOON, SECRET)
    file = keys.of_month("keyvault", NOON).file
    held = file.open("rb")
    assert keys.destroy_due(END) == []
    assert [k.month for k in keys.destroy_due(END + dt.timedelta(days=1))] == [JUNE]
    assert held.read() == bytes(32), "overwritten, not only without a name"
    held.close()
    with pytest.raises(
        Refused, match=r"backup\.202506\.key, is not there, and nothing else opens this backup.*2025-10-05"
    ):
        keys.opening("keyvault", NOON, SECRET)
    assert not file.exists(), "asking for it makes no other"
    assert keys.opening("keyvault", JULY_NOON, SECRET)


def test_a_file_that_is_no_months_key_is_left_alone_and_one_that_is_not_right_is_told(keys: BackupKeys) -> None:
    folder = keys.folder.role("intake") / "secrets"
    folder.mkdir(parents=True)
    for name in ("backup.202513.key", "backup.000101.key", "backup.x.key", "backup.202501.key.new", "identity.key"):
        (folder / name).write_bytes(b"x")
    assert keys.all() == []
    keys.of_month("intake", NOON).file.write_bytes(b"short")
    keys.of_month("intake", NOON).file.chmod(0o600)
    for ask in (keys.opening, keys.sealing):
        with pytest.raises(SettingsWrong, match="has not exactly 32 bytes"):
            ask("intake", NOON, SECRET)
    folder.joinpath("backup.202401.key").mkdir()
    with pytest.raises(Unavailable, match="can't be destroyed; its last day was 2024-05-07"):
        keys.destroy([k for k in keys.all() if k == MonthKey("intake", Month(2024, 1), k.file, k.last_day)])
