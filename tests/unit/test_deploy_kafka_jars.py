"""Kafka's jars: exactly those of the lock file reach the class path."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from deploy import kafka_jars
from schemas.errors import ContractBroken, SettingsWrong


def a_folder(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    folder = tmp_path / "jars"
    folder.mkdir()
    wanted = {}
    for name in ("one-1.0.jar", "two-2.0.jar"):
        (folder / name).write_bytes(name.encode())
        wanted[name] = hashlib.sha256(name.encode()).hexdigest()
    return folder, wanted


def test_the_locked_jars_pass(tmp_path: Path) -> None:
    folder, wanted = a_folder(tmp_path)
    kafka_jars.check(folder, wanted)


def test_a_jar_with_one_other_byte_is_refused_and_removed(tmp_path: Path) -> None:
    folder, wanted = a_folder(tmp_path)
    (folder / "two-2.0.jar").write_bytes(b"two-2.0.jaR")
    with pytest.raises(ContractBroken, match=r"two-2\.0\.jar is not the one in"):
        kafka_jars.check(folder, wanted)
    assert not (folder / "two-2.0.jar").exists()


def test_a_jar_that_is_missing_is_refused(tmp_path: Path) -> None:
    folder, wanted = a_folder(tmp_path)
    (folder / "one-1.0.jar").unlink()
    with pytest.raises(ContractBroken, match=r"one-1\.0\.jar"):
        kafka_jars.check(folder, wanted)


def test_a_jar_nobody_locked_is_refused(tmp_path: Path) -> None:
    folder, wanted = a_folder(tmp_path)
    (folder / "stranger.jar").write_bytes(b"x")
    with pytest.raises(ContractBroken, match=r"stranger\.jar is not in"):
        kafka_jars.check(folder, wanted)


def test_the_lock_file_names_the_broker_and_one_digest_per_jar() -> None:
    wanted = kafka_jars.locked_jars()
    assert {f"kafka_2.13-{kafka_jars.VERSION}.jar", f"kafka-clients-{kafka_jars.VERSION}.jar"} <= set(wanted)
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in wanted.values())
    assert all("/" not in name and name.endswith(".jar") for name in wanted)


def test_a_cache_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsWrong, match="ZORGSTROOM_CACHE"):
        kafka_jars.jars(tmp_path / "file")
