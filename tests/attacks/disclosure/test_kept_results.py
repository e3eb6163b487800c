"""What `make attack` keeps of a run that was broken off is what it had found."""

from __future__ import annotations

from pathlib import Path

from attacks import Break, Tally
from kept_results import Kept, fingerprint
from report import Found
from usefulness import Useful

ONE = Break("outsider", "year of A1", "9901010101 overig", 100_000, 0.0, 110_000.0)


def a_run(folder: Path) -> Kept:
    kept = Kept.at(folder, "town", 9901)
    kept.protection, kept.seconds = "full", {"SDC-1": 2.5, "usefulness": 0.1}
    kept.tallies = [("SDC-1", Tally("outsider", attacked=3, programmes=2, breaks=[ONE], afterwards=[ONE]))]
    kept.breaks = [("SDC-1", ONE, "first in epoch 2, by a figure of that epoch")]
    kept.useful = [Useful("buurt", "total", 3, 2, 3, 1_000, 2_000, 3, 1.5, 400.0)]
    kept.types = {"werk": (1, 3)}
    return kept


def test_what_was_kept_is_read_as_it_was_and_the_report_is_the_same(tmp_path: Path) -> None:
    kept = a_run(tmp_path)
    assert Kept.at(tmp_path, "town", 9901).seconds == {}
    kept.save()
    kept.save_payloads([b"\x00\x01", b"\xff"])
    again = Kept.at(tmp_path, "town", 9901)
    assert again == kept
    assert again.payloads() == [b"\x00\x01", b"\xff"]
    assert Kept.at(tmp_path, "town", 9902).payloads() is None
    one, other = Found(), Found()
    kept.into(one)
    again.into(other)
    assert one == other
    assert one.types == {"werk": (1, 3)}


def test_only_what_is_not_done_yet_is_done(tmp_path: Path) -> None:
    kept = a_run(tmp_path)
    assert kept.has(["SDC-1"])
    assert not kept.has(["SDC-1", "SDC-2"])


def test_results_of_another_gate_or_town_are_not_taken(tmp_path: Path) -> None:
    for name in ("projections/release", "producers/town", "schemas", "streams"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("projections/release/rules.py", "streams/release_records.py", "streams/intake.py"):
        (tmp_path / name).write_text("1", "utf-8")
    before = fingerprint(tmp_path)
    (tmp_path / "streams/intake.py").write_text("2", "utf-8")
    assert fingerprint(tmp_path) == before
    (tmp_path / "projections/release/rules.py").write_text("2", "utf-8")
    assert fingerprint(tmp_path) != before
