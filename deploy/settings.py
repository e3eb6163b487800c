"""What a person may set, from the environment (`ZORGSTROOM_...`) or the command line; everything has a sensible default."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import SettingsWrong


def _checkout() -> Path:
    """The folder of the checkout when run from one, else the working folder."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").exists() else Path.cwd()


class Settings(BaseSettings):
    """Settings of one machine."""

    model_config = SettingsConfigDict(env_prefix="ZORGSTROOM_", extra="ignore")

    data: Path = _checkout() / "data"
    """Folder of the zone: `ZORGSTROOM_DATA`."""
    cache: Path = _checkout() / ".cache"
    """Folder for Kafka's jars: `ZORGSTROOM_CACHE`."""
    kafka_heap_mb: int = 384
    """Memory of the embedded broker."""


def load_settings() -> Settings:
    """Read the settings. Raises `SettingsWrong`, one sentence that names the setting."""
    try:
        return Settings()
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = "ZORGSTROOM_" + "_".join(str(p).upper() for p in first["loc"])
        msg = f"The setting {name} is wrong: {first['msg']}."
        raise SettingsWrong(msg) from wrong
