"""Erasing whose retention period has passed: the projector's notice, the decision two officials sign once, and its use on a notice.

A notice is signed by the projector and names nobody to the municipality that gets it: the person is sealed to intake. Its request id follows from
the person, so whoever knows the person (ledger, keyvault) sees that a notice is about him or her and no other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from schemas import codec
from schemas.directory import role_key_id
from schemas.erasure import (
    RETENTION,
    Decision,
    Proved,
    PublicKeyOf,
    proved,
    read_decision,
    signed_once_more,
    who_signed,
)
from schemas.errors import Refused
from schemas.sealing import sha256, sign, signature_holds, verify_key_of
from schemas.secrets import SigningKey

LONGEST_DAYS: Final = 366
"""How long a standing decision holds at most, its first and last day included."""
FRESH_DAYS: Final = 31
"""How old a notice may be when it is used; the projector says it again each week while it is true."""

_NOTICE: Final = "zorgstroom retention notice 1"
_STANDING: Final = "zorgstroom retention decision 1"
_PROJECTOR: Final = "projector"


def request_of(person: bytes) -> bytes:
    """The 16-byte id of the request that erases a person when the period has passed: it tells nothing of the person."""
    return sha256(b"zorgstroom retention request 1" + person)[:16]


@dataclass(frozen=True, slots=True)
class Notice:
    """What a municipality is told. Days are day numbers; `laws`: (money stream, year in which its last care ended); `person`: sealed."""

    request: bytes
    municipality: int
    laws: tuple[tuple[str, int], ...]
    since: int
    checked_on: int
    preview_days: int
    identity_key_id: str
    person: bytes = field(repr=False)

    def signed(self, key: SigningKey) -> bytes:
        """The notice with the projector's signature."""
        laws = [{"law": law, "last_year": year} for law, year in self.laws]
        fields = {n: getattr(self, n) for n in self.__slots__ if n != "laws"} | {"laws": laws}
        encoded = codec.encode("retention_notice", fields)
        key_id = role_key_id(_PROJECTOR, verify_key_of(key))
        return codec.encode(
            "signed_retention_notice", {"notice": encoded, "key_id": key_id, "signature": sign(key, _NOTICE, encoded)}
        )

    @classmethod
    def read(cls, data: bytes) -> Notice:
        """What a signed notice says, its signature not checked. Raises `Refused` (`unreadable`, `schema`)."""
        fields = codec.decode("retention_notice", codec.decode("signed_retention_notice", data)["notice"])
        return cls(**(fields | {"laws": tuple((e["law"], e["last_year"]) for e in fields["laws"])}))

    @classmethod
    def proved(cls, data: bytes, key_of: PublicKeyOf) -> Notice:
        """A notice that the projector signed. Raises `Refused` (`retention-notice`, `unreadable`, `schema`)."""
        signed = codec.decode("signed_retention_notice", data)
        public = key_of(_PROJECTOR, signed["key_id"])
        if public is None or not signature_holds(public, _NOTICE, signed["notice"], signed["signature"]):
            raise Refused("retention-notice", "The projector of this network did not sign this notice.")
        return cls.read(data)


@dataclass(frozen=True, slots=True)
class Standing:
    """A decision that counts for every notice of its municipality from one day up to another. `id`: random."""

    id: bytes
    municipality: int
    valid_from: int
    valid_until: int

    def encoded(self) -> bytes:
        """The bytes that are signed."""
        return codec.encode("retention_decision", {n: getattr(self, n) for n in self.__slots__})

    def with_signature(self, before: bytes | None, signer: str, key_id: str, key: SigningKey) -> bytes:
        """Signed once more. `before`: with the signatures it has so far."""
        return signed_once_more(before or self.encoded(), signer, key_id, key, _STANDING)

    def check(self) -> None:
        """Raise `Refused` (`retention-decision`) where it would hold longer than it may."""
        if not 0 <= self.valid_until - self.valid_from < LONGEST_DAYS:
            raise Refused(
                "retention-decision",
                f"A standing decision holds from one day up to a later one, at most {LONGEST_DAYS} days.",
            )

    @classmethod
    def read(cls, data: bytes) -> tuple[Standing, tuple[str, ...]]:
        """What a signed one says and who is said to have signed it, nothing checked. Raises `Refused` (`unreadable`, `schema`)."""
        signed = codec.decode("signed_erasure_decision", data)
        return cls(**codec.decode("retention_decision", signed["decision"])), tuple(
            s["signer"] for s in signed["signatures"]
        )


def use_of(standing: bytes, notice: bytes) -> bytes:
    """A signed standing decision used on a signed notice: what travels where a decision on one request does."""
    return codec.encode("retention_use", {"decision": standing, "notice": notice})


def read_use(data: bytes) -> tuple[Standing, Notice]:
    """What is used on what, nothing checked. Raises `Refused` (`unreadable`, `schema`)."""
    use = codec.decode("retention_use", data)
    return Standing.read(use["decision"])[0], Notice.read(use["notice"])


def decided(data: bytes, key_of: PublicKeyOf, *, on: int | None = None) -> Proved:
    """A decision that counts, on one request or by a standing decision. `on`: the day on which it was sent, where that is known.

    Raises `Refused`: as `schemas.erasure.proved`; `retention-notice` for a notice that is not the projector's, of another municipality, or looked
    at too short; `retention-decision` for a standing decision that is not in force.
    """
    if codec.name_of(data) != "retention_use":
        return proved(data, key_of)
    use = codec.decode("retention_use", data)
    notice = Notice.proved(use["notice"], key_of)
    standing, _ = Standing.read(use["decision"])
    standing.check()
    names = who_signed(
        codec.decode("signed_erasure_decision", use["decision"]), standing.municipality, _STANDING, key_of
    )
    if notice.municipality != standing.municipality or notice.checked_on - notice.since < notice.preview_days:
        raise Refused(
            "retention-notice", "The notice is another municipality's, or its preview has not stood long enough."
        )
    if notice.checked_on > standing.valid_until or (
        on is not None and not standing.valid_from <= on <= standing.valid_until
    ):
        raise Refused("retention-decision", "The standing decision is not in force on this day.")
    return Proved(_decision(standing, notice), names)


def what_it_says(data: bytes) -> Decision:
    """The decision of what `decided` takes, nothing checked. Raises `Refused` (`unreadable`, `schema`)."""
    return _decision(*read_use(data)) if codec.name_of(data) == "retention_use" else read_decision(data)[0]


def _decision(standing: Standing, notice: Notice) -> Decision:
    return Decision(
        notice.request, notice.municipality, granted=True, ground=RETENTION, refusal="", asked_on=notice.since,
        decided_on=standing.valid_from,
    )  # fmt: skip


def may_be_about(decision: Decision, person: bytes) -> bool:
    """Whether a decision that counts may erase this person: of one on a retention period that follows from the notice itself."""
    return decision.ground != RETENTION or decision.request == request_of(person)
