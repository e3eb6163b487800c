"""How far a demo is never goes back and ends at the whole; the time left follows from what stages took, in a run that was measured and in slower ones."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from deploy.demo_course import Course, Stage, closing_weight, paces, seconds_left, stages_of
from deploy.demo_progress import Bar, left_in_words

STAGES = [
    ("Inventing two municipalities: households", 1, 4), ("Starting: PostgreSQL", 0, 0), ("Starting: Apache Kafka", 0, 0),
    ("Admitting municipalities and providers", 3, 27), ("Month 1 of 2 (2025-01): X publishes its residence file", 0, 0),
    ("Month 1 of 2 (2025-01): De Linde publishes", 3, 25), ("Month 1 of 2 (2025-01): waiting for receipts", 20, 80),
    ("Month 1 of 2 (2025-01): closing the month", 0, 0), ("Month 2 of 2 (2025-02): De Linde publishes", 3, 25),
    ("Month 2 of 2 (2025-02): waiting for receipts", 80, 80), ("Starting: the pages", 0, 0),
    ("Rebuilding the books from the ledger", 5, 5),
]  # fmt: skip


def test_it_goes_forward_at_every_stage_and_ends_at_the_whole() -> None:
    course = Course(stages_of(2, rebuild=True))
    reached = [course.reach(*stage) for stage in STAGES]
    assert reached == sorted(reached)
    assert len(set(reached)) >= len(STAGES) - 2, "only steps without a count of their own may stand still"
    assert reached[-1] == 1.0
    assert course.seconds_left() == 0
    assert course.reach(*STAGES[3]) == 1.0, "never back"


CLOSING = (3.3, 4.3, 7.3, 6.9, 7.8, 17.5, 13.4, 19.4, 35.1, 32.6, 41.6, 49.3)
MEASURED = [
    ("Inventing two municipalities", 17.9), ("Starting: PostgreSQL", 18.2), ("Admitting municipalities and providers", 5.9),
    *(
        (f"Month {month} of 12 (2025-{month:02d}): {what}", took)
        for month, closing in enumerate(CLOSING, start=1)
        for what, took in (("De Linde publishes", 35.2 if month == 1 else 3.2), ("closing the month", closing))
    ),
    ("Starting: the pages", 11.6), ("Rebuilding the books from the ledger", 10.3),
]  # fmt: skip
"""One run of `zorgstroom demo --until-done` on two busy cores: each stage and how many seconds it took."""


def estimates(run: list[tuple[str, float]]) -> list[tuple[str, float, float]]:
    """At the beginning of each stage: what is said to be left, and what was."""
    now, found = 0.0, []
    course = Course(stages_of(12, rebuild=True), clock=lambda: now)
    for what, took in run:
        course.reach(what, 0, 0)
        found.append((what, course.seconds_left(), sum(seconds for _, seconds in run) - now))
        now += took
    return found


def test_in_the_run_that_was_measured_what_is_said_to_be_left_is_what_was_left() -> None:
    for what, said, was in estimates(MEASURED)[:-2]:
        assert 0.8 * was <= said <= 1.2 * was, (what, said, was)


@pytest.mark.parametrize("slower", [0.5, 2.0, 4.0])
def test_where_audits_alone_go_slower_or_faster_it_is_known_after_a_few_months(slower: float) -> None:
    run = [(what, took * slower if "closing" in what else took) for what, took in MEASURED]
    for what, said, was in estimates(run):
        if what.startswith("Month") and int(what.split()[1]) >= 4:
            assert 0.7 * was <= said <= 1.35 * was, (what, said, was)


def test_later_months_weigh_more_and_those_with_buurten_more_than_their_neighbours() -> None:
    assert closing_weight(11) > 5 * closing_weight(2)
    assert closing_weight(3) > (closing_weight(2) + closing_weight(4)) / 2
    assert closing_weight(13) > closing_weight(11), "of a second service year the first goes on"


def test_a_kind_of_stage_goes_at_its_own_pace_once_enough_of_it_is_done() -> None:
    slow = [Stage("a", "closing", 100.0, done=1.0, took=300.0), Stage("b", "publishing", 100.0, done=1.0, took=100.0)]
    to_come = [Stage("c", "closing", 50.0), Stage("d", "publishing", 50.0)]
    assert seconds_left([*slow, *to_come]) == pytest.approx([0, 0, 145, 54], abs=3)
    assert paces(to_come) == {"closing": 1.0, "publishing": 1.0, "": 1.0}, "by the weights, before anything is known"
    passed_over = Stage("e", "closing", 100.0, done=1.0)
    assert paces([passed_over, *to_come]) == paces(to_come)


def test_it_counts_down_while_a_stage_goes_on_but_never_below_what_comes_after_it() -> None:
    now = [0.0]
    course = Course([Stage("a", "x", 10.0), Stage("b", "x", 20.0)], clock=lambda: now[0])
    course.reach("a", 0, 0)
    assert course.seconds_left() == 30
    now[0] = 4.0
    assert course.seconds_left() == 26
    now[0] = 100.0
    assert course.seconds_left() == 20


def test_a_second_start_expects_only_what_is_left() -> None:
    assert Course(stages_of(12, months_done=12, invented=True)).seconds_left() < 35
    assert Course(stages_of(12, months_done=6, invented=True)).seconds_left() < Course(stages_of(12)).seconds_left()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "a few seconds left"), (7, "about 0:05 left"), (58, "about 1:00 left"), (125, "about 2:05 left")]
)  # fmt: skip
def test_in_words(seconds: float, said: str) -> None:
    assert left_in_words(seconds) == said


@pytest.mark.parametrize("terminal", [True, False])
def test_it_is_shown(terminal: bool) -> None:
    heard = io.StringIO()
    bar = Bar(Console(file=heard, force_terminal=terminal, width=120))
    bar.course = Course(stages_of(2))
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
