"""A municipality hears whose retention periods have passed, lets that be looked at, and has them erased under a decision two signed once.

What it holds are notices that name nobody: law, year, and a person sealed to intake. Kept on this machine are what was made of each, and the decision.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from producers.municipal_erasures import Request, Requests
from producers.municipal_mandates import Grantor
from producers.packing import Packed, content_of, identity_of
from producers.profile import Profile
from producers.publisher import Publisher
from producers.retention_heard import Told
from schemas import codec
from schemas.codes import ACCEPTED
from schemas.erasure import REFUSALS, RETENTION, SIGNATURES
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.retention import LONGEST_DAYS, Standing, use_of
from schemas.secret_file import write_private
from schemas.values import day_number, day_of

_FOLDER: Final = "retention"
_IN_ONE: Final = 100
_SECONDS: Final = 120.0
_TOLD: Final = "told"


@dataclass(frozen=True, slots=True)
class Retention:
    """What a municipality keeps of this on its machine: the folder beside its profile's keys."""

    profile: Profile
    folder: Path

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """That of a profile."""
        return cls(profile, profile.folder / _FOLDER)

    # --- what is held back ----------------------------------------------------------------------------------------

    def kept(self) -> dict[str, str]:
        """Request id -> why it is held back."""
        return self._read("kept")

    def keep(self, told: Told, request: str, why: str) -> str:
        """Hold one back; its id. Raises `SettingsWrong`, `Refused` (`erasure-ground`) for a reason that is not of the list."""
        if why not in REFUSALS:
            raise Refused("erasure-ground", f"A file is kept for one of {', '.join(REFUSALS)}.")
        found = [r for r in told.notices if request and r.startswith(request.lower())]
        if len(found) != 1:
            msg = "More than one notice begins so." if found else "No notice of this municipality has this id now."
            raise SettingsWrong(msg)
        self._write("kept", self.kept() | {found[0]: why})
        return found[0]

    def let_go(self, request: str) -> str:
        """Hold one back no longer; its id. Raises `SettingsWrong`."""
        kept = self.kept()
        found = [r for r in kept if request and r.startswith(request.lower())]
        if len(found) != 1:
            msg = "More than one that is held back begins so." if found else "Nothing is held back under this id."
            raise SettingsWrong(msg)
        del kept[found[0]]
        self._write("kept", kept)
        return found[0]

    # --- the decision ---------------------------------------------------------------------------------------------

    @property
    def _decision(self) -> Path:
        return self.folder / "standing.decision"

    @property
    def _waits(self) -> Path:
        return self.folder / "standing.waits"

    def in_force(self, on: dt.date) -> bytes | None:
        """The standing decision two signed, where it counts on a day."""
        found = _signed(self._decision)
        return found[0] if found and found[1].valid_from <= day_number(on) <= found[1].valid_until else None

    def waiting(self, on: dt.date) -> tuple[Standing, str] | None:
        """What one signed and waits for a second signature, and who did; the one in force goes on until then."""
        found = _signed(self._waits)
        return (found[1], found[2][0]) if found and found[1].valid_until >= day_number(on) else None

    def sign(self, grantor: Grantor, *, until: dt.date, on: dt.date) -> tuple[Standing, tuple[str, ...]]:
        """Sign the standing decision that waits for a second signature, or begin one; who has signed.

        Raises `Refused` (`retention-decision`) for one that would hold too long, or that waits with another end.
        """
        waits = self.waiting(on)
        if waits and waits[0].valid_until != day_number(until):
            raise Refused(
                "retention-decision",
                f"{waits[1]} signed one that holds until {day_of(waits[0].valid_until)}; two sign the same. Sign that, or end it first.",
            )
        standing = waits[0] if waits else _new(self.profile, on, until)
        standing.check()
        before = self._waits.read_bytes() if waits else None
        signed = standing.with_signature(before, grantor.name, grantor.key_id, grantor.key())
        names = Standing.read(signed)[1]
        write_private(self._decision if len(names) >= SIGNATURES else self._waits, signed)
        if len(names) >= SIGNATURES:
            self._waits.unlink()
        return standing, names

    def end(self) -> None:
        """End the standing decision, and one that waits: nothing more is erased under them.

        Raises `SettingsWrong` where there is none, `Refused`, `Unavailable`.
        """
        found = [s[1] for path in (self._decision, self._waits) if (s := _signed(path))]
        if not found:
            msg = "There is no standing decision on this machine."
            raise SettingsWrong(msg)
        refused = self._send({s.id.hex(): codec.encode("retention_ended", {"decision": s.id}) for s in found})
        if refused:
            raise Refused(next(iter(refused.values())), "The zone did not take it; nothing has changed.")
        self._decision.unlink(missing_ok=True)
        self._waits.unlink(missing_ok=True)

    # --- what goes ------------------------------------------------------------------------------------------------

    def announce(self, told: Told, on: dt.date) -> int:
        """Pass notices on to intake that it has not heard: from then on their preview stands; how many. Raises `Unavailable`."""
        before = self._read(_TOLD)
        fresh = {r: data for r, (data, _) in told.notices.items() if r not in before}
        refused = self._send(fresh)
        still = {r: day for r, day in before.items() if r in told.notices}
        self._write(_TOLD, still | {r: str(on) for r in fresh if r not in refused})
        return len(fresh) - len(refused)

    def ripe(self, told: Told) -> list[str]:
        """Requests whose preview stood long enough and that nobody holds back."""
        known, kept = self._read(_TOLD), self.kept()
        return [
            r for r, (_, notice) in told.notices.items()
            if r in known and r not in kept and notice.checked_on - day_number(dt.date.fromisoformat(known[r])) >= notice.preview_days
        ]  # fmt: skip

    def erase(self, told: Told, requests: Sequence[str], on: dt.date) -> dict[str, str]:
        """Send these under the standing decision and wait; request id -> code of those that were refused.

        Raises `Refused` (`retention-decision`) where none is in force, `Unavailable`.
        """
        standing = self.in_force(on)
        if standing is None:
            raise Refused(
                "retention-decision", "No standing decision of two grantors is in force; sign one with `zorgstroom municipality retention decide`."
            )  # fmt: skip
        done = Requests.of(self.profile)
        sent = {r: Request(r, RETENTION, str(day_of(told.notices[r][1].since)), "granted") for r in requests}
        for request in sent.values():
            done.keep(request)
        refused = self._send({r: use_of(standing, told.notices[r][0]) for r in requests})
        for r in refused:
            done.forget(sent[r])
        again = {
            r for r, code in refused.items() if code == "retention-waits"
        }  # intake forgot the preview: it begins anew
        self._write(_TOLD, {r: day for r, day in self._read(_TOLD).items() if r not in again})
        return refused

    def _send(self, said: Mapping[str, bytes]) -> dict[str, str]:
        """Put what is said on the road, some in each envelope, and wait for the receipts; id -> code of what was refused."""
        refused: dict[str, str] = {}
        names = list(said)
        if not names:
            return refused
        with Publisher(self.profile) as publisher:
            first = 0
            for start in range(0, len(names), _IN_ONE):
                part = names[start : start + _IN_ONE]
                decided = [said[n] for n in part]
                references = {bytes.fromhex(n): (n, 0) for n in part}
                packed = Packed(identity_of(erasures_decided=decided), content_of(), len(part), references)
                number = publisher.publish_packed(packed, file=_FOLDER)
                first = first or number
            if not publisher.wait(seconds=_SECONDS):
                msg = "No receipt came within two minutes; it is safe in the outbox and goes along with the next."
                raise Unavailable(msg)
            for receipt in (r for r in publisher.receipts() if r.file == _FOLDER and r.number >= first):
                if receipt.code != ACCEPTED:
                    raise Refused(receipt.code, "The zone refused what was said of retention periods.")
                refused |= {r.reference: r.code for r in receipt.refused}
        return refused

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / f"{name}.json"
        try:
            return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}
        except (OSError, ValueError, TypeError) as broken:
            msg = f"{path} can't be read; restore it from a copy."
            raise SettingsWrong(msg) from broken

    def _write(self, name: str, rows: Mapping[str, str]) -> None:
        write_private(self.folder / f"{name}.json", json.dumps(dict(sorted(rows.items())), indent=2).encode())


def _signed(path: Path) -> tuple[bytes, Standing, tuple[str, ...]] | None:
    """A signed standing decision as it is kept: its bytes, what it says, who signed; None where there is none."""
    if not path.exists():
        return None
    data = path.read_bytes()
    return data, *Standing.read(data)


def _new(profile: Profile, on: dt.date, until: dt.date) -> Standing:
    return Standing(secrets.token_bytes(16), profile.sender.number, day_number(on), day_number(until))


def last_day(on: dt.date) -> dt.date:
    """The latest day up to which a decision made on a day may hold."""
    return on + dt.timedelta(days=LONGEST_DAYS - 1)
