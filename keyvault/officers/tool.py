"""An officer's own tool: takes part in ceremonies, asks and approves, and with the other officer's part opens one sealed number.

It runs on the officer's machine and trusts the keyvault with nothing it can check itself: others' signatures against the network's root, what
is dealt against the commitments, the other's part against its proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from keyvault import dleq, group
from keyvault.officers import sharing
from keyvault.officers.ceremony import (
    COMPLAIN,
    CONFIRM,
    DEAL,
    DESTROYED,
    MAKE,
    PROMISE,
    Committee,
    Proceedings,
    digest_of,
    read_message,
    signed_message,
)  # fmt: skip
from keyvault.officers.client import OfficersClient, Told
from keyvault.officers.folder import Between, OfficerFolder
from keyvault.officers.sealed_identity import open_identity
from schemas import codec
from schemas.directory import Directory
from schemas.errors import Refused, SettingsWrong
from schemas.reidentification import Request, read_request, signed_request
from schemas.sealing import box_public_key, open_sealed, seal_to
from schemas.secrets import BoxKey, Bsn, ScalarKey

_PARTIAL: Final = b"zorgstroom officers 1 partial|"
_NOTHING: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class OfficerTool:
    """One officer with folder and connection. Methods raise `Refused` with the keyvault's reason or their own, `Unavailable`, `SettingsWrong`."""

    folder: OfficerFolder
    vault: OfficersClient

    # --- ceremonies -----------------------------------------------------------------------------------------------

    def step(self) -> list[str]:
        """Do what this officer owes now, once; what was done, in sentences. Safe to repeat."""
        told = self.vault.told()
        done = self._leave(told)
        self.folder.forget_ceremonies(but=told.ceremony.id if told.ceremony else None)
        if told.ceremony is None:
            return done
        proceedings = self._proceedings(told)
        now = proceedings.round
        if now is None or self.folder.name not in proceedings.awaited(now):
            return done
        match now:
            case "promise":
                self._promise(proceedings)
                done.append("Made a secret of one's own, and promised what will be dealt.")
            case "deal":
                self._deal(proceedings)
                done.append(f"Dealt a sealed part to {', '.join(proceedings.ceremony.roster)}.")
            case _:
                done.append(self._confirm(proceedings))
        return done

    def _proceedings(self, told: Told) -> Proceedings:
        """What was said so far, every signature and every commitment checked here."""
        assert told.ceremony is not None
        known = Directory(self.folder.roots)
        for entry in told.entries:
            known.take(entry)
        before = told.in_force(told.ceremony.key_id)
        told.ceremony.check(before)
        found = Proceedings(told.ceremony, None if told.ceremony.kind == MAKE else before)
        for said in told.messages:
            found.take(read_message(said, known.counting_officer))
        return found

    def _say(self, ceremony: bytes, round_: str, fields: dict[str, Any]) -> None:
        key = self.folder.signing_key()
        self.vault.say(signed_message(ceremony, round_, self.folder.name, fields, key_id=self.folder.key_id, key=key))

    def _promise(self, p: Proceedings) -> None:
        ceremony = p.ceremony.id
        if not self.folder.is_between(ceremony):
            deals = self.folder.name in p.ceremony.dealers
            coefficients = sharing.polynomial(self._constant(p)) if deals else []
            proof = sharing.prove_known(coefficients[0], p.bound_to(self.folder.name)) if deals else b""
            self.folder.keep_between(ceremony, Between(BoxKey.generate(), coefficients, proof))
        own = self.folder.between(ceremony)
        box, digest = own.box, digest_of(sharing.commitments(own.coefficients), own.proof) if own.proof else _NOTHING
        self._say(ceremony, PROMISE, {"box_key": box_public_key(box), "digest": digest})

    def _constant(self, p: Proceedings) -> ScalarKey:
        """A fresh secret; of a key that is handed on, the own share, weighed among the dealers."""
        if p.before is None:
            return group.random_scalar()
        _, weight = p.own_weight(self.folder.name)
        return ScalarKey(group.product(weight, self.folder.share(p.before).reveal()))

    def _deal(self, p: Proceedings) -> None:
        own = self.folder.between(p.ceremony.id)
        shares = [
            {
                "officer": officer,
                "sealed": seal_to(
                    p.said[PROMISE, officer].fields["box_key"],
                    sharing.value_at(own.coefficients, p.ceremony.number(officer)).reveal(),
                ),
            }
            for officer in p.ceremony.roster
        ]
        committed = sharing.commitments(own.coefficients)
        self._say(p.ceremony.id, DEAL, {"commitments": committed, "proof": own.proof, "shares": shares})

    def _confirm(self, p: Proceedings) -> str:
        own, ceremony = self.folder.name, p.ceremony
        box = self.folder.between(ceremony.id).box
        share = _NOTHING
        for dealer in ceremony.dealers:
            deal = p.said[DEAL, dealer].fields
            part = _part_for(box, own, deal["shares"])
            if part is None or not sharing.holds(part, deal["commitments"], ceremony.number(own)):
                self._say(ceremony.id, COMPLAIN, {"against": dealer})
                return f"What {dealer} dealt does not hold: complained, and the ceremony ended."
            share = group.total(share, part.reveal())
        public = group.times_base(share)
        self.folder.keep_share(ceremony.key_id, ceremony.epoch, ScalarKey(share))
        fields = {"transcript": p.transcript(), "joint_key": p.joint_key(), "share_public": public}
        self._say(ceremony.id, CONFIRM, fields)
        return f"Checked all that was dealt; the share of {ceremony.key_id}, epoch {ceremony.epoch}, is in {self.folder.path / 'shares'}."

    def _leave(self, told: Told) -> list[str]:
        """Destroy shares of committees that are not in force any more, and sign that they are."""
        done = []
        for old in told.committees:
            member, newest = old.member(self.folder.name), told.in_force(old.key_id)
            if member is None or member.left or newest is None or newest.epoch == old.epoch:
                continue
            self.folder.destroy_share(old)
            fields = {"key_id": old.key_id, "epoch": old.epoch, "share_public": member.share_public}
            self._say(bytes(16), DESTROYED, fields)
            done.append(f"Destroyed the share of {old.key_id}, epoch {old.epoch}, and signed that it is gone.")
        return done

    # --- requests -------------------------------------------------------------------------------------------------

    def ask(self, **about: Any) -> Request:
        """Ask who somebody is; `about` as `schemas.reidentification.Request`, without ids and keys."""
        committee = self.vault.told().in_force(about.pop("key_id", None))
        if committee is None:
            msg = "There is no joint key of officers yet; the operator begins a ceremony."
            raise SettingsWrong(msg)
        once = BoxKey.generate()
        request = Request.new(
            **about, first=self.folder.name, one_time_key=box_public_key(once), key_id=committee.key_id
        )
        self.folder.keep_once(request.id, once)
        try:
            self.vault.ask(self._signed(request))
        except Refused:
            self.folder.destroy_once(request.id)
            raise
        return request

    def _signed(self, request: Request) -> bytes:
        key = self.folder.signing_key()
        return signed_request(request, signer=self.folder.name, key_id=self.folder.key_id, key=key)

    def waiting(self) -> list[Request]:
        """Requests of others that wait for a second officer."""
        requests = [read_request(r) for r in self.vault.waiting()]
        return [r for r in requests if r.first != self.folder.name]

    def approve(self, request: Request) -> None:
        """Sign another officer's request and give one's own part, sealed to the first officer's tool."""
        given = self.vault.approve(self._signed(request))
        part = self._part(request.id, given["point"], Committee.decode(given["committee"]))
        self.vault.part(request.id, seal_to(request.one_time_key, part))

    def _part(self, request: bytes, point: bytes, committee: Committee) -> bytes:
        group.check_elements([point])
        share = self.folder.share(committee)
        statement = dleq.Statement(_PARTIAL + request, group.times_base(share.reveal()))
        element = group.multiply(share.reveal(), point)
        proof = dleq.prove(share, statement, [point], [element])
        return codec.encode(
            "officer_partial",
            {"request": request, "officer": self.folder.name, "element": element, "proof": proof},
        )

    def open(self, request: bytes) -> Bsn:
        """Put both parts together and open the number; the one-time key is destroyed, and the keyvault told.

        Raises `Refused` (`part`) where the other's part is missing, or does not hold.
        """
        once = self.folder.once(request)
        given = self.vault.opened(request)
        if not given["partials"]:
            raise Refused("part", "The second officer's part is not there yet; try again in a moment.")
        committee = Committee.decode(given["committee"])
        parts = [self._part(request, given["point"], committee), open_sealed(once, given["partials"][0])]
        elements = dict(_checked(part, request, given["point"], committee) for part in parts)
        if len(elements) < sharing.THRESHOLD:
            raise Refused("part", "Both parts are of one officer.")
        try:
            digits = open_identity(given["sealed"], sharing.combined(elements), person=given["person"])
        except Refused:
            self.vault.ended(request, opened=False)
            raise
        self.vault.ended(request, opened=True)
        self.folder.destroy_once(request)
        return Bsn(digits.decode("ascii", "replace"))


def _part_for(box: BoxKey, officer: str, shares: list[dict[str, Any]]) -> ScalarKey | None:
    """What was dealt to an officer; None where it does not open or is no scalar."""
    sealed = next((s["sealed"] for s in shares if s["officer"] == officer), b"")
    try:
        return ScalarKey(open_sealed(box, sealed))
    except (Refused, ValueError):
        return None


def _checked(part: bytes, request: bytes, point: bytes, committee: Committee) -> tuple[int, bytes]:
    """An officer's number and share times R. Raises `Refused` (`part`) unless the proof holds for this request and committee."""
    d = codec.decode("officer_partial", part)
    member = committee.member(d["officer"])
    if member is None or d["request"] != request:
        raise Refused("part", "The other part is of another request, or of no officer of the committee.")
    try:
        dleq.check(dleq.Statement(_PARTIAL + request, member.share_public), [point], [d["element"]], d["proof"])
    except Refused as failed:
        raise Refused(
            "part", f"The part of {d['officer']} does not hold: it was not made with the officer's share."
        ) from failed
    return member.number, d["element"]
