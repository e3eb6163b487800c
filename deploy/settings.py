"""What a person may set, from the environment (`ZORGSTROOM_...`) or the command line; everything has a sensible default.

With nothing set, Kafka and PostgreSQL run embedded in the data folder; with addresses set, those are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.errors import SettingsWrong


def checkout() -> Path | None:
    """The folder of the checkout this runs from, None when installed as a package."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").exists() else None


def _default_data() -> Path:
    return (checkout() or Path.cwd()) / "data"


def _default_cache() -> Path:
    root = checkout()
    return root / ".cache" if root else Path.home() / ".cache" / "zorgstroom"


def _addresses(value: str) -> str:
    for part in value.split(","):
        host, _, port = part.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError("it must be host:port, or more of them with commas between")
    return value


def _postgres_address(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("it must begin with postgresql://")
    return value


class Settings(BaseSettings):
    """Settings of one machine."""

    model_config = SettingsConfigDict(
        env_prefix="ZORGSTROOM_", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    data: Path = Field(default_factory=_default_data)
    """Folder of the zone: `ZORGSTROOM_DATA`."""
    cache: Path = Field(default_factory=_default_cache)
    """Folder for Kafka's jars: `ZORGSTROOM_CACHE`."""
    kafka: Annotated[str, AfterValidator(_addresses)] | None = None
    """Address of a Kafka of your own, host:port; absent: embedded. `ZORGSTROOM_KAFKA`."""
    kafka_admin: Path | None = None
    """Folder with cert.pem, key.pem and ca.pem of that Kafka's administrator; absent: our own authority makes them."""
    kafka_heap_mb: int = Field(default=384, ge=128, le=32_768)
    """Memory of the embedded broker in MiB."""
    postgres: Annotated[SecretStr, AfterValidator(_postgres_address)] | None = None
    """Superuser's address of a PostgreSQL of your own, postgresql://user:password@host:port/postgres; absent: embedded."""


def load_settings() -> Settings:
    """Read the settings. Raises `SettingsWrong`, one sentence that names the setting and not its value."""
    try:
        return Settings()
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_context=False)[0]
        name = "ZORGSTROOM_" + str(first["loc"][0]).upper()
        reason = first["msg"].removeprefix("Value error, ")
        msg = f"The setting {name} is wrong: {reason[:1].lower()}{reason[1:]}."
        raise SettingsWrong(msg) from wrong
