"""Installing: what is taken from the lock, and that pip goes on where uv can't."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy import install_locked

LOCK = """\
one==1.0 \\
    --hash=sha256:aa
uv==2.5 ; sys_platform != 'emscripten' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
uvicorn==3 \\
    --hash=sha256:dd
"""


class Heard:
    """Takes the place of `subprocess.run`: keeps what was typed, and lets uv or pip fail."""

    def __init__(self, *failing: str) -> None:
        self.failing, self.typed = failing, []  # type: tuple[str, ...], list[list[str]]

    def __call__(self, line: list[str], *, check: bool) -> Any:
        name = "pip" if line[1:3] == ["-m", "pip"] else Path(line[0]).name
        self.typed.append([name, *line[1:]])
        if name in self.failing and check:
            raise subprocess.CalledProcessError(1, line)
        return subprocess.CompletedProcess(line, int(name in self.failing))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Any:
    def listen(*failing: str) -> Heard:
        one = Heard(*failing)
        monkeypatch.setattr(install_locked.subprocess, "run", one)
        monkeypatch.setattr(install_locked.venv.EnvBuilder, "_setup_pip", lambda *_: None)
        return one

    return listen


def test_one_package_is_taken_from_the_lock_with_all_its_hashes_and_none_of_the_next() -> None:
    assert install_locked.pinned(LOCK, "uv") == "".join(LOCK.splitlines(keepends=True)[2:5])
    with pytest.raises(ValueError, match="make lock"):
        install_locked.pinned(LOCK, "three")


def test_all_of_the_lock_is_installed_by_its_hashes_and_the_checkout_without_asking_for_more(
    heard: Any, tmp_path: Path
) -> None:
    said = heard()
    install_locked.install(tmp_path)
    assert [line[0] for line in said.typed] == ["pip", "uv", "pip"]
    assert all("--require-hashes" in line for line in said.typed[:2])
    assert said.typed[1][-2:] == ["-r", str(install_locked.LOCK)]
    assert "--no-deps" in said.typed[2]
    install_locked.install(tmp_path)
    assert len(said.typed) == 6, "what is there already is no hindrance"


def test_pip_goes_on_where_uv_can_not(heard: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = heard("uv")
    install_locked.install(tmp_path)
    assert [line[0] for line in said.typed] == ["pip", "uv", "pip", "pip"]
    assert {"--require-hashes", str(install_locked.LOCK)} <= set(said.typed[2])
    assert "pip goes on" in capsys.readouterr().out


def test_where_neither_can_one_sentence_says_so(
    heard: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard("uv", "pip")
    monkeypatch.setattr("sys.argv", ["install_locked.py", str(tmp_path)])
    assert install_locked.main() == 1
    assert "Typed again it goes on." in capsys.readouterr().out
