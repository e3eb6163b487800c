"""Events of a municipality on its own topic: baselines, notes beside figures, marks in the trend. Signed by it, appended, never changed.

The municipality's own key signs what is typed at a terminal. Its page, which browsers reach, has a key of its own that the municipality's
key vouches for: that key counts on this topic alone, and only for what Kafka took in between two moments. Nobody else reads the topic, so
a reader is told the municipality's own keys (those of before too) and needs no root: what was signed stays proved when a root key is replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from schemas import codec
from schemas.directory import KeysAt
from schemas.errors import Refused
from schemas.sealing import sign, signature_holds, verify_key_of
from schemas.secrets import SigningKey

_EVENT: Final = "zorgstroom municipal event 1"
_PAGE: Final = "zorgstroom page key 1"


class Kind(StrEnum):
    """What happened; the name of its Avro record."""

    BASELINE_FROZEN = "baseline_frozen"
    NOTE_WRITTEN = "note_written"
    NOTE_WITHDRAWN = "note_withdrawn"
    NOTE_RELEASED = "note_released"
    INTERVENTION_MARKED = "intervention_marked"
    INTERVENTION_WITHDRAWN = "intervention_withdrawn"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its kind and the fields of its Avro record, `municipality`, `at_ms`, `actor` and `actor_name` among them."""

    kind: Kind
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Vouched:
    """What stands beside a page's signature: the municipality's word for the page's key; nothing beside its own."""

    page_key: bytes = b""
    page_key_signature: bytes = b""


def vouch_for_page(*, signing: SigningKey, public: bytes, municipality: int, from_ms: int, until_ms: int) -> Vouched:
    """The municipality's word that `public` is its page's key, for what Kafka takes in from `from_ms` until `until_ms`."""
    fields = {"municipality": municipality, "public_key": public, "from_ms": from_ms, "until_ms": until_ms}
    told = codec.encode("page_key", fields)
    return Vouched(told, sign(signing, _PAGE, told))


def signed_event(event: Event, *, signing: SigningKey, vouched: Vouched) -> bytes:
    """A `SignedMunicipalEvent`. `signing`: the page's key where `vouched` names one, else the municipality's own.

    Raises `ValueError` or `TypeError` for fields that are not those of the kind.
    """
    payload = codec.encode(event.kind.value, event.fields)
    return codec.encode(
        "signed_municipal_event",
        {
            "page_key": vouched.page_key, "page_key_signature": vouched.page_key_signature,
            "payload": payload, "signature": sign(signing, _EVENT, payload),
        },
    )  # fmt: skip


def verified_event(own_keys: KeysAt, data: bytes, *, municipality: int, appended_ms: int) -> Event:
    """The event in a record of the topic of `municipality` that Kafka took in at `appended_ms`, proved to be of that municipality.

    `own_keys`: the municipality's signing keys that count at a moment. Raises `Refused` (`signature`, `part`, `unreadable`, `schema`):
    signed by nobody of it, of a page whose time has passed, about another municipality, of no kind known.
    """
    signed = codec.decode("signed_municipal_event", data)
    keys: Sequence[bytes] = own_keys(appended_ms)
    if signed["page_key"] or signed["page_key_signature"]:
        keys = [_page_public_key(signed, keys, municipality=municipality, appended_ms=appended_ms)]
    if not any(signature_holds(key, _EVENT, signed["payload"], signed["signature"]) for key in keys):
        raise Refused("signature", "An event on a municipality's topic is not signed by it.")
    name = codec.name_of(signed["payload"])
    if name not in set(Kind):
        raise Refused(
            "schema", "An event of a municipality is of a kind this version does not know; update the software."
        )
    fields = codec.decode(name, signed["payload"])
    if fields["municipality"] != municipality:
        raise Refused("part", "An event of another municipality lies on this topic.")
    return Event(Kind(name), fields)


def _page_public_key(signed: dict[str, Any], own: Sequence[bytes], *, municipality: int, appended_ms: int) -> bytes:
    if not any(signature_holds(key, _PAGE, signed["page_key"], signed["page_key_signature"]) for key in own):
        raise Refused("signature", "The key of a page is not vouched for by its municipality.")
    told = codec.decode("page_key", signed["page_key"])
    if told["municipality"] != municipality or not told["from_ms"] <= appended_ms < told["until_ms"]:
        raise Refused("signature", "The key of a page does not count at this moment; start the page again.")
    public: bytes = told["public_key"]
    return public


@dataclass(frozen=True, slots=True)
class Pen:
    """Who signs events of one municipality: a key and what vouches for it."""

    municipality: int
    signing: SigningKey
    vouched: Vouched = Vouched()

    def signed(self, kind: Kind, **fields: object) -> bytes:
        """The record of an event of this municipality."""
        event = Event(kind, {"municipality": self.municipality} | fields)
        return signed_event(event, signing=self.signing, vouched=self.vouched)

    @property
    def public_key(self) -> bytes:
        """What its signatures are checked with."""
        return verify_key_of(self.signing)


def pen_of(municipality: int, told: dict[str, str]) -> Pen:
    """A page's pen from its settings: `key` is a file of 32 bytes, the rest is in hexadecimal digits. Raises `OSError`, `ValueError`, `KeyError`."""
    vouched = Vouched(*(bytes.fromhex(told[name]) for name in ("page_key", "page_key_signature")))
    return Pen(municipality, SigningKey(Path(told["key"]).read_bytes()), vouched)


def told_keys(told: Sequence[dict[str, Any]]) -> KeysAt:
    """A municipality's own keys from a page's settings: `public` in hexadecimal digits, `revoked_at_ms` or None. Raises `KeyError`, `ValueError`."""
    keys = [(bytes.fromhex(k["public"]), k["revoked_at_ms"]) for k in told]
    return lambda appended_ms: [public for public, revoked in keys if revoked is None or appended_ms < revoked]
