"""Orders of operators to the keyvault: each names what it allows and until when, and counts only with two operators' signatures."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey
from schemas.values import day_number, day_of

SIGNATURES: Final = 2
LONGEST_DAYS: Final = 92
FIRST_LOAD, TURN = "first-load", "turn"
"""Kinds: evaluations beyond the daily limit; the pseudonym key ends and its elements turn to a new one."""
_DOMAIN: Final = "zorgstroom order 1"


@dataclass(frozen=True, slots=True)
class Order:
    """Leave for `number` evaluations beyond the daily limit, or for turning so many elements of the key `key_id`.

    It holds up to and including the day `until`.
    """

    id: bytes
    kind: str
    caller: str
    key_id: str
    number: int
    until: dt.date
    why: str

    @classmethod
    def first_load(cls, *, number: int, until: dt.date, why: str) -> Self:
        """A new order for a first load, not signed yet."""
        return cls(secrets.token_bytes(16), FIRST_LOAD, "intake", "", number, until, why)

    @classmethod
    def turn(cls, *, key_id: str, number: int, until: dt.date, why: str) -> Self:
        """A new order to turn away from a pseudonym key, not signed yet. `number`: how many elements there are."""
        return cls(secrets.token_bytes(16), TURN, "intake", key_id, number, until, why)

    def encoded(self) -> bytes:
        """The bytes that are signed."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return codec.encode("operator_order", fields | {"until": day_number(self.until)})

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read an order. Raises `Refused` (`unreadable`, `schema`)."""
        fields = codec.decode("operator_order", data)
        try:
            return cls(**(fields | {"until": day_of(fields["until"])}))
        except OverflowError as wrong:
            raise Refused("unreadable", "The order's last day lies outside the calendar.") from wrong

    def said(self) -> str:
        """What it allows, in plain words."""
        what = (
            f"{self.number} new persons"
            if self.kind == FIRST_LOAD
            else f"the key {self.key_id} ends, {self.number} elements turn"
        )
        return f"{what}, until {self.until}, because: {self.why}"


def signed_order(order: bytes, signatures: Mapping[str, bytes]) -> bytes:
    """An order with the signatures it has so far, by operator."""
    rows: list[dict[str, Any]] = [{"operator": name, "signature": s} for name, s in sorted(signatures.items())]
    return codec.encode("signed_order", {"order": order, "signatures": rows})


def read_order(data: bytes) -> Order:
    """What an order says, whoever signed it. Raises `Refused` for what is no order."""
    return Order.decode(codec.decode("signed_order", data)["order"])


def add_signature(data: bytes, operator: str, key: SigningKey) -> bytes:
    """The same order with one more operator's signature. Raises `Refused` for what is no order."""
    read_order(data)
    fields = codec.decode("signed_order", data)
    signatures = {s["operator"]: s["signature"] for s in fields["signatures"]}
    return signed_order(fields["order"], signatures | {operator: sign(key, _DOMAIN, fields["order"])})


def proved_order(data: bytes, operators: Mapping[str, bytes]) -> Order:
    """The order, where two different operators signed it. `operators`: name -> public key.

    Raises `Refused` (`signature`, `unreadable`, `schema`). Two names with one key are one operator.
    """
    fields = codec.decode("signed_order", data)
    holding = {
        operators[s["operator"]] for s in fields["signatures"]
        if s["operator"] in operators
        and signature_holds(operators[s["operator"]], _DOMAIN, fields["order"], s["signature"])
    }  # fmt: skip
    if len(holding) < SIGNATURES:
        raise Refused(
            "signature",
            f"An order counts with the signatures of {SIGNATURES} different operators; it has {len(holding)}.",
        )
    return Order.decode(fields["order"])
