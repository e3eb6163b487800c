"""The vault's part in naming a person: it keeps the sealed number under the person's key, and gives it out once, when two officers signed.

The number is sealed to the officers' joint key: the vault never sees it, nor what the officers' tools make of it. Each step is logged before.
"""

from __future__ import annotations

import hmac
import threading
from dataclasses import dataclass, field, replace
from typing import Final

from keyvault.access_log import GIVEN, NAME_APPROVE, NAME_ASK, NAME_END, NAME_OPEN, NAME_PART, NOBODY, Access
from keyvault.mutual_tls import Caller
from keyvault.officers.board import Board
from keyvault.officers.ceremony import Committee
from keyvault.officers.ports import ASKED, DONE, OPEN
from keyvault.officers.sealed_identity import point_of
from keyvault.vault import Vault
from schemas import codec, reidentification
from schemas.errors import Refused
from schemas.reidentification import (
    APPROVED_WITHIN_HOURS,
    CLOCK_MINUTES,
    OPEN_MINUTES,
    Request,
    Signed,
    proved,
    read_request,
)
from schemas.sealing import open_under, seal_under
from schemas.secrets import DataKey
from schemas.values import day_number

_KEY: Final = "identities"
_MOST: Final = 1_000
_DAY_MS: Final = APPROVED_WITHIN_HOURS * 3_600_000


@dataclass(slots=True)
class _Opened:
    """What was unwrapped after the second signature; in memory only, until the fifteen minutes are over."""

    person: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    first: str
    second: str
    committee: Committee
    until_ms: int
    partial: bytes = field(default=b"", repr=False)


@dataclass(slots=True)
class Naming:
    """What intake and officers ask. All bodies are Avro single objects."""

    vault: Vault
    board: Board
    _open: dict[bytes, _Opened] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, _caller: Caller, body: bytes) -> bytes:
        """Keep sealed numbers under their persons' keys (intake). The first of a person stays; of who was erased none is kept."""
        items = codec.decode("vault_identities", body)["items"]
        if len(items) > _MOST:
            raise Refused("unreadable", f"Up to {_MOST} sealed numbers in one request.")
        keys = self._keys([i["person"] for i in items], make=True)
        rows = [
            (i["person"], point_of(i["sealed"])[0], seal_under(key, i["sealed"], i["person"]))
            for i, key in zip(items, keys, strict=True) if key is not None
        ]  # fmt: skip
        self.board.store.keep_identities(rows)
        return codec.encode("vault_identities", {"items": []})

    def _keys(self, persons: list[bytes], *, make: bool) -> list[DataKey | None]:
        """What a person's sealed number lies under: of the person's key, with which it is destroyed, and of a key of the vault."""
        today = self.vault.today()
        keys = self.vault.store.person_keys(persons, make=make, today=today)
        _, own = self.vault.store.box_key(_KEY, today)
        return [
            None if k is None else DataKey(hmac.digest(own.reveal(), b"identity 1|" + person + k, "sha256"))
            for person, k in zip(persons, keys, strict=True)
        ]

    # --- requests -------------------------------------------------------------------------------------------------

    def ask(self, caller: Caller, body: bytes) -> bytes:
        """Take a request of one officer, for another to approve within 24 hours.

        Raises `Refused`, logged too: `reid-officer`, `reid-request`, `clock`, `reid-again` for an id that was used, `reid-unknown` where
        nothing can be opened of this person.
        """
        access = Access(self.vault.now_ms(), NAME_ASK, NOBODY, caller.name, caller.source, None, GIVEN)
        try:
            signed = self._signed(caller, body)
            request = signed.request
            access = _about(access, request, self._person(request))
            self._check_asked(caller, access, request)
        except Refused as refused:
            self._refuse(access, refused)
            raise
        kept = self.board.store.request(request.id) is None
        self.vault.write(replace(access, result=GIVEN if kept else "reid-again"))
        if not kept or not self.board.store.ask(
            request.id, signed=body, at_ms=access.at_ms, told_from=request.told_from
        ):
            raise Refused("reid-again", "A request with this id was made before; make a new one.")
        return codec.encode("vault_mandate", {"handle": request.id})

    def _check_asked(self, caller: Caller, access: Access, request: Request) -> None:
        request.check(day_number(self.vault.today()))
        if request.first != caller.name:
            raise _wrong_officer()
        if abs(request.asked_at_ms - access.at_ms) > CLOCK_MINUTES * 60_000:
            raise Refused(
                "clock", f"Your clock and the keyvault's are more than {CLOCK_MINUTES} minutes apart; set yours."
            )
        self._check_kept(access.about, request.key_id)

    def waiting(self, caller: Caller, _body: bytes) -> bytes:
        """Requests another officer may approve: not older than 24 hours (officers of a committee in force)."""
        since = self.vault.now_ms() - _DAY_MS
        found = [
            r for r in self.board.store.requests(since_ms=since) if self._serves(caller.name, read_request(r).key_id)
        ]
        return codec.encode("vault_reidentifications", {"requests": found})

    def approve(self, caller: Caller, body: bytes) -> bytes:
        """The second officer's signature: the number is unwrapped once, and R given out for fifteen minutes.

        Raises `Refused`, logged too: `reid-officer` (the same officer twice, one who left, one key under two names), `reid-again`, `reid-expired`,
        `reid-unknown`.
        """
        access = Access(self.vault.now_ms(), NAME_APPROVE, NOBODY, caller.name, caller.source, None, GIVEN)
        try:
            second = self._signed(caller, body)
            request = second.request
            access = _about(access, request, self._person(request))
            self._check_approved(second, access)
        except Refused as refused:
            self._refuse(access, refused)
            raise
        self.vault.write(access)
        if not self.board.store.move(request.id, old=ASKED, new=OPEN):
            raise Refused("reid-again", "This request was approved before.")
        opened = _Opened(
            access.about, self._unwrapped(access.about), request.first, caller.name, self._committee(request.key_id),
            access.at_ms + OPEN_MINUTES * 60_000,
        )  # fmt: skip
        with self._lock:
            self._open[request.id] = opened
        return self._given(opened, caller.name)

    def _check_approved(self, second: Signed, access: Access) -> None:
        request = second.request
        first, kept = self._first(request), self.board.store.request(request.id)
        if second.signer in (first.signer, request.first) or second.public_key == first.public_key:
            raise _wrong_officer()
        if kept is None or kept.state != ASKED:
            raise Refused("reid-again", "This request was approved before.")
        if access.at_ms - kept.asked_at_ms > _DAY_MS:
            raise Refused("reid-expired", f"A request is approved within {APPROVED_WITHIN_HOURS} hours; ask anew.")
        self._check_kept(access.about, request.key_id)

    def opened(self, caller: Caller, body: bytes) -> bytes:
        """R for both officers, and for the first the sealed number and the other's part, within fifteen minutes; logged.

        Raises `Refused`: `reid-officer`, `reid-expired`.
        """
        request, opened, access = self._at(caller, body, NAME_OPEN)
        del request
        self.vault.write(access)
        return self._given(opened, caller.name)

    def part(self, caller: Caller, body: bytes) -> bytes:
        """The second officer's part, sealed to the first one's tool; passed on unopened, once. Raises `Refused` as `opened`, `reid-again`."""
        fields = codec.decode("vault_partial", body)
        _, opened, access = self._at(caller, codec.encode("vault_mandate", {"handle": fields["request"]}), NAME_PART)
        if caller.name != opened.second or opened.partial:
            code = "reid-again" if opened.partial else "reid-officer"
            self.vault.write(replace(access, result=code))
            raise Refused(code, "The second officer gives a part, once.")
        self.vault.write(access)
        opened.partial = fields["sealed"]
        return codec.encode("vault_mandate", {"handle": fields["request"]})

    def ended(self, caller: Caller, body: bytes) -> bytes:
        """The first officer's tool says how it ended; from here on nothing is given out any more. Raises `Refused` as `opened`."""
        fields = codec.decode("vault_reidentified", body)
        request, opened, access = self._at(
            caller, codec.encode("vault_mandate", {"handle": fields["request"]}), NAME_END
        )
        if caller.name != opened.first:
            self.vault.write(replace(access, result="reid-officer"))
            raise _wrong_officer()
        self.vault.write(access if fields["opened"] else replace(access, result="part"))
        self.board.store.move(request, old=OPEN, new=DONE)
        with self._lock:
            self._open.pop(request, None)
        return body

    def _refuse(self, access: Access, refused: Refused) -> None:
        """Log a refused try; about nobody where nobody is known, or was erased: the log keeps no name of those."""
        nobody = refused.code == "reid-unknown"
        self.vault.write(replace(access, result=refused.code, about=NOBODY if nobody else access.about))

    # --- checks ---------------------------------------------------------------------------------------------------

    def _signed(self, caller: Caller, body: bytes) -> Signed:
        signed = proved(body, self.board.key_of)
        if signed.signer != caller.name or not self._serves(caller.name, signed.request.key_id):
            raise _wrong_officer()
        return signed

    def _serves(self, officer: str, key_id: str) -> bool:
        committee = self.board.in_force(key_id)
        return committee is not None and committee.member(officer) is not None and self.board.is_officer(officer)

    def _committee(self, key_id: str) -> Committee:
        found = self.board.in_force(key_id)
        assert found is not None  # `_serves` said so
        return found

    def _first(self, request: Request) -> Signed:
        """What the first officer signed, if it is the very same. Raises `Refused` (`reid-request`)."""
        kept = self.board.store.request(request.id)
        if kept is None or read_request(kept.signed) != request:
            raise Refused("reid-request", "No such request was made; approve what `officer requests` shows.")
        return proved(kept.signed, self.board.key_of)

    def _person(self, request: Request) -> bytes:
        if request.person != reidentification.NOBODY:
            return request.person
        mandate = self.vault.store.mandate(request.handle)
        return NOBODY if mandate is None else mandate.person

    def _check_kept(self, person: bytes, key_id: str) -> None:
        kept = self.board.store.identity(person)
        if kept is None or self._keys([person], make=False) == [None]:
            raise Refused(
                "reid-unknown",
                "Nothing can be opened here: nobody is known by this, or was erased, or came before there were officers.",
            )
        if kept[0] != key_id:
            raise Refused(
                "reid-unknown", f"This person's number is sealed to the joint key {kept[0]}; ask with that one."
            )

    def _unwrapped(self, person: bytes) -> bytes:
        kept, (key,) = self.board.store.identity(person), self._keys([person], make=False)
        if kept is None or key is None:
            raise Refused("reid-unknown", "The person was erased.")
        return open_under(key, kept[1], person)

    def _at(self, caller: Caller, body: bytes, action: str) -> tuple[bytes, _Opened, Access]:
        """An open request and the line to log; what is over, or whose person was erased, is forgotten. Raises `Refused`, logged."""
        request, now = codec.decode("vault_mandate", body)["handle"], self.vault.now_ms()
        access = Access(now, action, request, caller.name, caller.source, None, GIVEN)
        with self._lock:
            for known in [
                k for k, o in self._open.items() if now > o.until_ms or self.board.store.identity(o.person) is None
            ]:
                del self._open[known]
            opened = self._open.get(request)
        if opened is None:
            self.vault.write(replace(access, result="reid-expired"))
            raise Refused(
                "reid-expired",
                f"This request is not open (any more): {OPEN_MINUTES} minutes after its approval it is over; ask anew.",
            )
        kept = self.board.store.request(request)
        access = _about(access, read_request(kept.signed), opened.person) if kept else access
        if caller.name not in (opened.first, opened.second) or not self.board.is_officer(caller.name):
            self.vault.write(replace(access, result="reid-officer"))
            raise _wrong_officer()
        return request, opened, access

    def _given(self, opened: _Opened, officer: str) -> bytes:
        first = officer == opened.first
        return codec.encode(
            "vault_opened_identity",
            {
                "point": point_of(opened.sealed)[1], "sealed": opened.sealed if first else b"",
                "partials": [opened.partial] if first and opened.partial else [], "committee": opened.committee.encoded(), "person": opened.person,
            },
        )  # fmt: skip


def _about(access: Access, request: Request, person: bytes) -> Access:
    return replace(access, handle=request.id, about=person, reason=request.reason, ground=request.ground)


def _wrong_officer() -> Refused:
    return Refused(
        "reid-officer",
        "Two different officers of the committee in force, each with the own certificate and key: this is not one who may do this.",
        dutch="Twee verschillende functionarissen van de commissie die nu geldt, elk met eigen certificaat en sleutel: dit is er geen die dit mag.",
    )
