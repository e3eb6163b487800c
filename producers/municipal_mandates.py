"""A municipality gives, changes and withdraws mandates by the same road its residence file takes.

Each is signed by a grantor: a person of the municipality with a key of his or her own, who is never the one who looks. What the grantor
keeps of a mandate are its signed terms, which name nobody.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from nacl.signing import SigningKey as SodiumKey

from producers.municipal_post import post
from producers.packing import Packed, Subjects, content_of, identity_of
from producers.profile import Profile
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.mandate_terms import MandateTerms
from schemas.sealing import sha256, verify_key_of
from schemas.secret_file import destroy_file, write_private
from schemas.secrets import Bsn, HandleKey, SigningKey
from schemas.values import MandateHandle, day_number

WHAT: Final = ("mandate", "Het mandaat is geweigerd", "The mandate was refused")
"""What is sent, as the outbox calls it, and how its refusal begins."""
_KEY, _NEXT, _GIVEN = "signing.key", "signing-next.key", "mandates"


@dataclass(frozen=True, slots=True)
class Grantor:
    """Who signs mandates (`grantor-gm9901-anne`), and the folder with the key and the terms of what was given."""

    name: str
    folder: Path

    @classmethod
    def join(cls, folder: Path, name: str) -> Self:
        """Make the grantor's key, if there is none yet."""
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / _KEY).exists():
            write_private(folder / _KEY, bytes(SodiumKey.generate()))
        return cls(name, folder)

    @property
    def joined(self) -> bool:
        """Whether its key lies here."""
        return (self.folder / _KEY).exists()

    @property
    def turning(self) -> bool:
        """Whether a further key was made that does not sign yet."""
        return (self.folder / _NEXT).exists()

    def further(self) -> bytes:
        """The public half of the key that comes after this one, made if there is none yet; it signs nothing before `turn`."""
        if not (self.folder / _NEXT).exists():
            write_private(self.folder / _NEXT, bytes(SodiumKey.generate()))
        return verify_key_of(SigningKey((self.folder / _NEXT).read_bytes()))

    def drop_further(self) -> None:
        """Destroy the further key: it will never sign."""
        destroy_file(self.folder / _NEXT)

    def turn(self) -> None:
        """Sign with the further key from now on; the one before is destroyed."""
        destroy_file(self.folder / _KEY)
        (self.folder / _NEXT).replace(self.folder / _KEY)

    def key(self) -> SigningKey:
        """The key it signs with. Raises `SettingsWrong` where it has none."""
        try:
            return SigningKey((self.folder / _KEY).read_bytes())
        except (OSError, ValueError) as absent:
            msg = f"{self.name} has no signing key here; make one with `zorgstroom municipality admit-grantor {self.name}`."
            raise SettingsWrong(msg) from absent

    @property
    def public_key(self) -> bytes:
        """What the network's root signs."""
        return verify_key_of(self.key())

    @property
    def key_id(self) -> str:
        """Id of the key."""
        return grantor_key_id(self.public_key)

    def keep(self, terms: MandateTerms) -> None:
        """Remember the terms of a mandate that was taken, for a later change."""
        folder = self.folder / _GIVEN
        folder.mkdir(exist_ok=True)
        fields = terms.as_fields() | {"handle": terms.handle.hex()}
        write_private(folder / f"{terms.handle.hex()}.json", json.dumps(fields, indent=2).encode())

    def forget(self, handle: MandateHandle) -> None:
        """Forget terms that were refused."""
        (self.folder / _GIVEN / f"{handle.hex}.json").unlink(missing_ok=True)

    def gave(self, handle: MandateHandle) -> bool:
        """Whether it gave this mandate, here."""
        return (self.folder / _GIVEN / f"{handle.hex}.json").exists()

    def terms(self, handle: MandateHandle) -> MandateTerms:
        """The last terms of a mandate it gave. Raises `SettingsWrong` for one it did not give."""
        try:
            fields = json.loads((self.folder / _GIVEN / f"{handle.hex}.json").read_text("utf-8"))
            return MandateTerms(**(fields | {"handle": handle.raw}))
        except (OSError, ValueError, TypeError) as absent:
            msg = f"{self.name} gave no mandate with this handle."
            raise SettingsWrong(msg) from absent


def grantor_key_id(public: bytes) -> str:
    """The id of a grantor's signing key."""
    return f"grantor-{sha256(public)[:4].hex()}"


def new_terms(
    grantor: Grantor, *, municipality: int, reader: str, purpose: str, ground: str, valid_from: dt.date, valid_until: dt.date
) -> MandateTerms:  # fmt: skip
    """The terms of a new mandate, under a new random handle."""
    return MandateTerms(
        handle=secrets.token_bytes(16), municipality=municipality, revision=1, reader=reader, purpose=purpose, ground=ground,
        valid_from=day_number(valid_from), valid_until=day_number(valid_until), grantor=grantor.name, key_id=grantor.key_id,
    )  # fmt: skip


def pack_mandate(terms: MandateTerms, grantor: Grantor, bsn: str, secret: HandleKey) -> Packed:
    """The envelope that gives a mandate: who in the identity part, everything else in the content part.

    Raises `Refused` (`bsn`) without repeating the number.
    """
    subjects = Subjects(secret)
    given = {"subject": subjects.index(Bsn(bsn)), "handle": terms.handle, **terms.signed(grantor.key())}
    return Packed(identity_of(subjects=subjects.rows), content_of(mandates=[given]), 1)


def pack_mandate_change(terms: MandateTerms, grantor: Grantor) -> Packed:
    """The envelope that puts the next revision of terms in the place of what stood. It names nobody."""
    changed = {"handle": terms.handle, **terms.signed(grantor.key())}
    return Packed(identity_of(), content_of(mandates_changed=[changed]), 1)


def pack_mandate_withdrawal(handle: MandateHandle) -> Packed:
    """The envelope that withdraws a mandate by the road."""
    return Packed(identity_of(), content_of(mandates_withdrawn=[handle.raw]), 1)


def publish_mandate(profile: Profile, grantor: Grantor, terms: MandateTerms, *, bsn: str) -> None:
    """Give a mandate and wait for its receipt. Raises `Refused` (`bsn`, or the receipt's code), and nothing was given.

    Raises `Unavailable` where no receipt came yet: it is on its way, and names the handle, whose terms are kept.
    """
    packed = pack_mandate(terms, grantor, bsn, profile.handle_key())
    grantor.keep(terms)
    try:
        post(profile, packed, what=WHAT)
    except Refused:
        grantor.forget(MandateHandle(terms.handle))
        raise
    except Unavailable as away:
        msg = f"{away} Its handle is {terms.handle.hex()}."
        raise Unavailable(msg) from away


def change_mandate(
    profile: Profile, grantor: Grantor, handle: MandateHandle, *,
    purpose: str | None = None, ground: str | None = None, valid_until: dt.date | None = None,
) -> MandateTerms:  # fmt: skip
    """Change what is named and wait for the receipt; returns the terms that stand then. Raises as `publish_mandate`."""
    before = grantor.terms(handle)
    terms = replace(
        before, revision=before.revision + 1, purpose=purpose or before.purpose, ground=ground or before.ground,
        valid_until=before.valid_until if valid_until is None else day_number(valid_until), grantor=grantor.name, key_id=grantor.key_id,
    )  # fmt: skip
    packed = pack_mandate_change(terms, grantor)
    grantor.keep(terms)
    try:
        post(profile, packed, what=WHAT)
    except Refused:
        grantor.keep(before)
        raise
    return terms


def withdraw_mandate(profile: Profile, handle: MandateHandle) -> None:
    """Withdraw a mandate by the road and wait for its receipt."""
    post(profile, pack_mandate_withdrawal(handle), what=WHAT)
