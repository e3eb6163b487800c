"""The envelope a sender publishes: header in the clear, an identity part for intake, a content part for the ledger, a signature.

Intake opens only the identity part, the ledger only the content part; both verify the same signature, so neither
can exchange what the other reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import open_part, seal_part, sha256, sign, signature_holds
from schemas.secrets import BoxKey, SigningKey
from schemas.values import Month, OutboxId, SenderId, day_number

FORMAT: Final = 1
MAX_ENVELOPE_BYTES: Final = 1024 * 1024
MAX_EVENTS: Final = 1000
_DOMAIN: Final = "zorgstroom envelope 1"
_LAST_DAY: Final = day_number(Month(2999, 12).first_day)


@dataclass(frozen=True, slots=True)
class RecipientKeys:
    """The two public keys an envelope is sealed to, each with its id, as signed by the network's root."""

    identity_key_id: str
    identity_public: bytes
    content_key_id: str
    content_public: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What everyone may read of an envelope."""

    topic: str
    sender: SenderId
    outbox: OutboxId
    number: int
    identity_key_id: str
    content_key_id: str
    signing_key_id: str
    day: int

    def encode(self) -> bytes:
        """The bytes that are signed and bound into both parts."""
        return codec.encode(
            "envelope_header",
            {
                "format": FORMAT, "topic": self.topic, "sender": self.sender.text, "outbox": self.outbox.raw,
                "number": self.number, "identity_schema": codec.schema_fingerprint("identity_part"),
                "content_schema": codec.schema_fingerprint("content_part"), "identity_key": self.identity_key_id,
                "content_key": self.content_key_id, "signing_key": self.signing_key_id, "day": self.day,
            },
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Header:
        """Read a header. Raises `Refused` (`unreadable`, `schema`)."""
        d = codec.decode("envelope_header", data)
        if d["format"] != FORMAT:
            raise Refused("schema", "Unknown envelope format; update the software.")
        try:
            return cls(
                topic=d["topic"], sender=SenderId(d["sender"]), outbox=OutboxId(d["outbox"]), number=_positive(d["number"]),
                identity_key_id=d["identity_key"], content_key_id=d["content_key"], signing_key_id=d["signing_key"],
                day=_calendar_day(d["day"]),
            )  # fmt: skip
        except ValueError as wrong:
            raise Refused("unreadable", "The header's sender, number or day is malformed.") from wrong


def _calendar_day(number: int) -> int:
    if not 0 <= number <= _LAST_DAY:
        msg = "a day lies between 1970 and 2999"
        raise ValueError(msg)
    return number


def _positive(number: int) -> int:
    if number < 1:
        msg = "numbers begin at 1"
        raise ValueError(msg)
    return number


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope as it lies on the topic: header bytes as signed, both sealed parts, signature."""

    header: Header
    header_bytes: bytes
    identity: bytes
    content: bytes
    signature: bytes

    @classmethod
    def decode(cls, data: bytes) -> Envelope:
        """Read an envelope without opening anything. Raises `Refused` (`unreadable`, `schema`)."""
        d = codec.decode("envelope", data)
        return cls(Header.decode(d["header"]), d["header"], d["identity"], d["content"], d["signature"])

    def signed_by(self, public_key: bytes) -> bool:
        """Whether the signature is that of `public_key` over header and both parts."""
        return signature_valid(
            public_key=public_key, header=self.header_bytes, identity_hash=sha256(self.identity),
            content_hash=sha256(self.content), signature=self.signature,
        )  # fmt: skip


def signature_valid(
    *, public_key: bytes, header: bytes, identity_hash: bytes, content_hash: bytes, signature: bytes
) -> bool:
    """Whether an envelope's signature holds; the ledger calls it with the identity part's hash alone."""
    return signature_holds(public_key, _DOMAIN, sha256(header) + identity_hash + content_hash, signature)


def seal_envelope(
    *, header: Header, identity: dict[str, Any], content: dict[str, Any], recipients: RecipientKeys, signing: SigningKey
) -> bytes:
    """Encode, seal and sign. `identity` and `content` are datums of `identity_part` and `content_part`.

    Raises `Refused` (`unreadable`) when the result is above 1 MiB: split it.
    """
    header_bytes = header.encode()
    sealed_identity = seal_part(
        public_key=recipients.identity_public, header=header_bytes, part="identity",
        message=codec.encode("identity_part", identity),
    )  # fmt: skip
    sealed_content = seal_part(
        public_key=recipients.content_public, header=header_bytes, part="content",
        message=codec.encode("content_part", content),
    )  # fmt: skip
    signature = sign(signing, _DOMAIN, sha256(header_bytes) + sha256(sealed_identity) + sha256(sealed_content))
    data = codec.encode(
        "envelope",
        {"header": header_bytes, "identity": sealed_identity, "content": sealed_content, "signature": signature},
    )
    if len(data) > MAX_ENVELOPE_BYTES:
        raise Refused(
            "unreadable",
            "The envelope is above 1 MiB; send fewer events in one envelope.",
            dutch="De zending is groter dan 1 MiB; verstuur minder regels per zending.",
        )
    return data


def open_identity(*, secret: BoxKey, header: bytes, sealed: bytes) -> dict[str, Any]:
    """Open the identity part (intake only). Raises `Refused`."""
    return codec.decode("identity_part", open_part(secret=secret, header=header, part="identity", sealed=sealed))


def open_content(*, secret: BoxKey, header: bytes, sealed: bytes) -> dict[str, Any]:
    """Open the content part (ledger only). Raises `Refused`."""
    return codec.decode("content_part", open_part(secret=secret, header=header, part="content", sealed=sealed))
