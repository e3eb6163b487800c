"""What travels from a sender to the books, and how each reader takes it. For tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ledger_builders import (
    DAY,
    PAYER,
    PROVIDER,
    Network,
    a_line,
    a_row,
    rows,
)

from projections.release import signing as release_signing
from schemas import codec
from schemas.envelope import Envelope, RecipientKeys, open_content, seal_envelope
from schemas.envelope import open_identity as open_identity_part
from schemas.municipal_events import Event, Kind, signed_event, verified_event, vouch_for_page
from schemas.sealing import (
    box_public_key,
    open_events,
    open_sealed,
    open_under,
    seal_events,
    seal_to,
    seal_under,
    verify_key_of,
)
from schemas.secrets import SigningKey
from streams.epoch_marker import marker, marker_holds
from streams.hop import InputRecord
from streams.ledger_role import LedgerRole
from streams.metrics import WorkerMetrics
from tests.attacks.keyvault.signed_things import (
    BOX,
    DATA,
    KEY,
    PERSON,
    THINGS,
    Thing,
    held,
    pieces,
    thing,
)


def network() -> tuple[Network, bytes]:
    """A network with one provider, and an envelope of it."""
    made = Network()
    signing = made.admit(f"p{PROVIDER}")
    identity = {"subjects": [{"handle": b"h" * 16, "bsn": "999900018", "address": None, "as_of": None}]}
    rest: dict[str, Any] = {"residences": [], "links": [], "erasures_asked": [], "erasures_decided": []}
    keys = RecipientKeys("i1", box_public_key(made.identity), "c1", box_public_key(made.content))
    data = seal_envelope(
        header=made.header(f"p{PROVIDER}", 1), identity=identity | rest, content=made.content_part(rows(a_row())),
        recipients=keys, signing=signing,
    )  # fmt: skip
    return made, data


@thing("an envelope", "envelope", "envelope_header", "sealed_part", "identity_part", "content_part", "delivery_row")
def _(_: Path) -> Thing:
    here, made = network()

    def read(data: bytes) -> object:
        e = Envelope.decode(data)
        entry = here.directory.sender_key(e.header.sender.text, e.header.signing_key_id)
        held(entry is not None and e.signed_by(entry.public_key))
        return (
            open_identity_part(secret=here.identity, header=e.header_bytes, sealed=e.identity),
            open_content(secret=here.content, header=e.header_bytes, sealed=e.content),
        )

    return Thing(made, read)


def _part(of: str) -> Thing:
    """One part to the role that opens it, who is shown the header and no signature."""
    here, data = network()
    e = Envelope.decode(data)
    opened, secret = (open_identity_part, here.identity) if of == "identity" else (open_content, here.content)
    made, apart = pieces(e.header_bytes, getattr(e, of))
    return Thing(made, lambda data: opened(secret=secret, header=apart(data)[0], sealed=apart(data)[1]))


THINGS["an identity part without its signature"] = lambda _: _part("identity")
THINGS["a content part without its signature"] = lambda _: _part("content")


@thing("what intake leaves as the sender signed it", "rekeyed_envelope")
def _(_: Path) -> Thing:
    here, _data = network()
    body = codec.decode("rekeyed_envelope", here.rekeyed(here.content_part(rows(a_row())), [PERSON], number=1))
    nothing: Any = None
    ledger = LedgerRole(
        directory=here.directory, content_keys={"c1": here.content}, keys=nothing, metrics=WorkerMetrics("ledger")
    )
    signed_fields = ("header", "identity_hash", "content", "signature")
    made, apart = pieces(*(body[name] for name in signed_fields))

    def read(data: bytes) -> object:
        changed = body | dict(zip(signed_fields, apart(data), strict=True))
        hop = {
            "role": "intake", "source_partition": 0, "source_offset": 0, "number": 1,
            "body": codec.encode("rekeyed_envelope", changed),
        }  # fmt: skip
        found = ledger.identify(InputRecord(0, 0, b"", codec.encode("hop_record", hop), 0)).payload
        held(found.refusal is None)
        return found.fields

    return Thing(made, read)


@thing("a person's events", "person_events", "ledger_row", "mandate_change", "months_closed")
def _(_: Path) -> Thing:
    return Thing(
        seal_events(DATA, PERSON, "events", a_row().tobytes()), lambda data: open_events(DATA, PERSON, "events", data)
    )


@thing("what an erased person left", "erasure_settled", "year_settled", "settled_row")
def _(_: Path) -> Thing:
    return Thing(seal_under(DATA, b"rows" * 20, b"settled"), lambda data: open_under(DATA, data, b"settled"))


@thing("a placement", "placement_row")
def _(_: Path) -> Thing:
    return Thing(seal_to(box_public_key(BOX), a_line((DAY, "home", 1))), lambda data: open_sealed(BOX, data))


@thing("an epoch's marker", "epoch_closed")
def _(_: Path) -> Thing:
    def read(data: bytes) -> object:
        fields = codec.decode("epoch_closed", data)
        held(marker_holds([verify_key_of(KEY)], partition=3, fields=fields))
        return fields

    return Thing(marker(KEY, partition=3, epoch=2, month=24_300), read)


@thing("a municipality's event, signed by its page", "signed_municipal_event", "page_key", "note_withdrawn")
def _(_: Path) -> Thing:
    page = SigningKey(b"\x2a" * 32)
    vouched = vouch_for_page(signing=KEY, public=verify_key_of(page), municipality=PAYER, from_ms=0, until_ms=2_000)
    fields = {
        "municipality": PAYER,
        "at_ms": 1_000,
        "actor": "clara",
        "actor_name": "Clara Voorbeeld",
        "note": "n1",
    }
    made = signed_event(Event(Kind.NOTE_WITHDRAWN, fields), signing=page, vouched=vouched)
    return Thing(
        made, lambda data: verified_event(lambda _: [verify_key_of(KEY)], data, municipality=PAYER, appended_ms=1_000)
    )


@thing("a release", "signed_release", "released_epoch", "published_geography")
def _(_: Path) -> Thing:
    payload = codec.encode(
        "published_geography",
        {
            "municipality": PAYER,
            "name": "Testgemeente",
            "year": 2025,
            "population_year": None,
            "areas": [],
            "streets": [],
        },
    )
    return Thing(
        release_signing.signed(KEY, payload), lambda data: release_signing.verified_payload([verify_key_of(KEY)], data)
    )
