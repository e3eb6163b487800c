"""Naming one person by officers: why it may be asked, the request one officer signs and another approves, and whom it is about.

A request names a pseudonym or a mandate, never a citizen number. What its outcome is, nobody but the first officer's tool learns.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey

REASONS: Final[dict[str, tuple[str, str]]] = {
    "danger": (
        "acuut gevaar voor deze persoon of een ander",
        "acute danger to this person or to another",
    ),
    "child-safety": (
        "de veiligheid van een kind (Jeugdwet 7.3.11)",
        "the safety of a child (Jeugdwet 7.3.11)",
    ),
    "court-order": ("een bevel van een rechter", "an order of a court"),
    "wrong-person": (
        "onderzoek of gegevens bij de juiste persoon staan (AVG 5 lid 1 onder d)",
        "finding out whether data stand with the right person (GDPR 5(1)(d))",
    ),
    "data-breach": (
        "melden van een datalek aan wie het betreft (AVG 34)",
        "telling a person of a breach of his or her data (GDPR 34)",
    ),
}
"""Code -> why an officer may ask who somebody is, in Dutch and English. A closed list."""

OFFICER: Final = re.compile(r"officer-[a-z0-9-]{1,40}")
"""Principal of an officer."""
NOBODY: Final = bytes(16)
LONGEST_DELAY_DAYS: Final = 366
APPROVED_WITHIN_HOURS: Final = 24
OPEN_MINUTES: Final = 15
CLOCK_MINUTES: Final = 5
"""How far an officer's clock and the keyvault's may be apart."""
_CASE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,39}")
_GROUND: Final = re.compile(r"[a-z][a-z0-9.-]{0,39}")
_DOMAIN: Final = "zorgstroom reidentification 1"

PublicKeyOf = Callable[[str, str], bytes | None]
"""Public key of an officer by principal and key id; None where it does not count."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `person` or `handle` is zeros, the other names whom it is about; `told_from`: day number, 0 at once."""

    id: bytes = field(repr=False)
    person: bytes = field(repr=False)
    handle: bytes = field(repr=False)
    reason: str
    ground: str
    case_number: str
    first: str
    one_time_key: bytes = field(repr=False)
    key_id: str
    asked_at_ms: int
    court_order: str = ""
    told_from: int = 0

    @classmethod
    def new(cls, **about: Any) -> Request:
        """One with a random id."""
        return cls(secrets.token_bytes(16), **about)

    def encoded(self) -> bytes:
        """The bytes that are signed."""
        return codec.encode("reidentification", {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def decode(cls, data: bytes) -> Request:
        """Read a request. Raises `Refused` (`unreadable`, `schema`)."""
        return cls(**codec.decode("reidentification", data))

    def check(self, today: int) -> None:
        """Raise `Refused` (`reid-request`) for a request that may not be, whoever signed it. `today`: day number."""
        if self.reason not in REASONS:
            raise _wrong(f"a reason is one of {', '.join(REASONS)}")
        if not _GROUND.fullmatch(self.ground) or not _CASE.fullmatch(self.case_number):
            raise _wrong("ground and case number are short codes: letters, digits, dots, hyphens, and no names")
        if (self.person == NOBODY) == (self.handle == NOBODY):
            raise _wrong("name a pseudonym or a mandate's handle, one of the two")
        if bool(self.court_order) != bool(self.told_from) or (
            self.court_order and not _CASE.fullmatch(self.court_order)
        ):
            raise _wrong("telling the person is delayed by a court order only: give its number and the day")
        if self.told_from and not today < self.told_from <= today + LONGEST_DELAY_DAYS:
            raise _wrong(f"telling the person is delayed to a later day, at most {LONGEST_DELAY_DAYS} days")


def _wrong(why: str) -> Refused:
    return Refused("reid-request", f"This can't be asked: {why}.")


@dataclass(frozen=True, slots=True)
class Signed:
    """A request and who signed it, with which public key."""

    request: Request
    signer: str
    public_key: bytes


def signed_request(request: Request, *, signer: str, key_id: str, key: SigningKey) -> bytes:
    """A request with the signature of one officer."""
    payload = request.encoded()
    return codec.encode(
        "signed_reidentification",
        {"request": payload, "signer": signer, "key_id": key_id, "signature": sign(key, _DOMAIN, payload)},
    )


def read_request(data: bytes) -> Request:
    """What a signed request says, nothing checked. Raises `Refused` (`unreadable`, `schema`)."""
    return Request.decode(codec.decode("signed_reidentification", data)["request"])


def proved(data: bytes, key_of: PublicKeyOf) -> Signed:
    """A request that an officer whose key counts signed. Raises `Refused` (`reid-officer`, `unreadable`, `schema`)."""
    d = codec.decode("signed_reidentification", data)
    public = key_of(d["signer"], d["key_id"])
    if public is None or not signature_holds(public, _DOMAIN, d["request"], d["signature"]):
        raise Refused(
            "reid-officer",
            "An officer whose key counts today signs a request; this signature is not one.",
            dutch="Een functionaris van wie de sleutel vandaag telt tekent een verzoek; deze handtekening is dat niet.",
        )
    return Signed(Request.decode(d["request"]), d["signer"], public)
