"""Settings: a sensible default for each, one sentence for a wrong one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.settings import load_settings
from schemas.errors import SettingsWrong

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_settings_of_this_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA", "CACHE", "KAFKA", "KAFKA_ADMIN", "KAFKA_HEAP_MB", "POSTGRES"):
        monkeypatch.delenv(f"ZORGSTROOM_{name}", raising=False)


def test_without_settings_everything_stays_in_the_checkout_and_is_embedded() -> None:
    settings = load_settings()
    assert settings.data == ROOT / "data"
    assert settings.cache == ROOT / ".cache"
    assert (settings.kafka, settings.postgres) == (None, None)


def test_an_address_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZORGSTROOM_KAFKA", "one.example:9093,two.example:9093")
    monkeypatch.setenv("ZORGSTROOM_POSTGRES", "postgresql://admin:sesame@db.example:5432/postgres")
    settings = load_settings()
    assert settings.kafka == "one.example:9093,two.example:9093"
    assert settings.postgres is not None
    assert settings.postgres.get_secret_value().endswith("/postgres")
    assert "sesame" not in repr(settings)


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZORGSTROOM_KAFKA", "")
    assert load_settings().kafka is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA", "no-port"),
        ("KAFKA", "host:99999"),
        ("KAFKA_HEAP_MB", "much"),
        ("KAFKA_HEAP_MB", "1"),
        ("POSTGRES", "host=db password=sesame"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"ZORGSTROOM_{name}", value)
    with pytest.raises(SettingsWrong) as told:
        load_settings()
    sentence = str(told.value)
    assert sentence.startswith(f"The setting ZORGSTROOM_{name} is wrong: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "sesame" not in sentence


def test_forgetting_a_folder_that_is_no_zone_ends_with_code_two(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("photos")
    done = subprocess.run(
        [sys.executable, "-m", "deploy.forget", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path} holds no zone of Zorgstroom and is left as it is.\n"
    assert (tmp_path / "holiday.txt").exists()
