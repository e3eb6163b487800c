"""A municipality passes on that someone asks to be erased, decides on it with two signatures, and keeps what it needs for that.

Kept are the request's id, what it rests on and since when, and the decision with its signatures: never whom it is about.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from producers.municipal_mandates import Grantor
from producers.municipal_post import post
from producers.packing import Packed, Subjects, content_of, identity_of
from producers.profile import Profile
from schemas.erasure import GROUNDS, Decision, read_decision, with_signature
from schemas.errors import Refused, SettingsWrong
from schemas.secret_file import write_private
from schemas.secrets import Bsn, HandleKey
from schemas.values import day_number, day_of

ASKED: Final = ("erasure request", "Het verzoek is geweigerd", "The request was refused")
DECIDED: Final = ("erasure decision", "Het besluit is geweigerd", "The decision was refused")
_FOLDER: Final = "erasures"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the municipality keeps it. `id`: 32 hexadecimal digits; `asked_on`: ISO day; `state`: asked, granted, refused."""

    id: str
    ground: str
    asked_on: str
    state: str = "asked"

    def decided(self, *, municipality: int, refusal: str, on: dt.date) -> Decision:
        """A decision on it, not signed yet. `refusal`: why it is refused; empty where it is granted. Raises `Refused` (`erasure-ground`)."""
        asked = day_number(dt.date.fromisoformat(self.asked_on))
        decision = Decision(
            bytes.fromhex(self.id), municipality, not refusal, self.ground, refusal, asked, max(asked, day_number(on))
        )
        decision.check()
        return decision


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of one municipality, in the folder of its profile."""

    folder: Path

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Those of a municipality on this machine."""
        return cls(profile.folder / _FOLDER)

    def all(self) -> list[Request]:
        """Every request, the oldest first."""
        found = [self.read(p.stem) for p in self.folder.glob("*.json")]
        return sorted(found, key=lambda r: (r.asked_on, r.id))

    def read(self, request: str) -> Request:
        """One request by its id, or by the first digits of it. Raises `SettingsWrong`."""
        found = [p for p in self.folder.glob("*.json") if p.stem.startswith(request.lower())] if request else []
        if len(found) != 1:
            msg = (
                "No request of this municipality on this machine has this id."
                if not found
                else "More than one request begins so."
            )
            raise SettingsWrong(msg)
        try:
            return Request(**json.loads(found[0].read_text("utf-8")))
        except (OSError, ValueError, TypeError) as broken:
            msg = f"{found[0]} can't be read; restore it from a copy."
            raise SettingsWrong(msg) from broken

    def keep(self, request: Request) -> None:
        """Remember a request."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_private(self.folder / f"{request.id}.json", json.dumps(asdict(request), indent=2).encode())

    def forget(self, request: Request) -> None:
        """Forget a request that was refused at once."""
        (self.folder / f"{request.id}.json").unlink(missing_ok=True)

    def decision(self, request: Request) -> bytes | None:
        """The decision with the signatures it has so far, or None."""
        path = self.folder / f"{request.id}.decision"
        return path.read_bytes() if path.exists() else None

    def sign(self, request: Request, decision: Decision, grantor: Grantor) -> tuple[bytes, tuple[str, ...]]:
        """Add a grantor's signature; the signed decision, and who has signed it.

        Raises `Refused` (`erasure-ground`) where another grantor decided otherwise before: then that one signs again first.
        """
        before = self.decision(request)
        if before is not None:
            said, signers = read_decision(before)
            same = (said.granted, said.refusal) == (decision.granted, decision.refusal)
            if not same and set(signers) - {grantor.name}:
                what = "granted" if said.granted else f"refused ({said.refusal})"
                raise Refused(
                    "erasure-ground",
                    f"{' and '.join(signers)} decided otherwise on {day_of(said.decided_on)}: {what}. Two sign the same decision.",
                )
            decision = said if same else decision
        signed = with_signature(
            before if before is not None and read_decision(before)[0] == decision else decision, grantor.name, grantor.key_id, grantor.key()
        )  # fmt: skip
        write_private(self.folder / f"{request.id}.decision", signed)
        return signed, read_decision(signed)[1]


def ask(profile: Profile, bsn: str, *, ground: str, on: dt.date) -> Request:
    """Pass on that someone asks to be erased, and wait for the receipt.

    Raises `Refused` (`bsn`, `erasure-ground`, or the receipt's code: `erasure-unknown`, `erasure-asked`, `erasure-elsewhere`), `Unavailable`.
    """
    if ground not in GROUNDS:
        raise Refused("erasure-ground", f"A request rests on one of {', '.join(GROUNDS)}.")
    request = Request(secrets.token_hex(16), ground, str(on))
    packed = pack_asked(bytes.fromhex(request.id), bsn, profile.handle_key())
    requests = Requests.of(profile)
    requests.keep(request)
    try:
        post(profile, packed, what=ASKED)
    except Refused:
        requests.forget(request)
        raise
    return request


def pack_asked(request: bytes, bsn: str, secret: HandleKey) -> Packed:
    """The envelope that asks: who in the identity part, nothing in the content part. Raises `Refused` (`bsn`)."""
    subjects = Subjects(secret)
    asked = {"subject": subjects.index(Bsn(bsn)), "request": request}
    return Packed(identity_of(subjects=subjects.rows, erasures_asked=[asked]), content_of(), 1)


def decide(profile: Profile, request: Request, signed: bytes) -> Request:
    """Send a decision that two signed, and wait for the receipt. Raises as `ask`, with the codes of decisions."""
    post(profile, Packed(identity_of(erasures_decided=[signed]), content_of(), 1), what=DECIDED)
    state = "granted" if read_decision(signed)[0].granted else "refused"
    done = Request(request.id, request.ground, request.asked_on, state)
    Requests.of(profile).keep(done)
    return done
