"""`municipality figures`: a municipality or group that is not there is a sentence, and nothing is made for it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from municipality_page_builders import released_epoch
from typer.testing import CliRunner

from deploy import municipality_commands, municipality_figures
from deploy.zone_folder import ZoneFolder
from schemas.errors import SettingsWrong


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command over a zone of GM9901 whose topics hold one epoch."""
    ZoneFolder(tmp_path).save_settings({"municipalities": [9901], "ports": {}})
    monkeypatch.setattr(municipality_commands, "awake", lambda *_, **__: nullcontext())
    monkeypatch.setattr(
        municipality_commands, "released_epoch", lambda _, __, level, month: released_epoch(level=level, version=1)
    )
    return lambda *words: CliRunner().invoke(municipality_commands.app, ["figures", *words, "--data", str(tmp_path)])


def test_a_municipality_of_no_zone_is_refused_before_a_certificate_is_made_for_it(asked: Any, tmp_path: Path) -> None:
    told = asked("GM1234")
    assert told.exit_code == 2
    assert "GM1234 is not in this zone." in told.output
    assert not list(tmp_path.rglob("*gm1234*"))


def test_a_group_that_is_not_there_is_refused_with_those_that_are(asked: Any) -> None:
    told = asked("GM9901", "--group", "nope")
    assert told.exit_code == 1
    assert "choose one of begeleiding, jeugdwet, overig, participatiewet, total, wmo, or all." in told.output
    assert asked("GM9901", "--group", "wmo").exit_code == 0
    assert asked("GM9901", "--group", "all", "--level", "meso").exit_code == 0


def test_a_choice_that_does_not_exist_is_no_fault_of_the_program(asked: Any) -> None:
    told = asked("GM9901", "--format", "pdf")
    assert told.exit_code == 2
    assert "--format is table, csv or json" in told.output


def test_a_month_of_no_calendar_is_a_sentence() -> None:
    with pytest.raises(SettingsWrong, match="YYYY-MM"):
        municipality_figures.released_epoch(None, 9901, level="macro", month="2025-13")  # type: ignore[arg-type]
