"""Release, a real process on a real zone, is killed with SIGKILL while a month waits for its working day, and again at each step of its publication.

Its clock is set; Kafka's and PostgreSQL's are not. The year is 2025, so that what other tests of this folder publish comes after it.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from erasing import rows
from runs import told, typed

from deploy.key_register import KeyRegister
from deploy.released_topics import read_topics
from deploy.zone import Zone
from projections.release.calendar import ZONE, Calendar, end_of, ends_quarter
from projections.release.signing import verified_payload
from schemas import codec
from schemas.secrets import passes_eleven_test
from schemas.values import Month, day_of
from tests.integration.road_by_hand import Road, Sender, a_delivery, admitted

PROVIDER = "p98444455"
GM = 9901
ROOT = Path(__file__).parents[2]
PEOPLE = [b for n in range(999_966_000, 999_966_999) if passes_eleven_test(b := f"{n:09d}")][:40]
CLOSING = {"by": "calendar", "since": "2025-01-01"}
pytestmark = pytest.mark.usefixtures("municipality")


@dataclass
class Waiting:
    """A month of the zone on its way out, and the process that brings it there."""

    zone: Zone
    folder: Path
    month: Month
    process: subprocess.Popen[bytes] | None = None

    @property
    def gone_out(self) -> str:
        """The state of the month when what was due on its day is out."""
        return "month" if ends_quarter(self.month) else "published"

    def set_clock(self, moment: dt.datetime) -> None:
        new = self.folder / "new"
        new.write_text(moment.isoformat())
        new.replace(self.folder / "clock")

    def start(self, *, step: int = 0, which: str = "left") -> None:
        arguments = [str(self.folder / "clock"), str(step), which, "--config", str(self.folder / "config.json")]
        with (self.zone.supervisor.logs / "release.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.release_by_a_clock", *arguments], cwd=ROOT, stdout=log, stderr=log,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            )  # fmt: skip

    def kill9(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def state(self) -> str:
        """How far the month is; with `, unsent` where a record of it is not acknowledged in release's log."""
        found = rows(self.zone, "release", "SELECT state FROM closings WHERE month = %s", self.month.index)
        ((unsent,),) = rows(self.zone, "release", "SELECT count(*) FROM outgoing WHERE NOT sent")
        return (found[0][0] if found else "open") + (", unsent" if unsent else "")

    def out(self) -> list[dict[str, object]]:
        """Records of the month that lie on the two topics, macro first."""
        read = read_topics(self.zone, GM)
        keys = [bytes.fromhex(KeyRegister.of(self.zone.folder).current("release", "signing").public)]
        payloads = [verified_payload(keys, r.value) for r in (*read.macro, *read.meso)]
        found = [codec.decode("released_epoch", p) for p in payloads if codec.name_of(p) == "released_epoch"]
        return [r for r in found if r["epoch"] == self.month.index]

    def until(self, state: str, *, seconds: float = 60) -> bool:
        """Wait until the month is so far, or the process is dead; whether it lives."""
        deadline = time.monotonic() + seconds
        assert self.process is not None
        while self.process.poll() is None:
            if self.state() == state:
                return True
            assert time.monotonic() < deadline, (self.state(), self.zone.supervisor.last_line("release"))
            time.sleep(0.1)
        assert self.process.returncode == -9, self.zone.supervisor.last_line("release")
        return False


@pytest.fixture
def waiting(zone: Zone, road: Road, tmp_path: Path) -> Iterator[Waiting]:
    """Forty people's care is in the books, the next month is over and decided; release, by its clock, waits. Killed twice meanwhile."""
    month = Month(2025, 1).plus(len(rows(zone, "release", "SELECT epoch FROM closings")))
    sender = Sender(admitted(road.demo, PROVIDER))
    care = [a_delivery(f"{month}-{b}", bsn=b, first=month.first_day, cents=100_000) for b in PEOPLE]
    assert told(road, sender, sender.sealed(1, *care)) == ("0200", len(care))
    zone.supervisor.stop(["release"])
    config = json.loads(zone.role_config("release").read_text())
    config["extra"]["closing"] = CLOSING
    (tmp_path / "config.json").write_text(json.dumps(config))
    made = Waiting(zone, tmp_path, month)
    day = Calendar.of(CLOSING).month_day(month)
    its_day = dt.datetime(day.year, day.month, day.day, tzinfo=ZONE)
    try:
        made.set_clock(end_of(month))
        made.start()
        assert made.until("decided")
        made.kill9()
        made.set_clock(its_day - dt.timedelta(seconds=1))
        made.start()
        time.sleep(4)
        assert made.until("decided")
        made.kill9()
        assert made.out() == [], "its day is still to come"
        made.set_clock(its_day)
        yield made
    finally:
        if made.process is not None:
            made.kill9()
        zone.start_role("release")
        zone.supervisor.wait_ready(["release"])


def check_out_once(waiting: Waiting) -> None:
    """Both topics have the month once, as of its day, with figures, and a reader with nothing but the root finds no fault."""
    out = waiting.out()
    assert [r["level"] for r in out] == ["macro", "meso"]
    assert {day_of(r["published_on"]) for r in out} == {Calendar.of(CLOSING).month_day(waiting.month)}
    assert any(c["decision"] == "released" and c["known_until"] == waiting.month.index for c in out[0]["cells"])
    said = typed("municipality", "verify", "--data", str(waiting.zone.folder.path))
    assert "Everything lies there as it was released." in said


def test_killed_while_a_month_waits_and_at_its_publication_it_goes_out_once(waiting: Waiting) -> None:
    unsent = f"{waiting.gone_out}, unsent"
    for step, levels, state in (
        (2, [], "decided"),  # before the commit of what is to go out
        (3, [], unsent),  # after it, before a record
        (5, ["macro"], unsent),  # between the two records
        (5, ["macro", "meso"], unsent),  # both lie there, and release's log does not know
    ):
        waiting.start(step=step)
        assert not waiting.until(waiting.gone_out), "it died before"
        assert ([r["level"] for r in waiting.out()], waiting.state()) == (levels, state)
    waiting.start()
    assert waiting.until(waiting.gone_out)
    check_out_once(waiting)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("which", ["every", "whole"])
def test_killed_before_every_command_of_a_publication_it_goes_out_once(waiting: Waiting, which: str) -> None:
    """From each state that something lasting left behind, the kills go step by step up to the next thing that lasts."""
    step, kills, before = 1, 0, (waiting.state(), 0)
    while True:
        waiting.start(step=step, which=which)
        if waiting.until(waiting.gone_out):
            break
        kills, now = kills + 1, (waiting.state(), len(waiting.out()))
        step, before = (step + 1, before) if now == before else (1, now)
        if now == (waiting.gone_out, 2):
            break
    print(f"killed {kills} times")
    assert kills > 20
    waiting.start()
    time.sleep(4)
    check_out_once(waiting)
