"""`municipality baseline` and `municipality intervention`: a dry run and a typed yes before anything is appended, a sentence where it can't be."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from municipal_builders import own_pen, reader
from municipality_page_builders import geography, released_epoch
from typer.testing import CliRunner

from deploy import baseline_commands
from deploy.cli import app
from producers.requests import Requests
from projections.municipal_baseline import geometry_hash
from projections.municipal_events import Story
from schemas.values import Month

MARCH = Month(2026, 3).index
FREEZE = [
    "baseline",
    "freeze",
    "GM9901",
    "--year",
    "2025",
    "--month",
    "2026-03",
    "--name",
    "Nulmeting",
    "--by",
    "Anne, beleid",
]
MARK = ["intervention", "mark", "GM9901", "--day", "2025-09-01", "--what", "Wijkteam begint", "--by", "Anne"]


class Topic:
    """The topic in memory: what is appended are the signed bytes, what is read is proved."""

    bytes_of_it: ClassVar[list[bytes]] = []

    def __init__(self, _: Any, number: int) -> None:
        self.number, self.profile = number, SimpleNamespace()

    def story(self) -> Story:
        found = reader()
        assert all(found.take(data, 0) for data in self.bytes_of_it)
        return found.story

    def append(self, kind, *, by: str, at_ms: int, **fields: object) -> None:
        self.bytes_of_it.append(own_pen().signed(kind, at_ms=at_ms, actor="terminal", actor_name=by, **fields))

    def released(self):
        made = released_epoch(MARCH) | {"geometry_hash": geometry_hash(geography())}
        return {MARCH: made}, geography()


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    monkeypatch.setattr(baseline_commands, "zone_of", lambda _: None)
    monkeypatch.setattr(baseline_commands, "awake", lambda *_, **__: contextlib.nullcontext())
    monkeypatch.setattr(baseline_commands, "read_requests", lambda _: Requests())
    monkeypatch.setattr(baseline_commands, "OwnTopic", Topic)
    monkeypatch.setattr(Topic, "bytes_of_it", [])
    return Topic.bytes_of_it


def run(words: list[str], *more: str, answer: str | None = None, tmp: Path | None = None):
    return CliRunner().invoke(app, ["municipality", *words, *more, "--data", str(tmp or "nowhere")], input=answer)


@pytest.mark.parametrize("words", [FREEZE, MARK], ids=["freeze", "mark"])
def test_nothing_is_appended_by_a_dry_run_or_without_a_yes(
    topic: list[bytes], words: list[str], tmp_path: Path
) -> None:
    dry = run(words, "--dry-run", tmp=tmp_path)
    assert dry.exit_code == 0, dry.output
    assert "Nothing was done" in dry.output
    assert "[y/N]" not in dry.output
    for answer in ("n\n", "\n", None):
        assert run(words, answer=answer, tmp=tmp_path).exit_code == 1
    assert topic == []


def test_a_baseline_is_frozen_listed_and_says_what_it_is_of(topic: list[bytes], tmp_path: Path) -> None:
    assert "Frozen as" in run(FREEZE, answer="y\n", tmp=tmp_path).output
    assert len(topic) == 1
    told = run(["baseline", "list", "GM9901"], tmp=tmp_path).output
    for word in (
        "2025 as known at the end of 2026-03",
        "Nulmeting",
        "Anne, beleid",
        "boundaries of 2025",
        "0 providers asked",
    ):
        assert word in told


def test_a_mark_is_put_listed_and_taken_away_after_a_yes(topic: list[bytes], tmp_path: Path) -> None:
    run(MARK, "--yes", tmp=tmp_path)
    told = run(["intervention", "list", "GM9901"], tmp=tmp_path).output
    assert "2025-09-01  GM9901P total  Wijkteam begint" in told
    gone = ["intervention", "withdraw", "GM9901", told.split()[0], "--by", "Anne"]
    assert "Nothing was done" in run(gone, "--dry-run", tmp=tmp_path).output
    assert run(gone, answer="n\n", tmp=tmp_path).exit_code == 1
    assert len(topic) == 1
    assert run(gone, "--yes", tmp=tmp_path).exit_code == 0
    assert "no marks" in run(["intervention", "list", "GM9901"], tmp=tmp_path).output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*FREEZE[:4], "2019", *FREEZE[5:]], "service year"),
        ([*FREEZE[:6], "2026-04", *FREEZE[7:]], "Nothing was released for that month"),
        ([*FREEZE[:6], "April", *FREEZE[7:]], "YYYY-MM"),
        ([*FREEZE[:8], "x" * 121, *FREEZE[9:]], "one line"),
        ([*FREEZE[:10], " "], "--by"),
        ([*MARK[:4], "1 mei", *MARK[5:]], "YYYY-MM-DD"),
        ([*FREEZE[:8], "Van 123 456 782", *FREEZE[9:]], "no citizen's number"),
        ([*MARK[:6], "Bel 06-12345678", *MARK[7:]], "no citizen's number"),
        ([*MARK[:8], "anne@example.org"], "no citizen's number"),
        ([*MARK, "--area", "BU99020101"], "wijk or a buurt of it"),
        ([*MARK, "--area", "BU99010109"], "There is no such area"),
        ([*MARK, "--group", "ggz"], "a group that is published"),
        ([*MARK, "--group", "zvw-ggz"], "a group that is published"),
        (["intervention", "withdraw", "GM9901", "none", "--by", "Anne"], "no such mark"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_appends_nothing(
    topic: list[bytes], words: list[str], said: str, tmp_path: Path
) -> None:
    found = run(words, "--yes", tmp=tmp_path)
    assert found.exit_code in (1, 2), found.output
    assert said in " ".join(found.output.split())
    assert topic == []
