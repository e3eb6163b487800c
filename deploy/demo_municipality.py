"""What the invented municipalities themselves do in the demo: ask providers, give their caseworker a mandate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from producers.municipal_mandates import Grantor, new_terms, pack_mandate
from producers.profile import Profile
from producers.publisher import Publisher
from producers.requests import publish_requests
from schemas.care import Stream
from schemas.requests import DataRequest
from schemas.values import Month, SenderId

_COORDINATION: Final = ("coordination", "wmo-2.3.2")
_OWN: Final = ("own-file", "avg-15")


def family_of(gm: str) -> str:
    """The reader who stands for the example family of a municipality (`gm9901`)."""
    return f"family-{gm}-voorbeeld"


def ask_providers(described: dict[str, Any], months: list[Month], *, profile_of: Callable[[str], Profile]) -> None:
    """Each municipality of the described town asks its providers for what they deliver, per money stream."""
    for m in described["municipalities"]:
        number = int(m["code"][2:])
        requests = []
        for stream in Stream:
            providers = tuple(
                SenderId(f"p{p['agb']}")
                for p in described["providers"]
                if stream.value in p["streams"] and number in p["municipalities"]
            )
            if providers:
                requests.append(
                    DataRequest(
                        municipality=number, first_month=months[0], last_month=months[-1], streams=(stream,),
                        providers=providers, why="Zicht op wat er geleverd wordt, om samen te kunnen sturen.",
                        ground="jeugdwet-7.4", by=months[-1].plus(1).last_day,
                    )
                )  # fmt: skip
        publish_requests(profile_of(f"gm{number:04d}"), requests)


def give_mandate(publisher: Publisher, grantor: Grantor, *, reader: str, bsn: str) -> dict[str, str]:
    """Publish a mandate of a year from today for a caseworker, or a family's own file; returns handle, reader and last day."""
    purpose, ground = _OWN if reader.startswith("family-") else _COORDINATION
    today = dt.datetime.now(dt.UTC).date()
    last = today + dt.timedelta(days=365)
    terms = new_terms(
        grantor, municipality=publisher.profile.sender.number, reader=reader, purpose=purpose, ground=ground, valid_from=today,
        valid_until=last,
    )  # fmt: skip
    publisher.publish_packed(pack_mandate(terms, grantor, bsn, publisher.profile.handle_key()), file="mandate")
    grantor.keep(terms)
    return {"handle": terms.handle.hex(), "reader": reader, "until": str(last)}
