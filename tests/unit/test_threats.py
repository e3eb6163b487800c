"""Every threat in docs/threats.md names a test that is there, and says what stands in the way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def rows(text: str) -> list[list[str]]:
    """Cells of the table's rows, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def named_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def is_there(named: str) -> bool:
    file, _, function = named.partition("::")
    path = ROOT / "tests" / file
    return (
        path.is_file()
        and re.search(rf"^def {re.escape(function)}\(", path.read_text("utf-8"), re.MULTILINE) is not None
    )


THREATS = rows((ROOT / "docs" / "threats.md").read_text("utf-8"))


def test_the_table_is_read() -> None:
    assert len(THREATS) > 15
    assert {len(row) for row in THREATS} == {5}
    assert not is_there("unit/test_threats.py::test_that_is_not_there")
    assert not is_there("unit/absent.py::test_the_table_is_read")


@pytest.mark.parametrize("row", THREATS, ids=[row[0] for row in THREATS])
def test_a_threat_names_who_what_and_a_test_that_is_there(row: list[str]) -> None:
    who, wants, what, _, test = row
    assert who
    assert wants
    assert what
    named = named_in(test)
    assert named, f"the threat of {who} has no test"
    assert [n for n in named if not is_there(n)] == []


RELEASE = [line for line in (ROOT / "docs" / "release.md").read_text("utf-8").splitlines() if ".py::test_" in line]


@pytest.mark.parametrize("line", RELEASE, ids=[line.split("|")[1].strip() for line in RELEASE])
def test_each_case_of_the_release_page_names_a_test_that_is_there(line: str) -> None:
    named = [n for n in named_in(line) if "::" in n]
    assert named
    assert [n for n in named if not is_there(n)] == []
