"""What a tool refuses itself is in the zone's log of refusals: the command and the kind, nothing that was typed."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy import refusal_log
from deploy.cli import app
from deploy.zone_folder import ZoneFolder
from schemas.errors import ContractBroken, Refused, SettingsWrong, Unavailable

BSN = "999900031"


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    folder = ZoneFolder(tmp_path / "zone")
    folder.path.mkdir()
    folder.save_settings({"municipalities": [9901], "first_month": "2025-01", "ports": {}, "address_dirs": {}})
    return folder.path


def lines(zone: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (zone / refusal_log.FILE).read_text().splitlines()]


@pytest.mark.parametrize(
    "words",
    [
        ("GM9901", "caseworker-gm9901-nobody"),
        ("GM9901", BSN),
        ("GM99", "caseworker-gm9901-nobody"),
    ],
)
def test_a_mandate_for_an_unknown_caseworker_is_logged_without_what_was_typed(
    zone: Path, words: tuple[str, str]
) -> None:
    result = CliRunner().invoke(app, ["municipality", "mandate", "give", *words, "--data", str(zone)], input=f"{BSN}\n")
    assert result.exit_code == 2, result.output
    (line,) = lines(zone)
    assert line["command"] == "mandate give"
    assert line["refused"] == "settings"
    assert dt.datetime.fromisoformat(line["at"]).tzinfo is not None
    written = (zone / refusal_log.FILE).read_text()
    assert BSN not in written
    assert "nobody" not in written


def test_each_try_is_a_line_and_nobody_else_reads_them(zone: Path) -> None:
    for _ in range(3):
        CliRunner().invoke(app, ["municipality", "mandate", "give", "GM9901", "x", "--data", str(zone)])
    assert len(lines(zone)) == 3
    assert (zone / refusal_log.FILE).stat().st_mode & 0o077 == 0


def test_where_there_is_no_zone_nothing_is_written(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["municipality", "mandate", "give", "GM9901", "x", "--data", str(tmp_path / "none")])
    assert list(tmp_path.iterdir()) == []


def test_a_full_log_is_put_aside(zone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal_log, "_MOST_BYTES", 10)
    for _ in range(2):
        refusal_log.note_refusal(zone, SettingsWrong("x"), command="mandate give")
    assert len(lines(zone)) == 1
    assert (zone / "logs" / "refused.log.1").exists()


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (Refused("mandate-unknown", "x"), "mandate-unknown"),
        (SettingsWrong("x"), "settings"),
        (Unavailable("x"), "away"),
        (ContractBroken("x"), "stopped"),
    ],
)
def test_the_kind_is_the_code_or_the_family(refused: Exception, kind: str) -> None:
    assert refusal_log.kind_of(refused) == kind  # type: ignore[arg-type]
