"""The compose file: what it says is what the Makefile does, and, where Docker is, it builds and runs the demo."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")


def test_it_builds_from_this_checkout_and_keeps_its_data_in_the_volume() -> None:
    service = COMPOSE["services"]["zorgstroom"]
    assert (ROOT / "deploy" / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    (volume,) = service["volumes"]
    name, folder = volume.split(":")
    assert name in COMPOSE["volumes"]
    assert f"ZORGSTROOM_DATA={folder}" in DOCKERFILE
    assert f"VOLUME {folder}" in DOCKERFILE


def test_it_installs_as_the_makefile_does_and_runs_without_root() -> None:
    assert "$(PYTHON) deploy/install_locked.py $(VENV)" in (ROOT / "Makefile").read_text("utf-8")
    lines = DOCKERFILE.splitlines()
    first, then = (n for n, line in enumerate(lines) if line == "RUN python deploy/install_locked.py .venv")
    assert first < lines.index("COPY . .") < then, "packages have a layer of their own"
    for copied in re.findall(r"^COPY (.*) \S+/$", DOCKERFILE, re.MULTILINE):
        assert all((ROOT / name).exists() for name in copied.split())
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.MULTILINE)


def test_nothing_of_a_run_goes_into_the_image() -> None:
    left_out = set((ROOT / ".dockerignore").read_text("utf-8").split())
    assert {".git", ".venv", ".cache", "data"} <= left_out


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_demo_runs_in_it() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        pytest.skip("no Docker engine answers here")
    compose = [docker, "compose", "-f", str(ROOT / "deploy" / "compose.yaml"), "-p", "zorgstroom-test"]
    try:
        subprocess.run([*compose, "build"], check=True)
        wish = ["zorgstroom", "demo", "--until-done", "--addresses", "800", "--months", "2"]
        subprocess.run([*compose, "run", "--rm", "-T", "zorgstroom", *wish], check=True)
    finally:
        subprocess.run([*compose, "down", "--volumes"], check=False)
