"""The vault's part in a ceremony: it passes on what officers say to each other, checks what can be checked, and knows the committee in force.

It learns no share: those travel sealed from officer to officer. What it passes on wrongly shows: all confirm a hash of all they heard.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from keyvault.access_log import GIVEN, NOBODY, OFFICERS_BEGIN, OFFICERS_END, OFFICERS_LEFT, Access
from keyvault.mutual_tls import Caller
from keyvault.officers.ceremony import (
    DESTROYED,
    RESHARE,
    Ceremony,
    Committee,
    Message,
    Proceedings,
    PublicKeyOf,
    ended,
    read_message,
)  # fmt: skip
from keyvault.officers.ports import OfficerStore
from keyvault.vault import Vault
from schemas import codec
from schemas.errors import Refused
from schemas.values import day_number

_CLOSED: Final = "officers"


@dataclass(frozen=True, slots=True)
class Board:
    """What officers and operators ask. All bodies are Avro single objects.

    `key_of`: public keys of officers that count; `any_key_of`: of those who left too; `is_officer`: whether a principal has such a key at all;
    `entries`: their keys as the root signed them, so that officers check each other's.
    """

    vault: Vault
    store: OfficerStore
    key_of: PublicKeyOf
    any_key_of: PublicKeyOf
    is_officer: Callable[[str], bool]
    entries: Callable[[], list[bytes]] = list

    def committees(self) -> dict[str, Committee]:
        """All there are and were, by `key_id/epoch`, in order."""
        found = [Committee.decode(c) for c in self.store.committees()]
        return {f"{c.key_id}/{c.epoch}": c for c in sorted(found, key=lambda c: (c.made_on, c.key_id, c.epoch))}

    def in_force(self, key_id: str) -> Committee | None:
        """The newest committee of a joint key."""
        return max((c for c in self.committees().values() if c.key_id == key_id), key=lambda c: c.epoch, default=None)

    def begin(self, caller: Caller, body: bytes) -> bytes:
        """Open a ceremony (operator); one that is open is given up. Logged. Raises `Refused` (`officers`, `unreadable`, `schema`)."""
        access = Access(self.vault.now_ms(), OFFICERS_BEGIN, NOBODY, caller.name, caller.source, None, GIVEN)
        try:
            asked = Ceremony.decode(body)
            self._check(asked)
        except Refused as refused:
            self.vault.write(replace(access, result=refused.code))
            raise
        self.vault.write(replace(access, handle=asked.id))
        if not self.store.begun(asked.id):
            self.store.begin(asked.id, asked.encoded())
        return codec.encode("vault_mandate", {"handle": asked.id})

    def _check(self, asked: Ceremony) -> None:
        asked.check(self.in_force(asked.key_id))
        if self.store.begun(asked.id) and self.store.running() != asked.encoded():
            raise Refused(_CLOSED, "This ceremony was begun before; begin another one.")
        strangers = [o for o in asked.everybody if not self.is_officer(o)]
        if strangers:
            raise Refused(
                _CLOSED, f"Admit them first: {', '.join(strangers)} are no officers whose key the root signed."
            )

    def say(self, caller: Caller, body: bytes) -> bytes:
        """One officer's message. The last one that all confirm puts the committee in force; a complaint ends the ceremony; both are logged.

        Raises `Refused`: `officers` where it does not fit or hold, `reid-officer` for a signature that does not count.
        """
        message = self._read(body)
        if message.officer != caller.name:
            raise Refused("reid-officer", "An officer speaks with the own certificate.")
        if message.round == DESTROYED:
            self._leave(caller, message)
            return body
        running = self._running()
        if running is None:
            raise Refused(_CLOSED, "No ceremony is open; the operator begins one.")
        running.take(message)
        if not self.store.say(running.ceremony.id, message.round, message.officer, body):
            raise Refused(_CLOSED, "This officer spoke in this round before.")
        self._close(caller, running)
        return body

    def _close(self, caller: Caller, running: Proceedings) -> None:
        """End a ceremony in which all was said, or somebody complained."""
        access = Access(self.vault.now_ms(), OFFICERS_END, running.ceremony.id, caller.name, caller.source, None, GIVEN)
        if running.complaint is not None:
            against = running.complaint.fields["against"]
            self.vault.write(replace(access, result=_CLOSED))
            self.store.end(
                running.ceremony.id, f"{running.complaint.officer} says that what {against} dealt does not hold"
            )
        elif running.round is None:
            made = running.committee(day_number(self.vault.today()))
            self.vault.write(access)
            self.store.end(running.ceremony.id, "", (made.key_id, made.epoch, made.encoded()))

    def _read(self, body: bytes) -> Message:
        """A message of an officer who counts; of one who left, only that a share is destroyed."""
        try:
            return read_message(body, self.key_of)
        except Refused:
            message = read_message(body, self.any_key_of)
            if message.round != DESTROYED:
                raise
            return message

    def _leave(self, caller: Caller, message: Message) -> None:
        key_id, epoch = message.fields["key_id"], message.fields["epoch"]
        committees = self.committees()
        gone = ended(committees, message)
        known = committees[f"{key_id}/{epoch}"]
        if gone.left:
            return
        access = Access(self.vault.now_ms(), OFFICERS_LEFT, NOBODY, caller.name, caller.source, None, GIVEN)
        self.vault.write(access)
        members = tuple(replace(m, left=m.left or m == gone) for m in known.members)
        self.store.put_committee(key_id, epoch, replace(known, members=members).encoded())

    def _running(self) -> Proceedings | None:
        described = self.store.running()
        if described is None:
            return None
        ceremony = Ceremony.decode(described)
        found = Proceedings(ceremony, self.in_force(ceremony.key_id) if ceremony.kind == RESHARE else None)
        for said in self.store.said(ceremony.id):
            found.take(read_message(said, self.key_of))
        return found

    def told(self, caller: Caller, _body: bytes) -> bytes:
        """All committees, and the ceremony that is open with what was said in it (officers, operator).

        A ceremony in which all was said just before the keyvault was killed ends here.
        """
        with contextlib.suppress(Refused):  # of an officer who was let go meanwhile: the operator begins another one
            if (open_now := self._running()) is not None:
                self._close(caller, open_now)
        running = self.store.running()
        messages = self.store.said(Ceremony.decode(running).id) if running else []
        return codec.encode(
            "vault_committees",
            {"committees": [c.encoded() for c in self.committees().values()], "ceremony": running or b"", "messages": messages,
             "given_up": "" if running else self.store.given_up(), "entries": self.entries()},
        )  # fmt: skip
