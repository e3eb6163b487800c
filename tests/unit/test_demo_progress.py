"""How far a demo is never goes back, ends at the whole, and the time left follows from the time taken."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from deploy.demo_progress import Bar, Course, left_in_words

STAGES = [
    ("Inventing two municipalities: households", 1, 4), ("Starting: PostgreSQL", 0, 0), ("Starting: Apache Kafka", 0, 0),
    ("Admitting municipalities and providers", 3, 27), ("Month 1 of 2 (2025-01): X publishes its residence file", 0, 0),
    ("Month 1 of 2 (2025-01): De Linde publishes", 3, 25), ("Month 1 of 2 (2025-01): waiting for receipts", 20, 80),
    ("Month 1 of 2 (2025-01): closing the month", 0, 0), ("Month 2 of 2 (2025-02): De Linde publishes", 3, 25),
    ("Month 2 of 2 (2025-02): waiting for receipts", 80, 80), ("Starting: the pages", 0, 0),
    ("Rebuilding the books from the ledger", 5, 5),
]  # fmt: skip


def test_it_goes_forward_at_every_stage_and_ends_at_the_whole() -> None:
    course = Course(2, rebuild=True)
    reached = [course.reach(*stage) for stage in STAGES]
    assert reached == sorted(reached)
    assert len(set(reached)) >= len(STAGES) - 2, "only steps without a count of their own may stand still"
    assert reached[-1] == 1.0
    assert course.seconds_left() == 0
    assert course.reach(*STAGES[3]) == 1.0, "never back"


def test_the_time_left_follows_from_the_time_taken() -> None:
    now = [0.0]
    course = Course(12, clock=lambda: now[0])
    assert 100 < course.seconds_left() < 130, "by the weights, before anything is known"
    now[0] = 60.0
    part = course.reach("Month 1 of 12 (2025-01): waiting for receipts", 1, 2)
    assert course.seconds_left() == pytest.approx(60 * (1 - part) / part)
    now[0] = 70.0
    assert course.seconds_left() == pytest.approx(60 * (1 - part) / part - 10), "it counts down while a step goes on"


def test_a_second_start_expects_only_what_is_left() -> None:
    assert Course(12, months_done=12, invented=True).seconds_left() < 30
    assert Course(12, months_done=6, invented=True).seconds_left() < Course(12).seconds_left()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "a few seconds left"), (7, "about 0:05 left"), (58, "about 1:00 left"), (125, "about 2:05 left")]
)  # fmt: skip
def test_in_words(seconds: float, said: str) -> None:
    assert left_in_words(seconds) == said


@pytest.mark.parametrize("terminal", [True, False])
def test_it_is_shown(terminal: bool) -> None:
    heard = io.StringIO()
    bar = Bar(Console(file=heard, force_terminal=terminal, width=120))
    bar.course = Course(2)
    with bar:
        for stage in STAGES:
            bar.stage(*stage)
    text = heard.getvalue()
    assert " left" in text
    if terminal:
        assert "Rebuilding the books from the ledger (5 of 5)" in text
    else:
        assert [line.split("  ")[1].split(":")[0] for line in text.splitlines()] == [
            "Inventing two municipalities", "Starting", "Admitting municipalities and providers", "Month 1 of 2 (2025-01)",
            "Month 2 of 2 (2025-02)", "Starting", "Rebuilding the books from the ledger",
        ]  # fmt: skip
