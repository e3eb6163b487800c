"""Making the joint key without a dealer, and handing it on to another committee: what is said in which round, and what makes it hold.

Pedersen (1991): each dealer shares a random secret verifiably, and the joint secret is their sum, which nobody ever has. A promise (a hash) goes
before the commitments, so that nobody chooses after having seen the others'. Handing on: two of the committee before deal their weighed shares;
the joint key stays, and every share is a new one. Pure: no clock, no network; both the keyvault and each officer's tool check with this.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from keyvault import group
from keyvault.officers import sharing
from schemas import codec
from schemas.errors import Refused
from schemas.sealing import sha256, sign, signature_holds
from schemas.secrets import SigningKey

MAKE, RESHARE = "make", "reshare"
PROMISE, DEAL, CONFIRM, COMPLAIN, DESTROYED = "promise", "deal", "confirm", "complain", "destroyed"
_BODIES: Final = {
    PROMISE: "officer_promise", DEAL: "officer_deal", CONFIRM: "officer_confirm", COMPLAIN: "officer_complaint", DESTROYED: "officer_destroyed",
}  # fmt: skip
ROUNDS: Final = 3
_DOMAIN: Final = "zorgstroom officers 1"
_MOST: Final = 15

PublicKeyOf = Callable[[str, str], bytes | None]


@dataclass(frozen=True, slots=True)
class Member:
    """One officer of a committee. `left`: a later committee is in force, and the statement that this share is destroyed is there."""

    officer: str
    number: int
    share_public: bytes
    left: bool = False


@dataclass(frozen=True, slots=True)
class Committee:
    """Who holds a share of a joint key in one epoch. `made_on`: day number."""

    key_id: str
    epoch: int
    joint_key: bytes
    made_on: int
    members: tuple[Member, ...]

    def member(self, officer: str) -> Member | None:
        """The member with this principal, or None."""
        return next((m for m in self.members if m.officer == officer), None)

    def encoded(self) -> bytes:
        """An `OfficerCommittee`."""
        members = [{f: getattr(m, f) for f in Member.__slots__} for m in self.members]
        return codec.encode("officer_committee", {f: getattr(self, f) for f in self.__slots__} | {"members": members})

    @classmethod
    def decode(cls, data: bytes) -> Committee:
        """Read one. Raises `Refused` (`unreadable`, `schema`)."""
        d = codec.decode("officer_committee", data)
        return cls(**(d | {"members": tuple(Member(**m) for m in d["members"])}))


@dataclass(frozen=True, slots=True)
class Ceremony:
    """Who takes part in what. A place in `roster`, from 1 on, is the number of that officer's share."""

    id: bytes
    kind: str
    key_id: str
    epoch: int
    roster: tuple[str, ...]
    dealers: tuple[str, ...]
    began_at_ms: int

    def encoded(self) -> bytes:
        """An `OfficerCeremony`."""
        fields: dict[str, Any] = {f: getattr(self, f) for f in self.__slots__}
        return codec.encode("officer_ceremony", fields | {"roster": list(self.roster), "dealers": list(self.dealers)})

    @classmethod
    def decode(cls, data: bytes) -> Ceremony:
        """Read one. Raises `Refused` (`unreadable`, `schema`)."""
        d = codec.decode("officer_ceremony", data)
        return cls(**(d | {"roster": tuple(d["roster"]), "dealers": tuple(d["dealers"])}))

    def check(self, before: Committee | None) -> None:
        """Raise `Refused` (`officers`) for one that can't be. `before`: the committee in force of the same joint key."""
        if not sharing.THRESHOLD <= len(set(self.roster)) == len(self.roster) <= _MOST:
            raise Refused("officers", f"A committee has {sharing.THRESHOLD} to {_MOST} different officers.")
        if self.kind == MAKE:
            fits = before is None and self.dealers == self.roster and self.epoch == 1
        else:
            known = {m.officer for m in before.members} if before else set()
            fits = self.kind == RESHARE and before is not None and self.epoch == before.epoch + 1
            fits = (
                fits and len(set(self.dealers)) == len(self.dealers) == sharing.THRESHOLD and set(self.dealers) <= known
            )
        if not fits:
            raise Refused(
                "officers",
                f"A new joint key is dealt by its whole committee; one that is handed on by {sharing.THRESHOLD} of the committee in force.",
            )

    @property
    def everybody(self) -> tuple[str, ...]:
        """Who takes part."""
        return tuple(dict.fromkeys((*self.roster, *self.dealers)))

    def number(self, officer: str) -> int:
        """The number of an officer of the roster."""
        return self.roster.index(officer) + 1


@dataclass(frozen=True, slots=True)
class Message:
    """What one officer says in one round; `signed`: the bytes as that officer signed them."""

    ceremony: bytes
    round: str
    officer: str
    fields: dict[str, Any]
    signed: bytes = field(repr=False)


def signed_message(
    ceremony: bytes, round_: str, officer: str, fields: dict[str, Any], *, key_id: str, key: SigningKey
) -> bytes:
    """A `SignedOfficerMessage`."""
    body = codec.encode(_BODIES[round_], fields)
    message = codec.encode("officer_message", {"ceremony": ceremony, "round": round_, "officer": officer, "body": body})
    return codec.encode(
        "signed_officer_message", {"message": message, "key_id": key_id, "signature": sign(key, _DOMAIN, message)}
    )


def read_message(data: bytes, key_of: PublicKeyOf) -> Message:
    """A message that its officer signed with a key that counts. Raises `Refused` (`reid-officer`, `officers`, `unreadable`, `schema`)."""
    signed = codec.decode("signed_officer_message", data)
    d = codec.decode("officer_message", signed["message"])
    public = key_of(d["officer"], signed["key_id"])
    if public is None or not signature_holds(public, _DOMAIN, signed["message"], signed["signature"]):
        raise Refused(
            "reid-officer", "An officer whose key counts today signs what is said; this signature is not one."
        )
    if d["round"] not in _BODIES:
        raise Refused("officers", "No round has this name.")
    return Message(d["ceremony"], d["round"], d["officer"], codec.decode(_BODIES[d["round"]], d["body"]), data)


@dataclass(slots=True)
class Proceedings:
    """A ceremony and all that was said in it so far, each message checked when it is taken. `before`: the committee that hands on."""

    ceremony: Ceremony
    before: Committee | None = None
    said: dict[tuple[str, str], Message] = field(default_factory=dict)

    def awaited(self, round_: str) -> list[str]:
        """Who still has to say something in a round."""
        own = {PROMISE: self.ceremony.everybody, DEAL: self.ceremony.dealers, CONFIRM: self.ceremony.roster}[round_]
        return [o for o in own if (round_, o) not in self.said]

    @property
    def round(self) -> str | None:
        """The round that is on; None when all was said."""
        return next((r for r in (PROMISE, DEAL, CONFIRM) if self.awaited(r)), None)

    @property
    def complaint(self) -> Message | None:
        """A complaint, with which the ceremony ends."""
        return next((m for (r, _), m in self.said.items() if r == COMPLAIN), None)

    def take(self, message: Message) -> None:
        """The next message. Raises `Refused` (`officers`) where it does not fit what was said before, or does not hold."""
        now = self.round
        if message.ceremony != self.ceremony.id or self.complaint is not None or now is None:
            raise Refused("officers", "This ceremony is not open.")
        if message.round == COMPLAIN:
            if (
                now != CONFIRM
                or message.officer not in self.ceremony.roster
                or message.fields["against"] not in self.ceremony.dealers
            ):
                raise Refused("officers", "A complaint comes from the committee, about a dealer, after all have dealt.")
        elif message.round != now or message.officer not in self.awaited(now):
            raise Refused(
                "officers", f"It is the round `{now}`, and {', '.join(self.awaited(now))} still have to take part."
            )
        elif message.round == DEAL:
            self._check_deal(message)
        elif message.round == CONFIRM:
            expected = (self.transcript(), self.joint_key(), self.share_public(message.officer))
            if (message.fields["transcript"], message.fields["joint_key"], message.fields["share_public"]) != expected:
                raise Refused(
                    "officers", "What this officer confirms is not what was dealt: somebody was told something else."
                )
        self.said[message.round, message.officer] = message

    def _check_deal(self, message: Message) -> None:
        deal, dealer = message.fields, message.officer
        committed, proof = deal["commitments"], deal["proof"]
        group.check_elements(committed)
        promised = self.said[PROMISE, dealer].fields["digest"]
        constant = committed[0]
        if (
            len(committed) != sharing.THRESHOLD
            or not hmac.compare_digest(promised, digest_of(committed, proof))
            or not sharing.is_known(constant, proof, self.bound_to(dealer))
            or [s["officer"] for s in deal["shares"]] != list(self.ceremony.roster)
            or (self.before is not None and constant != self._weighed(dealer))
        ):
            raise Refused("officers", "What this officer deals is not what was promised, or does not hold.")

    def _weighed(self, dealer: str) -> bytes:
        """The public half of what a dealer of the committee before has to share: its share, weighed."""
        own, weight = self.own_weight(dealer)
        return group.multiply(weight, own.share_public)

    def own_weight(self, dealer: str) -> tuple[Member, bytes]:
        """A dealer's membership in the committee before, and the weight of that share among the dealers'. Raises `Refused` (`officers`)."""
        members = {d: self.before.member(d) for d in self.ceremony.dealers} if self.before else {}
        own = members.get(dealer)
        if own is None:
            raise Refused("officers", "Only the committee before hands its key on.")
        return own, sharing.weights([m.number for m in members.values() if m])[own.number]

    def bound_to(self, dealer: str) -> bytes:
        """What a dealer's proof is bound to."""
        return self.ceremony.encoded() + dealer.encode()

    def joint_key(self) -> bytes:
        """The joint key that was dealt."""
        return _sum([self.said[DEAL, d].fields["commitments"][0] for d in self.ceremony.dealers])

    def share_public(self, officer: str) -> bytes:
        """The public half of an officer's new share."""
        number = self.ceremony.number(officer)
        return _sum(
            [sharing.public_at(self.said[DEAL, d].fields["commitments"], number) for d in self.ceremony.dealers]
        )

    def transcript(self) -> bytes:
        """Hash of all that was said up to the dealing: equal for all, or somebody was told something else."""
        heard = [
            sha256(self.said[r, o].signed) for r in (PROMISE, DEAL) for o in sorted(o for q, o in self.said if q == r)
        ]
        return sha256(self.ceremony.encoded() + b"".join(heard))

    def committee(self, today: int) -> Committee:
        """The committee in force, when all was said. `today`: day number."""
        members = tuple(Member(o, self.ceremony.number(o), self.share_public(o)) for o in self.ceremony.roster)
        return Committee(self.ceremony.key_id, self.ceremony.epoch, self.joint_key(), today, members)


def digest_of(committed: list[bytes], proof: bytes) -> bytes:
    """What a dealer promises before dealing."""
    return sha256(b"".join(committed) + proof)


def _sum(elements: list[bytes]) -> bytes:
    total = elements[0]
    for element in elements[1:]:
        total = group.add(total, element)
    return total


def ended(committees: Mapping[str, Committee], statement: Message) -> Member:
    """The member of an earlier committee whose statement of a destroyed share holds. `committees`: by `key_id/epoch`. Raises `Refused`."""
    f = statement.fields
    known = committees.get(f"{f['key_id']}/{f['epoch']}")
    newer = committees.get(f"{f['key_id']}/{f['epoch'] + 1}")
    member = known.member(statement.officer) if known else None
    if member is None or newer is None or member.share_public != f["share_public"]:
        raise Refused(
            "officers", "A share is destroyed after another committee is in force, and its own holder says so."
        )
    return member
