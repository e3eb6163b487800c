"""A demo that could not be brought to its end is refused before anything is made."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy import demo_command
from deploy.demo_wish import check_months
from schemas.errors import SettingsWrong

NOVEMBER = dt.datetime(2026, 11, 29, 20, tzinfo=dt.UTC)


def test_months_that_are_not_over_yet_are_refused_with_how_many_can_be_had() -> None:
    check_months(22, NOVEMBER)
    with pytest.raises(SettingsWrong, match=r"end with 2026-11, which is not over yet\. Ask for at most 22"):
        check_months(23, NOVEMBER)


def test_a_month_is_over_at_midnight_in_amsterdam() -> None:
    check_months(23, dt.datetime(2026, 11, 30, 23, tzinfo=dt.UTC))
    with pytest.raises(SettingsWrong):
        check_months(23, dt.datetime(2026, 11, 30, 22, 59, tzinfo=dt.UTC))


def test_before_the_first_month_has_ended_there_is_no_demo() -> None:
    with pytest.raises(SettingsWrong, match="at most 0"):
        check_months(1, dt.datetime(2025, 1, 20, tzinfo=dt.UTC))


def test_the_demo_refuses_before_a_town_is_invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_command, "check_months", lambda months, _: check_months(months, NOVEMBER))
    told = CliRunner().invoke(demo_command.app, ["--data", str(tmp_path / "data"), "--months", "25"])
    assert isinstance(told.exception, SettingsWrong)
    assert not (tmp_path / "data" / "town").exists()
