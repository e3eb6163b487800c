"""Every door of the vault with who may ask it and a body it takes. For tests that come with other bodies.

Each body stands by itself: what one door does with it leaves the bodies of the others good.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from erasure_builders import REQUEST, a_decision, key_of, signed
from officer_builders import NAMES, ROOT, OfficersInMemory
from three_roots import two_of
from vault_builders import DAY, PERSON, VaultInMemory, a_look, a_mandate, a_record

from deploy.key_register import receipts_key_entry
from deploy.officer_admission import planned
from keyvault import turning, voprf
from keyvault.erasure_work import ErasureWork
from keyvault.limits import EvaluationRules
from keyvault.mutual_tls import Caller
from keyvault.officers.ceremony import PROMISE, signed_message
from keyvault.officers.sealed_identity import seal_identity
from keyvault.officers.tool import OfficerTool
from keyvault.pseudonym_work import PseudonymWork
from keyvault.service import Route, routes
from schemas import codec
from schemas.directory import sign_entry
from schemas.orders import Order, add_signature, signed_order
from schemas.reidentification import NOBODY, Request, signed_request
from schemas.sealing import box_public_key, verify_key_of
from schemas.secrets import BoxKey, SigningKey

Door = tuple[Callable[[bytes], bytes], bytes]
_OPERATORS = {"anne": SigningKey(b"\x02" * 32), "bob": SigningKey(b"\x0b" * 32)}
_FAMILY, _CLOSED, _TO_ERASE = b"f" * 16, b"w" * 16, b"e" * 16
_CALLERS = {
    "/v1/look": "caseworker-gm9901-1", "/v1/log/own": "family-gm9901-a",
    "/v1/naming/approve": "officer-eli", "/v1/naming/part": "officer-eli",
}  # fmt: skip
_IN_TURN = ("operator", "intake", "ledger", "projector", "gm9901", "officer-dora")
"""Who asks a door of which no caller is named above: the first of these who may."""


def doors(folder: Path) -> dict[str, Door]:
    """`vault METHOD PATH` -> how it is asked, and the body it takes."""
    return {
        f"vault {route.method} {route.path}": ((lambda data, route=route, who=who: route.work(who, data)), body)
        for route, who, body in asked(folder)
    }


def asked(folder: Path) -> list[tuple[Route, Caller, bytes]]:
    """All routes of the vault, each with a caller who may ask it and a body that is right."""
    network = OfficersInMemory(folder)
    here, ending = network.here, VaultInMemory(folder / "another")
    for vault in (here.vault, ending.vault):
        vault.evaluations = EvaluationRules(operators={n: verify_key_of(k) for n, k in _OPERATORS.items()})
    own = here.store.signing_key(DAY)
    entry = sign_entry(two_of(ROOT), receipts_key_entry(own[0], verify_key_of(own[1])))
    bodies = _of_pseudonyms(here) | _of_looks(here) | _of_erasure(here, key_of, entry) | _of_officers(network)
    table = {r.path: r for r in routes(here.vault, ErasureWork(here.vault, key_of, lambda _: entry), network.naming)}
    # A turn that ended would leave nothing to evaluate and to turn: it ends in a vault of its own.
    bodies["/v1/turn/end"] = _ordered_turn(ending)
    table["/v1/turn/end"] = next(r for r in routes(ending.vault) if r.path == "/v1/turn/end")
    found = []
    for path, route in table.items():
        name = _CALLERS.get(path) or next(name for name in _IN_TURN if route.may(name))
        assert route.may(name), path
        found.append((route, here.caller(name)[0], bodies.get(path, b"")))
    return found


def _order(order: Order) -> bytes:
    data = signed_order(order.encoded(), {})
    for name, key in _OPERATORS.items():
        data = add_signature(data, name, key)
    return data


def _ordered_turn(here: VaultInMemory) -> bytes:
    """Two operators ordered a turn; what ends it."""
    old = here.store.pseudonym_key(DAY)[0]
    PseudonymWork(here.vault).order(
        Caller("operator", b""), _order(Order.turn(key_id=old, number=5_000, until=DAY, why="yearly"))
    )
    coming = here.store.next_pseudonym_key()
    assert coming is not None
    return codec.encode("vault_turn_end", {"old_key_id": old, "new_key_id": coming[0]})


def _of_pseudonyms(here: VaultInMemory) -> dict[str, bytes]:
    turn = codec.decode("vault_turn_end", _ordered_turn(here))
    element = turning.blind([voprf.hash_to_group(b"x")])[0]
    persons = codec.encode("vault_persons", {"persons": PERSON + b"q" * 16})
    return {
        "/v1/evaluate": codec.encode("vault_elements", {"key_id": turn["old_key_id"], "elements": element}),
        "/v1/turn": codec.encode("vault_turn", turn | {"elements": element}),
        "/v1/orders": _order(Order.first_load(number=5, until=DAY, why="first load")),
        "/v1/person-keys": persons, "/v1/placement-keys": persons, "/v1/placement-keys/private": persons,
    }  # fmt: skip


def _of_looks(here: VaultInMemory) -> dict[str, bytes]:
    given = (
        a_mandate(), a_mandate(handle=_FAMILY, reader="family-gm9901-a", purpose="own-file"), a_mandate(handle=_CLOSED),
    )  # fmt: skip
    here.store.learn_mandates(list(given), partition=0, next_offset=1)
    reader, family = here.caller("caseworker-gm9901-1")[1], here.caller("family-gm9901-a")[1]
    return {
        "/v1/look": a_look(a_record(here.section_public), reader),
        "/v1/log/own": a_look(a_record(here.section_public, handle=_FAMILY), family),
        "/v1/log/lines": codec.encode("vault_log_after", {"sequence": 0, "limit": 5}),
        "/v1/mandates/withdraw": codec.encode("vault_mandate", {"handle": _CLOSED}),
        "/v1/keys/section/settled": codec.encode("vault_key_name", {"key_id": here.store.box_key("section", DAY)[0]}),
    }


def _of_erasure(here: VaultInMemory, key_of: Callable[[str, str], bytes | None], entry: bytes) -> dict[str, bytes]:
    work = ErasureWork(here.vault, key_of, lambda _: entry)
    gone = codec.encode("vault_erase", {"person": b"g" * 16, "decision": signed(a_decision(b"1" * 16))})
    work.erase(Caller("projector", b""), gone)
    return {
        "/v1/year-keys": codec.encode("vault_settled_keys", {"partition": 1, "years": [2024, 2025]}),
        "/v1/year-keys/destroy": codec.encode("vault_settled_keys", {"partition": 2, "years": [2019]}),
        "/v1/erase": codec.encode("vault_erase", {"person": _TO_ERASE, "decision": signed(a_decision(REQUEST))}),
        "/v1/erasures/receipt": codec.encode("vault_mandate", {"handle": b"1" * 16}),
    }


def _of_officers(network: OfficersInMemory) -> dict[str, bytes]:
    (dora, eli, _), committee = network.three()
    network.keep(committee, PERSON)
    new, waits, opened, for_part, for_end = (
        Request.new(
            person=PERSON, handle=NOBODY, reason="danger", ground="jeugdwet-7.3.11", case_number=f"Z-{n}", first=dora.folder.name,
            one_time_key=box_public_key(BoxKey(b"\x05" * 32)), key_id=committee.key_id, asked_at_ms=int(network.here.now * 1000),
        ) for n in range(5)
    )  # fmt: skip
    first, second = Caller(dora.folder.name, b""), Caller(eli.folder.name, b"")
    for request in (waits, opened, for_part, for_end):
        network.naming.ask(first, _signed(dora, request))
    for request in (opened, for_part, for_end):
        network.naming.approve(second, _signed(eli, request))
    sealed = seal_identity(b"999900018", person=b"n" * 16, key_id=committee.key_id, joint_key=committee.joint_key)
    coming = planned(network.operator.told(), list(NAMES), None, new_key=False)
    network.operator.begin(coming)
    said = {"box_key": box_public_key(BoxKey(b"\x06" * 32)), "digest": bytes(32)}
    return {
        "/v1/identities": codec.encode("vault_identities", {"items": [{"person": b"n" * 16, "sealed": sealed}]}),
        "/v1/officers/begin": coming.encoded(),
        "/v1/officers/say": signed_message(
            coming.id, PROMISE, dora.folder.name, said, key_id=dora.folder.key_id, key=dora.folder.signing_key()
        ),
        "/v1/naming/ask": _signed(dora, new),
        "/v1/naming/approve": _signed(eli, waits),
        "/v1/naming/open": codec.encode("vault_mandate", {"handle": opened.id}),
        "/v1/naming/part": codec.encode("vault_partial", {"request": for_part.id, "sealed": b"s" * 80}),
        "/v1/naming/end": codec.encode("vault_reidentified", {"request": for_end.id, "opened": True}),
    }


def _signed(tool: OfficerTool, request: Request) -> bytes:
    own = tool.folder
    return signed_request(request, signer=own.name, key_id=own.key_id, key=own.signing_key())
