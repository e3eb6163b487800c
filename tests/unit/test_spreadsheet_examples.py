"""The example files are what a provider would have: each passes the check, for the provider and municipality they name."""

from __future__ import annotations

from pathlib import Path

import pytest
from provider_files import CONTEXT

from producers.checks import ProviderContext, check
from producers.deliveries import Withdrawal

EXAMPLES = Path(__file__).parents[2] / "examples"
ONE = ProviderContext(agb=CONTEXT.agb, municipalities=frozenset({9901}), today=CONTEXT.today)


@pytest.mark.parametrize(
    "path", sorted(p for p in EXAMPLES.iterdir() if p.suffix in (".xml", ".csv", ".xlsx")), ids=lambda p: p.name
)
def test_an_example_passes_the_check_without_a_remark(path: Path) -> None:
    reading = check(path, ONE)
    assert reading.findings == ()
    assert reading.items


def test_the_example_answer_takes_out_a_line_of_the_example_declaration() -> None:
    declared = {i.reference: i for i in check(EXAMPLES / "jw-323-declaratie-2025-03.xml", ONE).items}
    (taken_out,) = check(EXAMPLES / "jw-325-antwoord-2025-03.xml", ONE).items
    assert isinstance(taken_out, Withdrawal)
    assert declared[taken_out.withdrawn_reference].bsn == taken_out.bsn


def test_there_is_an_example_of_every_format() -> None:
    formats = {check(p, ONE).format for p in EXAMPLES.iterdir()} - {None}
    assert {f.value for f in formats if f} == {"323", "301", "325", "xlsx", "csv"}
