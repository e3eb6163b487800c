"""Erasing a person: what a request may rest on, why it may be refused, and the decision two officials of a municipality sign.

A decision names a request, never a person: whom the request is about, intake learned from the identity part that asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey

SIGNATURES: Final = 2
RETENTION: Final = "retention"
"""The ground of who is erased because a retention period has passed; nobody can ask on it (`schemas.retention`)."""

GROUNDS: Final[dict[str, tuple[str, str]]] = {
    "jeugdwet-7.3.9": (
        "verzoek om vernietiging van het dossier (Jeugdwet 7.3.9)",
        "request to destroy the file (Jeugdwet 7.3.9)",
    ),
    "wmo-5.3.5": (
        "verzoek om vernietiging van persoonsgegevens (Wmo 2015 5.3.5)",
        "request to destroy personal data (Wmo 2015 5.3.5)",
    ),
    "avg-17": ("recht op gegevenswissing (AVG 17)", "right to erasure (GDPR 17)"),
}
"""Code -> what a request rests on, in Dutch and English."""

TOLD_GROUNDS: Final = GROUNDS | {
    RETENTION: ("de bewaartermijn is verstreken", "the retention period has passed"),
}
"""Code -> what an erasure rested on."""

REFUSALS: Final[dict[str, tuple[str, str]]] = {
    "other-interest": (
        "bewaren is van aanmerkelijk belang voor een ander (Jeugdwet 7.3.9 lid 2)",
        "keeping it is of considerable interest to another person (Jeugdwet 7.3.9(2))",
    ),
    "legal-duty": (
        "een wettelijke plicht verzet zich tegen vernietiging (AVG 17 lid 3 onder b)",
        "a legal duty stands against erasure (GDPR 17(3)(b))",
    ),
    "public-archive": (
        "archivering in het algemeen belang (AVG 17 lid 3 onder d)",
        "archiving in the public interest (GDPR 17(3)(d))",
    ),
    "legal-claim": (
        "nodig voor een rechtsvordering (AVG 17 lid 3 onder e)",
        "needed for a legal claim (GDPR 17(3)(e))",
    ),
    "not-identified": (
        "de aanvrager kon zich niet legitimeren (AVG 12 lid 6)",
        "who asked could not be identified (GDPR 12(6))",
    ),
}
"""Code -> why a request is refused, in Dutch and English."""

_DOMAIN: Final = "zorgstroom erasure 1"

PublicKeyOf = Callable[[str, str], bytes | None]
"""Public key of a grantor by principal and key id; None where it does not count."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on one request. `asked_on`, `decided_on`: day numbers; `refusal`: a code, empty where it is granted."""

    request: bytes = field(repr=False)
    municipality: int
    granted: bool
    ground: str
    refusal: str
    asked_on: int
    decided_on: int

    def encoded(self) -> bytes:
        """The bytes that are signed."""
        return codec.encode("erasure_decision", {f.name: getattr(self, f.name) for f in fields(self)})

    @classmethod
    def decode(cls, data: bytes) -> Decision:
        """Read a decision. Raises `Refused` (`unreadable`, `schema`)."""
        return cls(**codec.decode("erasure_decision", data))

    def check(self) -> None:
        """Raise `Refused` (`erasure-ground`) where a code is not of the lists, or a day not in order."""
        reason = not self.refusal if self.granted else self.refusal in REFUSALS
        if self.ground not in GROUNDS or not reason or self.decided_on < self.asked_on:
            raise Refused(
                "erasure-ground",
                f"A request rests on one of {', '.join(GROUNDS)}; it is granted, or refused for one of {', '.join(REFUSALS)}; and it is "
                "decided after it was asked.",
            )


@dataclass(frozen=True, slots=True)
class Proved:
    """A decision that two different grantors of its municipality signed, and who they are."""

    decision: Decision
    deciders: tuple[str, ...]


def read_decision(data: bytes) -> tuple[Decision, tuple[str, ...]]:
    """What a signed decision says and who is said to have signed it, nothing checked. Raises `Refused` (`unreadable`, `schema`)."""
    d = codec.decode("signed_erasure_decision", data)
    return Decision.decode(d["decision"]), tuple(s["signer"] for s in d["signatures"])


def with_signature(data: bytes | Decision, signer: str, key_id: str, key: SigningKey) -> bytes:
    """A signed decision with one signature more (in the place of an earlier one of the same signer)."""
    return signed_once_more(data.encoded() if isinstance(data, Decision) else data, signer, key_id, key, _DOMAIN)


def signed_once_more(data: bytes, signer: str, key_id: str, key: SigningKey, domain: str) -> bytes:
    """As `with_signature`, of any decision: `data` is a signed one, or the bytes of one that nobody signed yet."""
    signed: dict[str, Any] = (
        codec.decode("signed_erasure_decision", data)
        if codec.name_of(data) == "signed_erasure_decision"
        else {"decision": data, "signatures": []}
    )
    others = [s for s in signed["signatures"] if s["signer"] != signer]
    own = {"signer": signer, "key_id": key_id, "signature": sign(key, domain, signed["decision"])}
    return codec.encode("signed_erasure_decision", signed | {"signatures": [*others, own]})


def proved(data: bytes, key_of: PublicKeyOf) -> Proved:
    """A decision that counts: two different grantors of its municipality signed it, with two different keys.

    Raises `Refused`: `erasure-signatures`, `erasure-ground`, `unreadable`, `schema`.
    """
    signed = codec.decode("signed_erasure_decision", data)
    decision = Decision.decode(signed["decision"])
    decision.check()
    return Proved(decision, who_signed(signed, decision.municipality, _DOMAIN, key_of))


def who_signed(signed: dict[str, Any], municipality: int, domain: str, key_of: PublicKeyOf) -> tuple[str, ...]:
    """The grantors of a municipality, two at least with two different keys, whose signatures hold. Raises `Refused` (`erasure-signatures`)."""
    own, holding = f"grantor-gm{municipality:04d}-", {}
    for s in signed["signatures"]:
        public = key_of(s["signer"], s["key_id"]) if s["signer"].startswith(own) else None
        if public is not None and signature_holds(public, domain, signed["decision"], s["signature"]):
            holding[public] = s["signer"]
    names = tuple(sorted(set(holding.values())))
    if len(names) < SIGNATURES:
        raise Refused(
            "erasure-signatures",
            f"A decision counts with the signatures of {SIGNATURES} different grantors of the municipality; it has {len(names)}.",
            dutch=f"Een besluit telt met de handtekeningen van {SIGNATURES} verschillende mandaatgevers van de gemeente; het heeft er {len(names)}.",
        )
    return names
