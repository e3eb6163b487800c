"""One envelope of a municipality with one thing in it, and its receipt: taken, or refused with a sentence."""

from __future__ import annotations

from typing import Final

from producers.packing import Packed
from producers.profile import Profile
from producers.publisher import Publisher
from schemas.codes import ACCEPTED, REASONS, sentence
from schemas.errors import Refused, Unavailable

_SECONDS: Final = 60.0


def post(profile: Profile, packed: Packed, *, what: tuple[str, str, str]) -> None:
    """Publish and wait for the receipt. `what`: how the outbox calls it, and how a refusal begins, in Dutch and in English.

    Raises `Refused` with the receipt's code; `Unavailable` where no receipt came yet: it is on its way.
    """
    with Publisher(profile) as publisher:
        publisher.publish_packed(packed, file=what[0])
        if not publisher.wait(seconds=_SECONDS):
            msg = "No receipt came within a minute; it is safe in the outbox and goes along with the next."
            raise Unavailable(msg)
        last = publisher.receipts()[-1]
    code = last.refused[0].code if last.refused else last.code
    if code != ACCEPTED:
        raise Refused(code, f"{what[2]}: {_told(code, 'en')}", dutch=f"{what[1]}: {_told(code, 'nl')}")


def _told(code: str, lang: str) -> str:
    return sentence(code, lang=lang) if code in REASONS else code
