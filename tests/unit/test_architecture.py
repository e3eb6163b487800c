"""The table of rooms in docs/architecture.md is what the imports in the code really are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("schemas", "producers", "keyvault", "projections", "streams", "portals", "deploy")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "manager", "types", "models"}


def allowed() -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for line in (ROOT / "docs" / "architecture.md").read_text("utf-8").splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0].strip("`") in ROOMS:
            table[cells[0].strip("`")] = set(re.findall(r"`(\w+)`", cells[2]))
    return table


def imported_rooms(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found & set(ROOMS)


def files_of(room: str) -> list[Path]:
    return sorted(p for p in (ROOT / room).rglob("*.py") if "node_modules" not in p.parts)


def test_every_room_has_its_line_in_the_table() -> None:
    assert set(allowed()) == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_table_allows(room: str) -> None:
    may = allowed()[room] | {room}
    wrong = {str(p.relative_to(ROOT)): imported_rooms(p) - may for p in files_of(room) if imported_rooms(p) - may}
    assert wrong == {}


def test_only_producers_intake_and_the_officers_tool_may_touch_a_bsn() -> None:
    naming = {
        str(p.relative_to(ROOT))
        for room in ROOMS
        for p in files_of(room)
        if re.search(r"\bimport\b[^\n]*\bBsn\b|secrets\.Bsn", p.read_text("utf-8"))
    }
    strangers = {
        n
        for n in naming
        if not n.startswith(
            (
                "producers/",
                "streams/intake",
                "streams/pseudonyms",
                "streams/identity_keeping",
                "schemas/secrets",
                "keyvault/officers/tool",
            )
        )
    }
    assert strangers == set()


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [p for room in ROOMS for p in files_of(room) if p.stem in FORBIDDEN_NAMES] == []


def test_no_file_holds_a_path_of_one_machine_or_the_host_of_a_registry() -> None:
    words = [
        "/" + "work/",
        "pypi" + ".org",
        "files.python" + "hosted",
        "registry." + "npmjs",
        "repo.maven" + ".apache",
        "repo1." + "maven",
    ]
    endings = {".py", ".md", ".toml", ".lock", ".txt", ".json", ".yml", ".yaml", ".cfg", ".html", ".csv", ""}
    hits = []
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if not path.is_file() or parts[0] in {
            ".git",
            ".venv",
            "data",
            ".cache",
            ".mypy_cache",
            ".ruff_cache",
            ".pytest_cache",
            ".hypothesis",
        }:
            continue
        if (
            "node_modules" in parts
            or "vendor" in parts
            or path.suffix not in endings
            or path.stat().st_size > 5_000_000
        ):
            continue
        text = path.read_text("utf-8", "ignore")
        hits += [f"{path.relative_to(ROOT)}: {w}" for w in words if w in text]
    assert hits == []


def test_the_keyvaults_process_never_imports_the_tool_that_opens_a_bsn() -> None:
    asked = "import sys, keyvault.process; print('keyvault.officers.tool' in sys.modules, 'streams' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]
