"""Where a role's secrets come from: a credential of the operating system before a file, and never one that others may read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.errors import SettingsWrong
from streams.config import RoleConfig


def secret(folder: Path, name: str = "scalar") -> bytes:
    """The secret of a role whose files lie in `folder`."""
    unused: Any = None
    role = RoleConfig("intake", unused, "", b"", folder, 1, unused, ())
    return role.secret(name)


def kept(folder: Path, name: str, content: bytes, mode: int = 0o600) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    (folder / name).chmod(mode)
    return folder


def test_a_credential_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = kept(tmp_path / "files", "scalar.key", b"f" * 32)
    assert secret(files) == b"f" * 32
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(kept(tmp_path / "given", "scalar", b"c" * 32, 0o400)))
    assert secret(files) == b"c" * 32
    kept(files, "cache.key", b"k" * 32)
    assert secret(files, "cache") == b"k" * 32, "one that is no credential comes from its file"


@pytest.mark.parametrize(
    ("content", "mode", "told"),
    [
        (b"f" * 31, 0o600, "exactly 32 bytes"),
        (b"f" * 32, 0o640, "set its mode to 0600"),
        (b"f" * 32, 0o604, "set its mode to 0600"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_and_not_shown(
    tmp_path: Path, content: bytes, mode: int, told: str
) -> None:
    with pytest.raises(SettingsWrong, match=told) as wrong:
        secret(kept(tmp_path / "files", "scalar.key", content, mode))
    assert "scalar.key" in str(wrong.value)
    assert "fff" not in str(wrong.value)


def test_an_absent_secret_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong, match=r"scalar\.key can't be read"):
        secret(tmp_path)
