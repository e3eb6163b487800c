"""Kill -9, at random, whatever runs; afterwards every cent is where the town says and the rebuild equals the live books.

The short one is in `make test`; the long one (`make test-long`) has 50,000 deliveries and 20 kills, the broker too.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest
from runs import a_demo

from deploy.demo import Demo
from deploy.embedded_kafka import EmbeddedKafka
from producers.town.oracle import compare
from streams.config import RoleConfig
from streams.rebuild import dump, rebuild

TWINS = ("intake", "ledger", "projector")
LONGER_THAN_THE_PRODUCERS_WAIT = 45.0
"""Seconds; a producer gives a record up after 20, a worker's after less."""
VICTIMS = ("intake", "ledger", "projector", "keyvault", "release")


class Killer(threading.Thread):
    """Kills at random moments; the supervisor starts again what it killed."""

    def __init__(
        self, demo: Demo, *, kills: int, seed: int, pause: tuple[float, float], broker: bool, twins: bool
    ) -> None:
        super().__init__(daemon=True)
        self.demo, self.kills, self.random, self.pause, self.broker, self.twins = (
            demo,
            kills,
            random.Random(seed),
            pause,
            broker,
            twins,
        )
        self.done: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.demo.seconds.get("start") and not self.stopping.wait(0.1):
            pass  # who starts a zone is told at once when a process ends before it is ready; from then on it is started again
        if self.twins:
            for role in TWINS:
                self.demo.zone.start_role(role, instance="-2")
        for nth in range(self.kills):
            if self.stopping.wait(self.random.uniform(*self.pause)):
                return
            if self.broker and nth in (self.kills // 2, 3 * self.kills // 4):
                self._broker(away=3 if nth == self.kills // 2 else LONGER_THAN_THE_PRODUCERS_WAIT)
                continue
            if self.twins and nth == 2 * self.kills // 3:
                self.demo.zone.supervisor.stop([f"{role}-2" for role in TWINS])
            running = [n for n in self.demo.zone.supervisor.pids() if n.split("-")[0] in VICTIMS]
            victim = self.random.choice(running)
            self.demo.zone.supervisor.kill9(victim)
            self.done.append(victim)
            self.demo.zone.supervisor.tend()

    def _broker(self, *, away: float) -> None:
        kafka = self.demo.zone.kafka
        assert isinstance(kafka, EmbeddedKafka)
        kafka.kill9()
        self.done.append(f"broker for {away:.0f} s")
        time.sleep(away)
        kafka.start()


def checked(demo: Demo, killer: Killer, tmp_path: Path, *, least: int, deliveries: int) -> None:
    killer.start()
    try:
        demo.run()
    finally:
        killer.stopping.set()
        killer.join(60)
    assert len(killer.done) >= least, killer.done
    assert demo.counted.counts["applied"] >= deliveries
    print(f"killed: {', '.join(killer.done)}; applied {demo.counted.counts['applied']} deliveries")
    config = RoleConfig.load(demo.zone.role_config("projector"))
    dump(config, tmp_path)
    assert compare(tmp_path, demo.town) == []
    assert rebuild(config).equal


def test_a_few_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    with a_demo(addresses=1500, months=3, seed=3) as demo:
        killer = Killer(demo, kills=6, seed=5, pause=(0.5, 2.5), broker=False, twins=False)
        checked(demo, killer, tmp_path, least=3, deliveries=1_200)


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_twenty_kills_the_broker_and_two_workers_of_each_kind_lose_nothing(tmp_path: Path) -> None:
    with a_demo(addresses=12000, months=12, seed=11) as demo:
        killer = Killer(demo, kills=22, seed=13, pause=(1.0, 4.0), broker=True, twins=True)
        checked(demo, killer, tmp_path, least=22, deliveries=50_000)
