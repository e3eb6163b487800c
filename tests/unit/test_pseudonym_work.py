"""A turn at the vault: only on an order for the key in use, only between it and the next, and over when it is over."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from vault_builders import DAY, VaultInMemory

from keyvault import group, turning, voprf
from keyvault.limits import EvaluationRules
from keyvault.mutual_tls import Caller
from keyvault.pseudonym_work import PseudonymWork
from schemas import codec
from schemas.errors import Refused
from schemas.orders import Order, add_signature, signed_order
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey

INTAKE, OPERATOR = Caller("intake", b""), Caller("operator", b"", "10.0.0.1")
ANNE, BOB = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)


@pytest.fixture
def here(tmp_path: Path) -> VaultInMemory:
    made = VaultInMemory(tmp_path)
    keys = {"anne": verify_key_of(ANNE), "bob": verify_key_of(BOB)}
    made.vault.evaluations = EvaluationRules(inhabitants=1_000, operators=keys)
    return made


def signed(order: Order) -> bytes:
    return add_signature(add_signature(signed_order(order.encoded(), {}), "anne", ANNE), "bob", BOB)


def an_order(key_id: str, *, number: int = 10, days: int = 3) -> bytes:
    return signed(Order.turn(key_id=key_id, number=number, until=DAY + dt.timedelta(days=days), why="yearly"))


def keys(here: VaultInMemory) -> tuple[str, str]:
    following = here.store.next_pseudonym_key()
    return here.store.pseudonym_key(DAY)[0], following[0] if following else "none"


def turn(here: VaultInMemory, old: str, new: str, count: int = 1) -> dict[str, Any]:
    elements, _ = turning.blind([voprf.hash_to_group(bytes([n])) for n in range(count)])
    body = codec.encode("vault_turn", {"old_key_id": old, "new_key_id": new, "elements": elements})
    return codec.decode("vault_turned", PseudonymWork(here.vault).turn(INTAKE, body))


def end(here: VaultInMemory, old: str, new: str) -> None:
    PseudonymWork(here.vault).end_turn(INTAKE, codec.encode("vault_turn_end", {"old_key_id": old, "new_key_id": new}))


def evaluate(here: VaultInMemory, key_id: str) -> None:
    element = group.multiply(group.random_scalar().reveal(), voprf.hash_to_group(b"x"))
    PseudonymWork(here.vault).evaluate(
        INTAKE, codec.encode("vault_elements", {"key_id": key_id, "elements": [element]})
    )


def refused(work: Any, *args: Any) -> str:
    with pytest.raises(Refused) as told:
        work(*args)
    return told.value.code


def test_without_an_order_no_element_turns_and_no_key_ends(here: VaultInMemory) -> None:
    old, none = keys(here)
    assert none == "none"
    assert refused(turn, here, old, old) == refused(turn, here, old, "voprf-1") == "unknown-key"
    assert refused(end, here, old, "voprf-1") == refused(end, here, old, "") == "unknown-key"
    assert [r["result"] for r in here.log.records] == ["unknown-key"] * 2
    assert refused(PseudonymWork(here.vault).next_public_key) == "unknown-key"
    assert keys(here) == (old, "none")


def test_an_order_opens_a_turn_between_two_keys_and_no_others_and_for_a_twentieth_more(here: VaultInMemory) -> None:
    order = an_order(keys(here)[0], number=20)
    PseudonymWork(here.vault).order(OPERATOR, order)
    old, new = keys(here)
    assert turn(here, old, new, 20)["left"] == 1
    assert turn(here, old, new, 1)["left"] == 0
    assert refused(turn, here, old, new, 1) == "turn-limit"
    assert (
        refused(turn, here, new, old) == refused(turn, here, new, new) == refused(turn, here, old, old) == "unknown-key"
    )
    PseudonymWork(here.vault).order(OPERATOR, order)
    assert refused(turn, here, old, new, 1) == "turn-limit", "an order placed twice is one"
    assert keys(here) == (old, new)


def test_both_keys_evaluate_during_a_turn_and_afterwards_only_the_new_one(here: VaultInMemory) -> None:
    PseudonymWork(here.vault).order(OPERATOR, an_order(keys(here)[0]))
    old, new = keys(here)
    evaluate(here, old)
    evaluate(here, new)
    end(here, old, new)
    end(here, old, new)
    evaluate(here, new)
    assert refused(evaluate, here, old) == refused(evaluate, here, "") == "unknown-key"
    assert refused(turn, here, old, new) == "unknown-key"
    assert keys(here) == (new, "none")
    assert [r["action"] for r in here.log.records] == ["order", "turn-end"]


def test_an_order_for_a_key_that_is_not_in_use_is_refused_and_logged(here: VaultInMemory) -> None:
    old = keys(here)[0]
    order = an_order(old)
    PseudonymWork(here.vault).order(OPERATOR, order)
    end(here, *keys(here))
    for wrong in (order, an_order("voprf-1"), an_order("")):
        assert refused(PseudonymWork(here.vault).order, OPERATOR, wrong) == "order"
    assert [r["result"] for r in here.log.records] == ["given", "given", "order", "order", "order"]
    assert keys(here)[1] == "none"


def test_a_first_load_that_names_a_key_is_no_order(here: VaultInMemory) -> None:
    order = Order(b"o" * 16, "first-load", "intake", "voprf-1", 5, DAY, "both")
    unknown = Order(b"o" * 16, "everything", "intake", "", 5, DAY, "neither")
    for wrong in (order, unknown):
        assert refused(PseudonymWork(here.vault).order, OPERATOR, signed(wrong)) == "order"


def test_after_the_orders_last_day_it_waits_for_another(here: VaultInMemory) -> None:
    PseudonymWork(here.vault).order(OPERATOR, an_order(keys(here)[0], days=0))
    old, new = keys(here)
    turn(here, old, new)
    here.now += 86_400
    assert refused(turn, here, old, new) == "turn-limit"
