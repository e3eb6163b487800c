"""What a municipality asks of providers, on one screen: which months and streams, why, on what ground, by when. Signed by her."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas import codec
from schemas.care import Stream
from schemas.directory import verified_entry
from schemas.errors import Refused
from schemas.roots import Roots
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey
from schemas.values import Month, SenderId, day_number, day_of

TOPIC: Final = "requests.v1"
_DOMAIN: Final = "zorgstroom data request 1"


@dataclass(frozen=True, slots=True)
class DataRequest:
    """One request. `municipality`: gemeente number; `why`: in plain words; `ground`: e.g. `jeugdwet-7.4`; `by`: wanted before."""

    municipality: int
    first_month: Month
    last_month: Month
    streams: tuple[Stream, ...]
    providers: tuple[SenderId, ...]
    why: str
    ground: str
    by: dt.date

    def __post_init__(self) -> None:
        """Raises `ValueError` without repeating what is wrong in it."""
        if not self.streams or not self.providers or any(p.is_municipality for p in self.providers):
            msg = "a request names one or more streams and providers"
            raise ValueError(msg)
        if self.last_month.index < self.first_month.index:
            msg = "the last month of a request is not before its first"
            raise ValueError(msg)

    @property
    def id(self) -> str:
        """The same for the same request, so that asking twice is asking once: gm number and a hash."""
        content = codec.encode("data_request", self._fields(""))
        return f"gm{self.municipality:04d}-{hashlib.sha256(content).hexdigest()[:16]}"

    def asks(self, provider: SenderId) -> bool:
        """Whether it is asked of this provider."""
        return provider in self.providers

    def months(self, *, since: int, until: int) -> Iterator[tuple[int, int, str, int]]:
        """(provider, payer, stream, month index) of all that is asked from `since` to `until`."""
        for month in range(max(self.first_month.index, since), min(self.last_month.index, until) + 1):
            for provider in self.providers:
                for stream in self.streams:
                    yield provider.number, self.municipality, stream.value, month

    def encoded(self) -> bytes:
        """A `DataRequest`, single-object encoded."""
        return codec.encode("data_request", self._fields(self.id))

    def _fields(self, name: str) -> dict[str, object]:
        return {
            "request": name, "municipality": self.municipality, "first_month": self.first_month.index,
            "last_month": self.last_month.index, "streams": [s.value for s in self.streams],
            "providers": [p.text for p in self.providers], "why": self.why, "ground": self.ground, "by": day_number(self.by),
        }  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> DataRequest:
        """The request in a `DataRequest`. Raises `Refused` (`unreadable`, `schema`)."""
        d = codec.decode("data_request", data)
        try:
            return cls(
                d["municipality"], Month.from_index(d["first_month"]), Month.from_index(d["last_month"]),
                tuple(Stream(s) for s in d["streams"]), tuple(SenderId(p) for p in d["providers"]), d["why"], d["ground"],
                day_of(d["by"]),
            )  # fmt: skip
        except (ValueError, OverflowError) as wrong:
            raise Refused("unreadable", "A request names a month, stream or provider that can't be.") from wrong


def signed_request(request: DataRequest, *, entry: bytes, signing: SigningKey) -> bytes:
    """A `SignedRequest`. `entry`: the municipality's own entry, as the root signed it; `signing`: the key it names."""
    payload = request.encoded()
    return codec.encode(
        "signed_request", {"entry": entry, "payload": payload, "signature": sign(signing, _DOMAIN, payload)}
    )


def verified_request(roots: Roots, data: bytes) -> DataRequest:
    """The request, proved to be of the municipality it speaks for.

    Raises `Refused`: `signature` where it is not signed by a municipality the pinned root knows, or speaks for another one.
    """
    signed = codec.decode("signed_request", data)
    entry = verified_entry(roots, signed["entry"])
    request = DataRequest.decode(signed["payload"])
    if (
        entry.kind != "sender"
        or entry.name != f"gm{request.municipality:04d}"
        or not signature_holds(entry.public_key, _DOMAIN, signed["payload"], signed["signature"])
    ):
        raise Refused("signature", "A request is not signed by the municipality it speaks for.")
    return request


def runs(months: Sequence[Month]) -> list[tuple[Month, Month]]:
    """Months in order as runs without gaps: (first, last)."""
    found: list[tuple[Month, Month]] = []
    for month in sorted(months, key=lambda m: m.index):
        if found and month.index == found[-1][1].index + 1:
            found[-1] = (found[-1][0], month)
        else:
            found.append((month, month))
    return found
