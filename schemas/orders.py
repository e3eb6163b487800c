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
_DOMAIN: Final = "zorgstroom order 1"


@dataclass(frozen=True, slots=True)
class EvaluationOrder:
    """Leave for `number` evaluations beyond the daily limit, up to and including the day `until`."""

    id: bytes
    caller: str
    number: int
    until: dt.date
    why: str

    @classmethod
    def new(cls, *, number: int, until: dt.date, why: str, caller: str = "intake") -> Self:
        """A new order, not signed yet."""
        return cls(secrets.token_bytes(16), caller, number, until, why)

    def encoded(self) -> bytes:
        """The bytes that are signed."""
        fields = {
            "id": self.id,
            "caller": self.caller,
            "number": self.number,
            "until": day_number(self.until),
            "why": self.why,
        }
        return codec.encode("evaluation_order", fields)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read an order. Raises `Refused` (`unreadable`, `schema`)."""
        fields = codec.decode("evaluation_order", data)
        try:
            return cls(**(fields | {"until": day_of(fields["until"])}))
        except OverflowError as wrong:
            raise Refused("unreadable", "The order's last day lies outside the calendar.") from wrong


def signed_order(order: bytes, signatures: Mapping[str, bytes]) -> bytes:
    """An order with the signatures it has so far, by operator."""
    rows: list[dict[str, Any]] = [{"operator": name, "signature": s} for name, s in sorted(signatures.items())]
    return codec.encode("signed_order", {"order": order, "signatures": rows})


def add_signature(data: bytes, operator: str, key: SigningKey) -> bytes:
    """The same order with one more operator's signature. Raises `Refused` for what is no order."""
    fields = codec.decode("signed_order", data)
    EvaluationOrder.decode(fields["order"])
    signatures = {s["operator"]: s["signature"] for s in fields["signatures"]}
    return signed_order(fields["order"], signatures | {operator: sign(key, _DOMAIN, fields["order"])})


def proved_order(data: bytes, operators: Mapping[str, bytes]) -> EvaluationOrder:
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
    return EvaluationOrder.decode(fields["order"])
