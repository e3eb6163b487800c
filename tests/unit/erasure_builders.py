"""Builders for tests of erasure: two who sign, and a decision with their signatures."""

from __future__ import annotations

from schemas.erasure import Decision, with_signature
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey

MUNICIPALITY = 9901
SIGNERS = {f"grantor-gm9901-{name}": SigningKey(bytes([n]) * 32) for n, name in enumerate(("anne", "bart", "cees"), 1)}
STRANGER = ("grantor-gm9902-dora", SigningKey(b"\x09" * 32))
REQUEST = b"r" * 16


def key_of(name: str, key_id: str) -> bytes | None:
    known = SIGNERS | dict([STRANGER])
    return verify_key_of(known[name]) if name in known and key_id == f"{name}-1" else None


def a_decision(
    request: bytes = REQUEST, *, granted: bool = True, municipality: int = MUNICIPALITY, refusal: str | None = None,
    ground: str = "avg-17", asked_on: int = 20_000, decided_on: int = 20_001,
) -> Decision:  # fmt: skip
    why = ("" if granted else "legal-duty") if refusal is None else refusal
    return Decision(request, municipality, granted, ground, why, asked_on, decided_on)


def signed(decision: Decision | None = None, *names: str) -> bytes:
    """With the signatures of the first two, or of who is named."""
    keys = SIGNERS | dict([STRANGER])
    data: bytes | Decision = decision or a_decision()
    for name in names or list(SIGNERS)[:2]:
        data = with_signature(data, name, f"{name}-1", keys[name])
    assert isinstance(data, bytes)
    return data
