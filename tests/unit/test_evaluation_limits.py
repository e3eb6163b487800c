"""How many pseudonyms a day: a standing limit, orders that two operators sign, and an intake that waits and loses nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from vault_builders import DAY, VaultInMemory

from keyvault import blinding, group, voprf
from keyvault.client import PublicKey
from keyvault.limits import EvaluationRules
from keyvault.mutual_tls import Caller
from keyvault.pseudonym_work import PseudonymWork
from schemas import codec
from schemas.errors import Refused, Unavailable
from schemas.orders import Order, add_signature, proved_order, signed_order
from schemas.sealing import verify_key_of
from schemas.secrets import Bsn, PersonIdKey, ScalarKey, SigningKey
from streams import pseudonyms
from streams.pseudonym_table import Generation
from streams.pseudonyms import Asked, Pseudonyms

INTAKE, OPERATOR = Caller("intake", b""), Caller("operator", b"", "10.0.0.1")
ANNE, BOB = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)
RULES = EvaluationRules(
    inhabitants=200, daily_share=0.02, least=3,
    operators={"anne": verify_key_of(ANNE), "bob": verify_key_of(BOB), "anne-again": verify_key_of(ANNE)},
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path) -> VaultInMemory:
    made = VaultInMemory(tmp_path)
    made.vault.evaluations = RULES
    return made


def evaluated(here: VaultInMemory, count: int) -> tuple[int, int]:
    """How many of `count` were evaluated, with a proof that holds, and what the day's own limit still allows."""
    batch = blinding.blind([n.to_bytes(4, "big") for n in range(count)])
    answer = codec.decode(
        "vault_evaluation",
        PseudonymWork(here.vault).evaluate(
            INTAKE,
            codec.encode(
                "vault_elements", {"key_id": here.store.pseudonym_key(DAY)[0], "elements": list(batch.elements)}
            ),
        ),
    )
    given = len(answer["elements"])
    part = blinding.BlindedBatch(batch.elements[:given], batch.scalars[:given])
    public = codec.decode("vault_key", PseudonymWork(here.vault).public_key())["key"]
    blinding.unblind(part, answer["elements"], proof=answer["proof"], pinned_public_key=public)
    return given, answer["standing"]


def an_order(number: int = 10, days: int = 5, *signers: tuple[str, SigningKey], why: str = "first load") -> bytes:
    order = Order.first_load(number=number, until=DAY + dt.timedelta(days=days), why=why)
    data = signed_order(order.encoded(), {})
    for name, key in signers or (("anne", ANNE), ("bob", BOB)):
        data = add_signature(data, name, key)
    return data


def test_the_limit_is_a_part_of_the_inhabitants_and_never_less_than_a_floor() -> None:
    assert (EvaluationRules(45_000).per_day, EvaluationRules(10).per_day, RULES.per_day) == (900, 100, 4)


def test_past_the_days_limit_the_rest_is_not_evaluated_and_tomorrow_there_is_room(here: VaultInMemory) -> None:
    assert [evaluated(here, 3), evaluated(here, 3)] == [(3, 1), (1, 0)]
    with pytest.raises(Refused) as refused:
        evaluated(here, 1)
    assert refused.value.code == "evaluation-limit"
    assert "4 a day" in refused.value.sentence
    here.now += 86_400
    assert evaluated(here, 9) == (4, 0)


def test_an_order_of_two_operators_allows_more_and_is_on_the_log(here: VaultInMemory) -> None:
    order = an_order(10)
    PseudonymWork(here.vault).order(OPERATOR, order)
    PseudonymWork(here.vault).order(OPERATOR, order)
    assert evaluated(here, 100) == (14, 0)
    assert [(r["action"], r["who"], r["source"], r["result"]) for r in here.log.records] == [
        ("order", "operator", "10.0.0.1", "given")
    ] * 2


@pytest.mark.parametrize(
    ("code", "order"),
    [
        ("signature", an_order(10, 5, ("anne", ANNE))),
        ("signature", an_order(10, 5, ("anne", ANNE), ("anne", ANNE))),
        ("signature", an_order(10, 5, ("anne", ANNE), ("anne-again", ANNE))),
        ("signature", an_order(10, 5, ("anne", ANNE), ("bob", ANNE))),
        ("signature", an_order(10, 5, ("anne", ANNE), ("carol", BOB))),
        ("order", an_order(401)), ("order", an_order(0)), ("order", an_order(10, -1)), ("order", an_order(10, 93)),
        ("order", an_order(why="")), ("order", an_order(why="two\nlines")),
    ],
    ids=["one", "the same twice", "one key, two names", "another's name", "a stranger", "too many", "none", "over", "too long", "no reason", "lines"],
)  # fmt: skip
def test_an_order_that_does_not_hold_allows_nothing_and_is_logged(here: VaultInMemory, code: str, order: bytes) -> None:
    with pytest.raises(Refused) as refused:
        PseudonymWork(here.vault).order(OPERATOR, order)
    assert refused.value.code == code
    assert evaluated(here, 9)[0] == 4
    assert here.results() == [code]


def test_an_order_changed_after_signing_does_not_hold() -> None:
    fields = codec.decode("signed_order", an_order(10))
    more = Order.decode(fields["order"])
    forged = replace(more, number=400).encoded()
    with pytest.raises(Refused):
        proved_order(codec.encode("signed_order", fields | {"order": forged}), RULES.operators)


def test_five_times_the_median_day_can_be_seen(here: VaultInMemory) -> None:
    def shown(name: str) -> float:
        return here.meter.registry.get_sample_value(f"zorgstroom_{name}", {"role": "keyvault"}) or 0.0

    for count in (1, 2, 3):
        evaluated(here, count)
        here.now += 86_400
    evaluated(here, 4)
    assert (
        shown("vault_evaluations_today"),
        shown("vault_evaluations_median_day"),
        shown("vault_evaluations_left"),
    ) == (4, 2, 0)


SCALAR = group.random_scalar()
PINNED = PublicKey("voprf-1", bytes(32))


@dataclass
class LimitedVault:
    """Evaluates as the vault does, so many and no more."""

    left: int
    has_spare: bool = True
    asked: list[int] = field(default_factory=list)
    key: ScalarKey = field(default_factory=group.random_scalar)

    def elements(self, inputs: Sequence[bytes], pinned: PublicKey) -> list[bytes]:
        assert pinned == PINNED
        self.asked.append(len(inputs))
        batch = blinding.blind(inputs)
        given, _ = voprf.evaluate(self.key, list(batch.elements))
        found = group.unblind_batch(given, batch.scalars)[: self.left]
        self.left -= len(found)
        if not found:
            msg = "no more today"
            raise Unavailable(msg)
        return found


@dataclass
class Tables:
    """Intake's tables in memory: what `keep` wrote stays when the window is rolled back."""

    handles: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)
    persons: dict[bytes, bytes] = field(default_factory=dict)

    def keep(self, rows: Sequence[tuple[bytes, bytes, int]], _generation: int, persons: dict[bytes, bytes]) -> None:
        self.handles |= {lookup: (sealed, month) for lookup, sealed, month in rows}
        self.persons |= persons

    def stand_in(self, patch: pytest.MonkeyPatch) -> None:
        def known(rows: dict[bytes, Any], wanted: Sequence[bytes]) -> dict[bytes, Any]:
            return {k: rows[k] for k in wanted if k in rows}

        patch.setattr(pseudonyms.store, "cached_handles", lambda _tx, wanted: known(self.handles, wanted))
        patch.setattr(pseudonyms.store, "save_handles", lambda _tx, rows: self.keep(rows, 1, {}))
        patch.setattr(pseudonyms.table, "in_use", lambda _tx: Generation(1, "voprf-1", b"print"))
        patch.setattr(pseudonyms.table, "persons_of", lambda _tx, _generation, wanted: known(self.persons, wanted))
        patch.setattr(pseudonyms.table, "erased", lambda _tx, _persons: set())
        patch.setattr(pseudonyms.table, "save_persons", lambda _tx, _generation, rows: self.keep([], 1, rows))


def test_intake_waits_past_the_limit_keeps_what_came_and_asks_only_for_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables, vault = Tables(), LimitedVault(left=3)
    tables.stand_in(monkeypatch)
    bsns = ("999900006", "999900018", "999900031", "999900043", "999900055")
    subjects = [Asked("p99000001", bytes([n]) * 16, Bsn(b), 1, 24_300) for n, b in enumerate(bsns)]

    def resolve(*, limited: LimitedVault = vault) -> list[bytes]:
        role = Pseudonyms(
            vault=limited, pinned={"voprf-1": PINNED}.get, scalars={b"print": SCALAR}, id_key=PersonIdKey(b"\x05" * 32), cache_key=b"\x06" * 32,
            keep=tables.keep,
        )  # fmt: skip
        return role.resolve(None, subjects)[0]  # type: ignore[arg-type]

    with pytest.raises(Unavailable, match="daily limit is reached"):
        resolve()
    with pytest.raises(Unavailable):
        resolve()
    vault.left = 10
    persons = resolve()
    assert vault.asked == [5, 2, 2], "what was evaluated is not evaluated again"
    unlimited = LimitedVault(left=100, key=vault.key)
    tables.handles.clear()
    tables.persons.clear()
    assert resolve(limited=unlimited) == persons


def test_what_is_known_is_asked_again_only_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    tables, vault = Tables(), LimitedVault(left=100)
    tables.stand_in(monkeypatch)
    role = Pseudonyms(
        vault=vault, pinned={"voprf-1": PINNED}.get, scalars={b"print": SCALAR}, id_key=PersonIdKey(b"\x05" * 32), cache_key=b"\x06" * 32,
        keep=tables.keep,
    )  # fmt: skip

    def ask(month: int) -> Any:
        return role.resolve(None, [Asked("p99000001", b"h" * 16, Bsn("999900006"), 2, month)])  # type: ignore[arg-type]

    ask(24_300)
    vault.has_spare = False
    ask(24_301)
    assert vault.asked == [1]
    vault.has_spare = True
    ask(24_301)
    ask(24_301)
    assert vault.asked[:2] == [1, 1]
