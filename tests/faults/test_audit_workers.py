"""Worker processes of the audit: the same decisions whoever does the work and whoever is first, and no process left."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from release_builders import CLUSTER, OTHER_BUURT, OTHER_CLUSTER, OTHER_WIJK, REST, P, a_contribution, rows, some

from deploy.role_settings import _extra
from projections.release import gate
from projections.release.audit import audit as audits
from projections.release.audit import crew as crews
from projections.release.audit.crew import DIED, Crew, workers
from projections.release.cells import CellId
from projections.release.gate import Decision, decide
from schemas.errors import SettingsWrong
from schemas.values import Month
from streams.metrics import WorkerMetrics
from streams.release_process import build

AREAS = {
    "gemeente": [9901], "placed": [9901], "wijk": [990101, 990102], "buurt": [99010101, 99010102, 99010201],
    "cluster": [CLUSTER, OTHER_CLUSTER, OTHER_BUURT, OTHER_WIJK],
}  # fmt: skip


def a_town() -> list[tuple]:
    """In each of four clusters forty households; two in two wijken, two with half of their cluster, late deliveries, credits, a rest."""
    found = []
    for nth, area in enumerate(AREAS["cluster"]):
        first = 1 + 100 * nth
        found += some(20, first=first, area=area, cents=300_00)
        found += some(20, first=first + 20, area=area, cents=200_00, care="zvw-wijkverpleging", epoch=1)
        found += some(12, first=first + 10, area=area, cents=260_00, care="jw-45", epoch=2)
        found += some(4, first=first, area=area, cents=900_00, care="zvw-ggz", epoch=2)
        found.append(a_contribution(first + 3, area=area, cents=-300_00, epoch=2))
        found.append(a_contribution(first + 60, area=area, cents=2_400_00 + 800_00 * nth, epoch=1))
    found += [
        a_contribution(h, area=area, cents=700_00, care="wlz-thuis") for h in (5, 105) for area in (CLUSTER, OTHER_WIJK)
    ]
    return [*found, *some(9, first=901, area=REST, cents=400_00)]


def decided(crew: Crew | None) -> list[list[Decision]]:
    """Two months, each over what was released before."""
    published: dict[CellId, list[int]] = {}
    found = []
    for epoch in range(1, 3):
        found.append(decide(
            rows(a_town()), epoch=epoch, month_of_year=epoch + 1, years=(2025,), published=published, areas=AREAS, mandated=set(),
            parameters=P, addresses=dict.fromkeys(AREAS["cluster"], 210), crew=crew,
        ))  # fmt: skip
        for d in found[-1]:
            if d.released:
                published.setdefault(d.cell, []).append(epoch)
    return found


def only_the_audit_holds(patch: pytest.MonkeyPatch) -> None:
    """Steps 1 and 2 let everything through, so that step 3 has something to hold; workers help with small audits too."""
    patch.setattr(audits, "LARGE", 1)
    patch.setattr(gate, "_reasons", lambda _sheet, earlier, _parameters: [""] * len(earlier))
    patch.setattr(gate, "Complementary", _OnlyWhatTheAuditHolds)


@pytest.fixture(autouse=True)
def step_three_alone(monkeypatch) -> None:
    only_the_audit_holds(monkeypatch)


class _OnlyWhatTheAuditHolds(gate.Complementary):
    def run(self) -> list[CellId]:
        return self.held


class Watching(Crew):
    """A crew that remembers its processes, and lets something happen with each answer."""

    def __init__(self, size: int, at_each=lambda _worker, _piece: None) -> None:
        super().__init__(size, self.heard)
        self.said: list[str] = []
        self.seen: dict[int, subprocess.Popen] = {}
        self.asked = 0
        self.at_each = at_each

    def heard(self, what: str) -> None:
        self.said.append(what)

    def _work(self, worker, *more) -> None:
        self.seen[worker.process.pid] = worker.process
        super()._work(_Slowed(worker, self), *more)


class _Slowed:
    def __init__(self, worker, crew: Watching) -> None:
        self.worker, self.crew = worker, crew

    def ask(self, released, piece):
        self.crew.asked += 1
        self.crew.at_each(self.worker, piece)
        return self.worker.ask(released, piece)


def late(which: int):
    """Pieces of some blocks come back later than those asked after them."""

    def wait(_worker, piece) -> None:
        time.sleep(0.05 if piece.size % 2 == which else 0)

    return wait


@pytest.fixture(scope="module")
def alone() -> list[list[Decision]]:
    """As decided by one process."""
    with pytest.MonkeyPatch.context() as patch:
        only_the_audit_holds(patch)
        return decided(None)


def test_the_town_has_something_to_hold(alone) -> None:
    assert sum(d.reason.startswith("audit: ") for d in alone[-1]) > 10
    assert any(d.released for d in alone[-1])


@pytest.mark.parametrize(("size", "which"), [(1, 0), (2, 0), (2, 1), (4, 0)])
def test_decisions_are_the_same_for_any_number_of_workers_and_whoever_is_first(alone, size: int, which: int) -> None:
    crew = Watching(size, late(which))
    assert repr(decided(crew)) == repr(alone)
    assert (crew.asked > 0) == (size > 1)
    assert crew.said == []


def test_a_worker_is_told_every_released_cell_and_again_when_they_change() -> None:
    cells = tuple(CellId("buurt", area, "total", 2025) for area in AREAS["buurt"])
    answers, heard = io.BytesIO(), io.BytesIO()
    for answer in "abc":
        crews.send(answers, answer)
    answers.seek(0)
    worker = crews._Worker(SimpleNamespace(stdin=heard, stdout=answers))
    assert [worker.ask(released, n) for n, released in enumerate((cells, cells, cells[1:]))] == ["a", "b", "c"]
    heard.seek(0)
    told = [crews.receive(heard) for _ in range(5)]
    assert told == [("begin", cells), ("do", 0), ("do", 1), ("begin", cells[1:]), ("do", 2)]


def test_no_process_is_left_when_an_audit_ends() -> None:
    crew = Watching(2)
    decided(crew)
    assert len(crew.seen) >= 2
    assert all(process.returncode is not None for process in crew.seen.values())


def test_where_a_worker_dies_this_process_does_the_work_and_says_so(alone) -> None:
    def kill_the_third(worker, _piece) -> None:
        if crew.asked == 3:
            worker.process.kill()

    crew = Watching(2, kill_the_third)
    assert repr(decided(crew)) == repr(alone)
    assert crew.said == [DIED]
    assert all(process.returncode is not None for process in crew.seen.values())


def test_where_no_process_can_be_started_this_process_does_the_work(alone, monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    crew = Watching(2)
    assert repr(decided(crew)) == repr(alone)
    assert set(crew.said) == {DIED}


def test_a_small_town_needs_no_worker(monkeypatch) -> None:
    monkeypatch.setattr(audits, "LARGE", 30_000)
    crew = Watching(2)
    decided(crew)
    assert crew.seen == {}


def test_a_worker_knows_nothing_but_what_its_pipe_says() -> None:
    found, limits = [], []

    def look(worker, _piece) -> None:
        of = Path(f"/proc/{worker.process.pid}")
        if worker.released is not None and not found and of.exists():  # it answered before
            limits.append((of / "limits").read_text("utf-8"))
            files = [str(f.readlink()) for f in (of / "fd").iterdir()]
            found.append(((of / "cmdline").read_bytes(), (of / "environ").read_bytes(), files))

    os.environ["ZORGSTROOM_A_SECRET"] = "not for workers"
    try:
        decided(Watching(2, look))
    finally:
        del os.environ["ZORGSTROOM_A_SECRET"]
    if not found:
        pytest.skip("this system has no /proc")
    command, environment, files = found[0]
    assert command.split(b"\0")[1:] == [b"-P", b"-m", crews.MODULE.encode(), b""]
    assert b"not for workers" not in environment
    assert [line.split()[4:6] for line in limits[0].splitlines() if line.startswith("Max core")] == [["0", "0"]]
    assert all(f.startswith("pipe:") or f == "/dev/null" for f in files), files


KILLED = """
import sys, time
sys.path[:0] = {paths!r}
import test_audit_workers as t
t.only_the_audit_holds(t.pytest.MonkeyPatch())
def stay(worker, piece):
    print(*(w.process.pid for w in crew._workers), flush=True)
    time.sleep(0 if crew.asked < 4 else 600)
crew = t.Watching(2, stay)
t.decided(crew)
"""


def test_workers_end_when_the_process_that_started_them_is_killed() -> None:
    here = Path(__file__).parent
    script = KILLED.format(paths=[str(here), str(here.parent / "unit"), str(here.parent.parent)])
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    assert all(_lives(pid) for pid in pids)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while any(_lives(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("wrong", [0, 65, "two", 1.5, True])
def test_a_wrong_number_of_workers_is_refused_in_a_sentence(wrong) -> None:
    with pytest.raises(SettingsWrong, match="`audit_workers` is a whole number from 1"):
        workers(wrong)


def test_the_setting_of_a_zone_reaches_release() -> None:
    settings = {"municipalities": [], "address_dirs": {}, "audit_workers": 3}
    zone: Any = SimpleNamespace(
        folder=SimpleNamespace(settings=lambda: settings),
        postgres=SimpleNamespace(create_role_database=lambda name: f"postgresql://nowhere/{name}"),
    )
    config: Any = SimpleNamespace(
        extra=_extra(zone, "release"), municipalities=(), kafka=SimpleNamespace(client=dict), first_month=Month(2026, 1)
    )
    warned: list[str] = []
    release = build(config, WorkerMetrics("release"), SimpleNamespace(current=None), say=warned.append)
    assert release.crew.size == 3
    release.crew.say(DIED)
    assert warned == [DIED]


def test_without_a_setting_there_is_one_worker_per_core_and_at_most_four(monkeypatch) -> None:
    for has, wanted in ((1, 1), (2, 2), (32, 4)):
        monkeypatch.setattr(crews, "cores", lambda has=has: has)
        assert workers(None) == wanted
    assert workers(7) == 7
