"""A municipality gives and withdraws mandates by the same road its residence file takes."""

from __future__ import annotations

import datetime as dt

from producers.profile import Profile
from producers.publisher import Publisher
from producers.residence_files import Mandate, pack_mandate, pack_mandate_withdrawal
from schemas.errors import Refused, Unavailable
from schemas.values import MandateHandle

_SECONDS = 60.0


def publish_mandate(
    profile: Profile, *, bsn: str, reader: str, purpose: str, ground: str, valid_from: dt.date, valid_until: dt.date
) -> Mandate:
    """Give a mandate and wait for its receipt. Raises `Refused` (`bsn`, or the receipt's code) or `Unavailable`."""
    mandate = Mandate.fresh(
        reader=reader, purpose=purpose, ground=ground, valid_from=valid_from, valid_until=valid_until
    )
    packed = pack_mandate(mandate, bsn, profile.handle_key())
    with Publisher(profile) as publisher:
        publisher.publish_packed(packed, file="mandate")
        _await(publisher)
    return mandate


def withdraw_mandate(profile: Profile, handle: MandateHandle) -> None:
    """Withdraw a mandate by the road and wait for its receipt."""
    with Publisher(profile) as publisher:
        publisher.publish_packed(pack_mandate_withdrawal(handle), file="mandate")
        _await(publisher)


def _await(publisher: Publisher) -> None:
    if not publisher.wait(seconds=_SECONDS):
        msg = "No receipt came within a minute; it is safe in the outbox and goes along with the next."
        raise Unavailable(msg)
    last = publisher.receipts()[-1]
    if last.refused:
        code = last.refused[0].code
        raise Refused(code, f"The mandate was refused: {code}.")
