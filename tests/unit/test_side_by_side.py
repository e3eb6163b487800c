"""The runs of `make test`: together every test file once, and an honest end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.side_by_side import ROOT, RUNS, Run, ending, last_line, made, main


def test_every_test_file_is_in_exactly_one_run() -> None:
    def takes(run: Run, path: Path) -> bool:
        def within(names: tuple[str, ...]) -> bool:
            return any(path.is_relative_to(ROOT / name) for name in names)

        return within(run.takes) and not within(run.leaves)

    files = list((ROOT / "tests").rglob("test_*.py"))
    assert len(files) > 200
    assert {str(p): [r.name for r in RUNS if takes(r, p)] for p in files if sum(takes(r, p) for r in RUNS) != 1} == {}
    assert all((ROOT / name).exists() for run in RUNS for name in (*run.takes, *run.leaves))


def test_how_far_a_run_is_and_what_is_worth_reading_of_it() -> None:
    text = "....s...F. [ 10%]\n..E\nsome.file said ...\n= FAILURES =\nwhy\n2 failed, 11 passed in 3s\n"
    assert made(text) == (13, 2)
    assert last_line(text) == "2 failed, 11 passed in 3s"
    assert ending(text).splitlines() == ["= FAILURES =", "why", "2 failed, 11 passed in 3s"]
    assert ending("\n".join(map(str, range(40)))).splitlines() == [str(n) for n in range(28, 40)]


def test_one_that_fails_fails_them_all_and_the_others_are_made_to_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.side_by_side.ROOT", tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    (tmp_path / "bad.py").write_text("def test_a():\n    assert 1 == 2, 'one is not two'\n")
    (tmp_path / "good.py").write_text("import time\ndef test_b():\n    time.sleep(1)\n")
    began = time.monotonic()
    assert main([Run("bad one", ("bad.py",)), Run("good one", ("good.py",), makes_way=True)]) == 1
    assert time.monotonic() - began > 1
    said = capsys.readouterr().out
    assert "one is not two" in said
    assert "1 passed" in said
    assert main([Run("good one", ("good.py",))]) == 0
