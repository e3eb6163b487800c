"""Builders for tests of retention periods: a notice of the projector, a standing decision of two, and what one is on the other."""

from __future__ import annotations

from dataclasses import replace

from erasure_builders import MUNICIPALITY, SIGNERS, STRANGER
from erasure_builders import key_of as grantor_key_of

from schemas.directory import role_key_id
from schemas.retention import Notice, Standing, request_of, use_of
from schemas.sealing import box_public_key, seal_to, verify_key_of
from schemas.secrets import BoxKey, SigningKey

PROJECTOR, IDENTITY = SigningKey(b"\x21" * 32), BoxKey(b"\x22" * 32)
IDENTITY_ID = "intake-1"
PERSON = b"\x31" * 16
SINCE, PREVIEW = 20_000, 30


def key_of(name: str, key_id: str) -> bytes | None:
    public = verify_key_of(PROJECTOR)
    if name == "projector":
        return public if key_id == role_key_id("projector", public) else None
    return grantor_key_of(name, key_id)


def a_notice(
    person: bytes = PERSON, *, key: SigningKey = PROJECTOR, sealed: bytes | None = None, **changes: object
) -> bytes:
    """Found due on day 20,000 and still so 31 days later. `sealed`: in the place of the person's own id."""
    made = Notice(
        request_of(person), MUNICIPALITY, (("jeugdwet", 2005),), SINCE, SINCE + PREVIEW + 1, PREVIEW, IDENTITY_ID,
        seal_to(box_public_key(IDENTITY), person) if sealed is None else sealed,
    )  # fmt: skip
    return replace(made, **changes).signed(key)  # type: ignore[arg-type]


def a_standing(*names: str, **changes: int) -> bytes:
    """Signed by the first two, or by who is named."""
    made = replace(Standing(b"d" * 16, MUNICIPALITY, SINCE, SINCE + 300), **changes)  # type: ignore[arg-type]
    keys, data = SIGNERS | dict([STRANGER]), None
    for name in names or list(SIGNERS)[:2]:
        data = made.with_signature(data, name, f"{name}-1", keys[name])
    assert data is not None
    return data


def a_use(notice: bytes | None = None, standing: bytes | None = None) -> bytes:
    return use_of(standing or a_standing(), notice or a_notice())
