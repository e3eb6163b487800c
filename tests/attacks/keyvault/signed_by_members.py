"""Entries of the directory, and what members of the network sign: requests, mandates, orders, decisions, receipts. For tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import retention_builders
from erasure_builders import key_of, signed
from ledger_builders import (
    GRANTOR_KEY,
    PAYER,
    TODAY,
    terms_of,
)
from three_roots import all_of, pinned, two_of
from vault_builders import DAY as VAULT_DAY
from vault_builders import VaultInMemory

from deploy.key_register import receipts_key_entry
from keyvault.erasure_work import ErasureWork
from keyvault.mandate_subscriber import mandate_of
from keyvault.mutual_tls import Caller
from producers import joining
from schemas import codec, erasure_receipt, retention
from schemas.directory import Entry, sign_entry, verified_entry
from schemas.erasure import proved
from schemas.mandate_terms import MandateTerms, signed_by
from schemas.orders import Order, add_signature, proved_order, signed_order
from schemas.requests import DataRequest, signed_request, verified_request
from schemas.roots import Roots, sign_change
from schemas.sealing import (
    verify_key_of,
)
from schemas.values import SenderId
from tests.attacks.keyvault.signed_things import (
    KEY,
    PERSON,
    ROOT,
    Thing,
    held,
    pieces,
    thing,
)


def an_entry(**changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "kind": "sender",
        "name": "gm9901",
        "key_id": "s-1",
        "use": "signing",
        "public_key": verify_key_of(KEY),
    }
    return Entry(**(fields | {"valid_from": 0, "municipalities": (PAYER,)} | changes))


@thing("an entry of the directory", "signed_entry", "directory_entry")
def _(_: Path) -> Thing:
    return Thing(sign_entry(two_of(ROOT), an_entry()), lambda data: verified_entry(pinned(ROOT), data))


@thing("a change of the root", "root_change")
def _(_: Path) -> Thing:
    before = pinned(ROOT)
    after = Roots(2, tuple(verify_key_of(k) for k in all_of(KEY)))

    def read(data: bytes) -> object:
        signed_change = codec.decode("signed_entry", data)
        found = before.changed(signed_change["payload"], signed_change["signatures"])
        held(found is not before)  # a change of before is passed over: the root stays
        return found

    return Thing(sign_change(two_of(ROOT), after), read)


@thing("a request file")
def _(folder: Path) -> Thing:
    made = joining.join(folder / "sender", sender=SenderId("p98000001"), name="De Linde").read_bytes()
    return Thing(made, joining.read_request, spellings=True)


@thing("a municipality's request", "signed_request", "data_request")
def _(_: Path) -> Thing:
    asked = DataRequest.decode(
        codec.encode(
            "data_request",
            {"request": "", "municipality": PAYER, "first_month": 24_300, "last_month": 24_301, "streams": ["wmo"], "providers": ["p98000001"],
             "why": "test", "ground": "wmo-2.5.1", "by": TODAY},
        )
    )  # fmt: skip
    made = signed_request(asked, entry=sign_entry(two_of(ROOT), an_entry()), signing=KEY)
    return Thing(made, lambda data: verified_request(pinned(ROOT), data))


@thing("the terms of a mandate", "mandate_terms")
def _(_: Path) -> Thing:
    both = terms_of().signed(GRANTOR_KEY)
    made, apart = pieces(both["terms"], both["signature"])

    def read(data: bytes) -> object:
        terms, signature = apart(data)
        held(signed_by(verify_key_of(GRANTOR_KEY), terms=terms, signature=signature))
        return MandateTerms.decode(terms)

    return Thing(made, read)


@thing("a mandate as the grantor signed it, at the keyvault", "mandate_state")
def _(_: Path) -> Thing:
    both = terms_of().signed(GRANTOR_KEY)
    made, apart = pieces(both["terms"], both["signature"])

    def read(data: bytes) -> object:
        terms, signature = apart(data)
        state = {"person": PERSON, "given": True, "terms": terms, "signature": signature}
        return mandate_of(codec.encode("mandate_state", state), lambda *_: verify_key_of(GRANTOR_KEY))

    return Thing(made, read)


@thing("an order of operators", "signed_order", "operator_order")
def _(_: Path) -> Thing:
    made = signed_order(Order.turn(key_id="voprf-1", number=5, until=VAULT_DAY, why="yearly").encoded(), {})
    for name, key in (("anne", KEY), ("bob", ROOT)):
        made = add_signature(made, name, key)
    known = {"anne": verify_key_of(KEY), "bob": verify_key_of(ROOT)}
    return Thing(made, lambda data: proved_order(data, known))


@thing("a decision to erase", "signed_erasure_decision", "erasure_decision")
def _(_: Path) -> Thing:
    return Thing(signed(), lambda data: proved(data, key_of))


@thing("a receipt of an erasure", "signed_erasure_receipt", "erasure_receipt")
def _(folder: Path) -> Thing:
    here = VaultInMemory(folder / "vault")
    own = here.store.signing_key(VAULT_DAY)
    entry = sign_entry(two_of(ROOT), receipts_key_entry(own[0], verify_key_of(own[1])))
    work = ErasureWork(here.vault, key_of, lambda _: entry)
    work.erase(Caller("projector", b""), codec.encode("vault_erase", {"person": PERSON, "decision": signed()}))
    made = work.receipt(Caller("gm9901", b""), codec.encode("vault_mandate", {"handle": b"r" * 16}))
    return Thing(made, lambda data: erasure_receipt.checked(data, pinned(ROOT)))


@thing(
    "a standing decision used on a projector's notice", "signed_retention_notice", "retention_notice", "retention_use", "retention_decision",
)  # fmt: skip
def _(_: Path) -> Thing:
    return Thing(
        retention_builders.a_use(),
        lambda data: (retention.decided(data, retention_builders.key_of), retention.read_use(data)),
    )
