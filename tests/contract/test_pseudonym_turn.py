"""Turning intake's table on a real PostgreSQL: every link stays, whenever it is broken off, whoever delivers meanwhile."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from vault_builders import DAY, VaultInMemory

from keyvault import group, turning, voprf
from keyvault.client import PublicKey
from keyvault.limits import EvaluationRules
from keyvault.mutual_tls import Caller
from keyvault.pseudonym_work import PseudonymWork
from schemas import codec
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.orders import Order
from schemas.secrets import Bsn, PersonIdKey, ScalarKey
from streams import intake_store
from streams import pseudonym_table as table
from streams.hop_store import PostgresHopStore, prepared
from streams.logs import logger
from streams.pseudonym_turn import PseudonymTurn, TurnMetrics
from streams.pseudonyms import Asked, Pseudonyms

INTAKE = Caller("intake", b"")
SCALAR, NEXT_SCALAR = group.random_scalar(), group.random_scalar()
ID_KEY = PersonIdKey(b"\x05" * 32)
BSNS = ("999900006", "999900018", "999900031", "999900043", "999900055", "999900067", "999900079", "999900080")


class Stopped(Exception):  # noqa: N818 - no error
    """Stands for kill -9: nothing after this point happens in this process."""


@dataclass
class Vault:
    """The vault's own work without TLS; `stop_at` breaks off at the nth call, before or after the vault did it."""

    here: VaultInMemory
    stop_at: int = -1
    after: bool = False
    calls: int = 0
    has_spare: bool = True
    seen: list[bytes] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    @property
    def work(self) -> PseudonymWork:
        return PseudonymWork(self.here.vault)

    def _call(self, work: Callable[[], Any]) -> Any:
        with self.lock:
            self.calls += 1
            if self.calls == self.stop_at and not self.after:
                raise Stopped
            done = work()
            if self.calls == self.stop_at:
                raise Stopped
            return done

    def public(self, following: bool = False) -> PublicKey:
        d = codec.decode("vault_key", self.work.next_public_key() if following else self.work.public_key())
        return PublicKey(d["key_id"], d["key"])

    def elements(self, inputs: list[bytes], pinned: PublicKey) -> list[bytes]:
        scalars = [group.random_scalar() for _ in inputs]
        blinded = [voprf.blind(i, s) for i, s in zip(inputs, scalars, strict=True)]
        with self.lock:
            answer = self.work.evaluate(
                INTAKE, codec.encode("vault_elements", {"key_id": pinned.key_id, "elements": blinded})
            )
        d = codec.decode("vault_evaluation", answer)
        voprf.verify(pinned.key, blinded, d["elements"], d["proof"])
        return group.unblind_batch(d["elements"], scalars)

    def turned(self, elements: list[bytes], *, old: PublicKey, new: PublicKey) -> list[bytes]:
        blinded, scalars = turning.blind(elements)
        self.seen += blinded
        body = codec.encode("vault_turn", {"old_key_id": old.key_id, "new_key_id": new.key_id, "elements": blinded})
        try:
            d = codec.decode("vault_turned", self._call(lambda: self.work.turn(INTAKE, body)))
        except Refused as refused:
            raise (Unavailable if refused.code == "turn-limit" else ContractBroken)(refused.sentence) from refused
        return turning.unblind(blinded, scalars, d["elements"], d["proof"], old=old.key, new=new.key)

    def end_turn(self, *, old: str, new: str) -> None:
        self._call(
            lambda: self.work.end_turn(INTAKE, codec.encode("vault_turn_end", {"old_key_id": old, "new_key_id": new}))
        )


@dataclass
class Intake:
    """Intake's database, and what the root signed."""

    dsn: str
    vault: Vault
    signed: list[PublicKey]
    scalars: tuple[ScalarKey, ...] = (SCALAR,)

    def pinned(self, key_id: str) -> PublicKey | None:
        return next((k for k in self.signed if k.key_id == key_id), None)

    def by_print(self) -> dict[bytes, ScalarKey]:
        return {table.scalar_print(s): s for s in self.scalars}

    def turn(self) -> PseudonymTurn:
        """A process that begins."""
        made = PseudonymTurn(
            PostgresHopStore(self.dsn, "intake"), self.vault, lambda: self.signed[-1], self.pinned, self.by_print(),
            TurnMetrics(CollectorRegistry()), logger("intake"),
        )  # fmt: skip
        made.prepare()
        return made

    def pseudonyms(self) -> Pseudonyms:
        return Pseudonyms(self.vault, self.pinned, self.by_print(), ID_KEY, b"\x06" * 32)

    def resolve(self, bsns: tuple[str, ...], *, sender: str = "p99000001", number: int = 1) -> list[bytes]:
        """Person ids by a provider whose handles nobody knows yet."""
        store = PostgresHopStore(self.dsn, "intake")
        asked = [Asked(sender, b.encode() * 2, Bsn(b), number, 24_300) for b in bsns]
        with store.transaction() as tx:
            persons, contradicted = self.pseudonyms().resolve(tx, asked)
        store.close()
        assert contradicted == set()
        return persons

    def order(self, number: int) -> None:
        """Two operators ordered a turn away from the key in use, and the root signed the next."""
        order = Order.turn(key_id=self.vault.public().key_id, number=number, until=DAY, why="test")
        self.vault.here.store.place_order(order, DAY)
        self.signed.append(self.vault.public(following=True)) if self.vault.public(
            following=True
        ) not in self.signed else None

    def add(self, count: int) -> dict[bytes, bytes]:
        """Elements of inputs nobody has, as they are under the keys in use; person -> input."""
        key, own = self.vault.here.store.pseudonym_key(DAY)[1].reveal(), self.scalars[0].reveal()
        inputs = [os.urandom(9) for _ in range(count)]
        both = group.product(key, own)
        rows = {group.multiply(both, voprf.hash_to_group(i)): os.urandom(16) for i in inputs}
        with psycopg.connect(self.dsn) as c:
            table.save_persons(c, self.rows("in-use")[0], rows)
        return dict(zip(rows.values(), inputs, strict=True))

    def rows(self, state: str) -> tuple[int, str, bytes]:
        with psycopg.connect(self.dsn) as c:
            return c.execute(
                "SELECT generation, key_id, scalar_print FROM pseudonym_keys WHERE state = %s", (state,)
            ).fetchone()

    def elements(self) -> dict[bytes, bytes]:
        """Person -> element, of all rows there are."""
        with psycopg.connect(self.dsn) as c:
            rows = c.execute("SELECT person, element FROM elements").fetchall()
        assert len(rows) == len({p for p, _ in rows}), "one row per person"
        return dict(rows)

    def as_new_keys_make_them(self, inputs: dict[bytes, bytes]) -> dict[bytes, bytes]:
        key = self.vault.here.store.pseudonym_key(DAY)[1].reveal()
        both = group.product(key, self.scalars[-1].reveal())
        return {person: group.multiply(both, voprf.hash_to_group(i)) for person, i in inputs.items()}


@pytest.fixture
def intake(fresh_database: Callable[[str], str], tmp_path: Path) -> Intake:
    dsn = fresh_database("intake_turn")
    with prepared(dsn, intake_store.DDL):
        pass
    here = VaultInMemory(tmp_path)
    here.vault.evaluations = EvaluationRules(inhabitants=100_000_000)
    vault = Vault(here)
    made = Intake(dsn, vault, [vault.public()])
    made.turn()
    return made


def to_the_end(turn: PseudonymTurn, *, most: int = 100_000) -> int:
    steps = 0
    while turn.step():
        steps += 1
        assert steps < most
    turn.store.close()
    return steps


def test_every_link_stays_under_the_new_key_the_old_is_destroyed_and_the_vault_saw_no_element(intake: Intake) -> None:
    inputs, old = intake.add(950), intake.vault.public()
    before = intake.elements()
    intake.order(950)
    to_the_end(intake.turn())
    assert intake.elements() == intake.as_new_keys_make_them(inputs)
    assert intake.vault.public() == intake.signed[-1] != old
    with pytest.raises(Refused, match="No other pseudonym key"):
        intake.vault.public(following=True)
    assert intake.rows("gone")[1] == old.key_id
    assert not set(intake.vault.seen) & {*before.values(), *intake.elements().values()}
    assert len(set(intake.vault.seen)) == 950
    assert intake.vault.here.store.evaluation_days(DAY) == (0, []), "no BSN was asked"
    assert [(r["action"], r["who"], r["result"]) for r in intake.vault.here.log.records] == [
        ("turn-end", "intake", "given")
    ]


def test_without_an_order_nothing_turns_and_after_it_nothing_more(intake: Intake) -> None:
    intake.add(5)
    assert to_the_end(intake.turn()) == 0
    intake.order(5)
    assert to_the_end(intake.turn()) > 0
    assert to_the_end(intake.turn()) == 0
    assert intake.vault.calls == 5 + 1


def test_broken_off_at_any_point_it_is_finished_by_the_next_process(intake: Intake) -> None:
    """At each call of the vault, before and after it did its part; and at each commit."""
    inputs = intake.add(6)
    for nth, after in itertools.product(range(1, 8), (False, True)):
        intake.order(1_000)
        intake.vault.calls, intake.vault.stop_at, intake.vault.after = 0, nth, after
        with pytest.raises(Stopped):
            to_the_end(intake.turn())
        intake.vault.stop_at = -1
        assert len(intake.resolve(BSNS[:2], sender=f"p990000{nth:02d}")) == 2
        to_the_end(intake.turn())
        assert intake.as_new_keys_make_them(inputs).items() <= intake.elements().items()
    assert len(intake.elements()) == 6 + 2


def test_broken_off_between_any_two_commits_every_bsn_is_who_it_was(intake: Intake) -> None:
    intake.add(3)
    known = dict(zip(BSNS[:4], intake.resolve(BSNS[:4]), strict=True))
    intake.order(100)
    for nth in itertools.count():
        turn = intake.turn()
        more = turn.step()
        turn.store.close()
        fresh = BSNS[4 + nth % 4]
        persons = intake.resolve((*BSNS[:4], fresh), sender=f"p9900{nth:04d}")
        assert persons[:4] == [known[b] for b in BSNS[:4]]
        assert known.setdefault(fresh, persons[4]) == persons[4]
        if not more:
            break
    assert nth > 8
    assert intake.rows("in-use")[1] == intake.signed[-1].key_id
    assert len(intake.elements()) == 3 + len(known)


def test_two_processes_that_turn_and_two_that_deliver_at_once_keep_every_link(intake: Intake) -> None:
    inputs = intake.add(400)
    known = dict(zip(BSNS, intake.resolve(BSNS), strict=True))
    intake.order(10_000)
    done = threading.Event()

    def turns() -> None:
        turn = intake.turn()
        while intake.rows("leaving") or intake.rows("in-use")[1] != intake.signed[-1].key_id:
            turn.step()
        turn.store.close()

    def delivers(who: int) -> int:
        for nth in itertools.count():
            last = done.is_set()
            assert intake.resolve(BSNS, sender=f"p9{who}{nth:06d}") == [known[b] for b in BSNS]
            if last:
                return nth
        raise AssertionError

    with ThreadPoolExecutor(4) as pool:
        delivering = [pool.submit(delivers, n) for n in (1, 2)]
        for turned in [pool.submit(turns), pool.submit(turns)]:
            turned.result(60)
        done.set()
        assert min(d.result(60) for d in delivering) > 5
    assert intake.as_new_keys_make_them(inputs).items() <= intake.elements().items()
    assert set(intake.elements()) == {*inputs, *known.values()}


def test_past_what_the_orders_allow_it_waits_says_so_and_goes_on_with_another(intake: Intake) -> None:
    inputs = intake.add(60)
    intake.order(20)
    turn = intake.turn()
    turn.work()
    assert intake.rows("coming") is not None
    assert turn.metrics.waits._value.get() == 1
    assert len(intake.vault.seen) <= 22, "a twentieth more than was ordered, and the one that was refused"
    assert intake.resolve(BSNS[:1])
    intake.order(60)
    turn.work()
    turn.store.close()
    to_the_end(intake.turn())
    assert intake.as_new_keys_make_them(inputs).items() <= intake.elements().items()


def test_ones_own_scalar_turns_without_the_vault_and_both_at_once_too(intake: Intake) -> None:
    inputs = intake.add(30)
    intake.scalars = (SCALAR, NEXT_SCALAR)
    to_the_end(intake.turn())
    assert intake.vault.calls == 0
    assert intake.elements() == intake.as_new_keys_make_them(inputs)
    turn = intake.turn()
    turn.step()
    assert turn.metrics.next_scalar._value.get() == 1
    turn.store.close()
    intake.scalars = (NEXT_SCALAR, SCALAR)
    intake.order(30)
    to_the_end(intake.turn())
    assert intake.vault.calls == 30 + 1
    assert intake.elements() == intake.as_new_keys_make_them(inputs)
    intake.scalars = (SCALAR,)
    assert to_the_end(intake.turn()) == 0, "once it has ended, the old one may go"


def test_a_scalar_that_is_gone_too_early_stops_it_before_anything_changes(intake: Intake) -> None:
    before = intake.add(3)
    intake.scalars = (NEXT_SCALAR,)
    with pytest.raises(ContractBroken, match="give it back"):
        intake.turn().step()
    assert intake.rows("coming") is None
    with pytest.raises(ContractBroken, match="Intake's scalar is not the one"):
        intake.resolve(BSNS[:1])
    assert set(intake.elements()) == set(before)


def test_a_key_the_root_did_not_sign_and_a_proof_for_another_key_change_nothing(intake: Intake) -> None:
    intake.add(3)
    intake.order(3)
    true = intake.signed[-1]
    intake.signed[-1] = PublicKey(true.key_id, voprf.public_key(group.random_scalar()))
    before = intake.elements()
    turn = intake.turn()
    with pytest.raises(Refused, match="proof fails"):
        to_the_end(turn)
    turn.store.close()
    intake.signed[-1] = PublicKey("voprf-19990101-abcdef", true.key)
    with psycopg.connect(intake.dsn) as c:
        c.execute("DELETE FROM pseudonym_keys WHERE state = 'coming'")
    turn = intake.turn()
    with pytest.raises(ContractBroken, match="no pseudonym key voprf-19990101-abcdef"):
        to_the_end(turn)
    turn.store.close()
    assert intake.elements() == before


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_hundred_thousand_random_elements_turn_and_every_one_is_right(intake: Intake) -> None:
    inputs = intake.add(100_000)
    intake.order(100_000)
    to_the_end(intake.turn())
    assert intake.elements() == intake.as_new_keys_make_them(inputs)
