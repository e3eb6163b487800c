"""Rows, envelopes and keys for tests of ledger and projector: every field has a dull default."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from three_roots import pinned, two_of

from producers.packing import identity_of
from schemas import codec
from schemas.directory import Directory, Entry, sign_entry
from schemas.envelope import Header, RecipientKeys, seal_envelope
from schemas.frames import ALWAYS, DELIVERY_ROW, LEDGER_ROW, NO_VALUE, PLACEMENT_ROW, UNKNOWN_BIRTH, Kind
from schemas.mandate_terms import MandateTerms
from schemas.sealing import box_public_key, seal_to, sha256, verify_key_of
from schemas.secrets import BoxKey, DataKey, SigningKey
from schemas.values import OutboxId, SenderId, day_number
from streams.hop import InputRecord

TODAY = day_number(dt.date(2026, 11, 23))
DAY = day_number(dt.date(2026, 10, 1))
PROVIDER = 12345678
PAYER = 9901
HOUSEHELP, GUIDANCE = 1, 2
HOUR, MINUTE = 4, 1


def sixteen(name: object) -> bytes:
    """Sixteen bytes that follow from a name: a person, a reference, a household."""
    return hashlib.blake2b(str(name).encode(), digest_size=16).digest()


def a_row(
    reference: object = "R1", *, kind: int = Kind.DELIVERED, subject: int = 0, cents: int = 12_500, previous: object = None,
    assignment: object = None, product: str = "01A05", care_type: int = HOUSEHELP, unit: int = HOUR, payer: int = PAYER,
    from_day: int = DAY, to_day: int | None = None, volume: int = 400, tariff: int = NO_VALUE, frequency: int = 0,
) -> np.ndarray:  # fmt: skip
    """One `delivery_row` as a frame of one."""
    row = np.zeros(1, DELIVERY_ROW)
    row["kind"], row["subject"], row["payer"], row["care_type"], row["unit"] = kind, subject, payer, care_type, unit
    row["frequency"], row["from_day"], row["to_day"] = frequency, from_day, from_day + 30 if to_day is None else to_day
    row["volume"], row["tariff_cents"], row["cents"] = volume, tariff, cents
    row["reference"] = np.void(sixteen(reference))
    row["previous"] = np.void(sixteen(previous) if previous is not None else bytes(16))
    row["assignment"] = np.void(sixteen(assignment) if assignment is not None else bytes(16))
    row["product"] = product.encode()
    return row


def a_withdrawal(of: object, reference: object = "C1", **fields: object) -> np.ndarray:
    """A credit row naming the debit `of`."""
    return a_row(reference, kind=Kind.WITHDRAWN, previous=of, **fields)


GRANTOR, GRANTOR_KEY = "grantor-gm9901-anne", SigningKey(b"\x0b" * 32)
GRANTOR_KEY_ID = "grantor-1"


def terms_of(handle: object = "H1", **fields: object) -> MandateTerms:
    """Terms of a mandate of a quarter from today, of a caseworker of gm9901."""
    usual: dict = {
        "municipality": PAYER, "revision": 1, "reader": "caseworker-gm9901-1", "purpose": "coordination", "ground": "wmo-2.3.2",
        "valid_from": TODAY, "valid_until": TODAY + 90, "grantor": GRANTOR, "key_id": GRANTOR_KEY_ID,
    }  # fmt: skip
    return MandateTerms(handle=sixteen(handle), **(usual | fields))


def a_mandate(handle: object = "H1", *, subject: int = 0, **fields: object) -> dict:
    """A mandate as a content part has it, signed by the grantor."""
    return {"subject": subject, "handle": sixteen(handle), **terms_of(handle, **fields).signed(GRANTOR_KEY)}


def a_mandate_change(handle: object = "H1", *, revision: int = 2, **fields: object) -> dict:
    """The next revision of a mandate as a content part has it, signed by the grantor."""
    return {"handle": sixteen(handle), **terms_of(handle, revision=revision, **fields).signed(GRANTOR_KEY)}


def rows(*frames: np.ndarray) -> np.ndarray:
    """Several frames as one."""
    return np.concatenate(frames) if frames else np.zeros(0, DELIVERY_ROW)


def a_ledger_row(
    *, kind: int = Kind.DELIVERED, cents: int = 12_500, from_day: int = DAY, payer: int = PAYER, care_type: int = HOUSEHELP,
    provider: int = PROVIDER, volume: int = 400, unit: int = HOUR, reference: object = "R1", frequency: int = 0,
    to_day: int | None = None,
) -> np.ndarray:  # fmt: skip
    """One `ledger_row` as a frame of one."""
    row = np.zeros(1, LEDGER_ROW)
    row["kind"], row["unit"], row["payer"], row["care_type"], row["provider"] = kind, unit, payer, care_type, provider
    row["from_day"], row["to_day"], row["volume"], row["tariff_cents"], row["cents"] = (
        from_day,
        from_day if to_day is None else to_day,
        volume,
        NO_VALUE,
        cents,
    )
    row["reference"], row["frequency"] = np.void(sixteen(reference)), frequency
    return row


def a_line(*stays: tuple[int, object, int], born: int = UNKNOWN_BIRTH) -> bytes:
    """Packed placements: (from day, household name or None for unplaced, area); `born`: month index."""
    line = np.zeros(len(stays), PLACEMENT_ROW)
    line["born"] = born
    for index, (from_day, household, area) in enumerate(stays):
        line[index]["from_day"] = from_day
        if household is not None:
            line[index]["household"] = line[index]["contributor"] = np.void(sixteen(household))
            line[index]["area"] = area
    return line.tobytes()


HOME = 99_01_01_01_01
ELSEWHERE = 99_01_02_03_04


@dataclass
class KeysInMemory:
    """Lends every person a key that follows from the id, but those in `gone`."""

    gone: set[bytes] = field(default_factory=set)
    asked: list[bytes] = field(default_factory=list)

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, DataKey]:
        self.asked += persons
        return {p: DataKey(hashlib.sha256(b"key" + p).digest()) for p in persons if p not in self.gone}


class Network:
    """A root, the roles' keys and senders; makes signed envelopes and what intake makes of them."""

    def __init__(self) -> None:
        self.root = SigningKey.generate()
        self.directory = Directory(pinned(self.root))
        grantor = Entry("grantor", GRANTOR, GRANTOR_KEY_ID, "signing", verify_key_of(GRANTOR_KEY), valid_from=0)
        self.directory.learn(sign_entry(two_of(self.root), grantor))
        self.identity, self.content = BoxKey.generate(), BoxKey.generate()
        self.signing: dict[str, SigningKey] = {}
        self.placement = BoxKey.generate()
        self.outbox = OutboxId(sixteen("outbox"))

    def admit(self, name: str, municipalities: Iterable[int] = (PAYER,)) -> SigningKey:
        secret = self.signing[name] = SigningKey.generate()
        self.admit_with(name, secret, municipalities)
        return secret

    def admit_with(self, name: str, secret: SigningKey, municipalities: Iterable[int] = (PAYER,)) -> None:
        entry = Entry(
            kind="sender", name=name, key_id=f"{name}-1", use="signing", public_key=verify_key_of(secret), valid_from=0,
            municipalities=tuple(municipalities),
        )  # fmt: skip
        self.directory.learn(sign_entry(two_of(self.root), entry))

    def header(self, sender: str, number: int, day: int = TODAY) -> Header:
        return Header(
            topic="delivered.v1", sender=SenderId(sender), outbox=self.outbox, number=number, identity_key_id="i1",
            content_key_id="c1", signing_key_id=f"{sender}-1", day=day,
        )  # fmt: skip

    def content_part(self, frame: np.ndarray | None = None, **fields: object) -> dict:
        empty = {
            "rows": b"" if frame is None else frame.tobytes(),
            "months": [],
            "mandates": [],
            "mandates_changed": [],
            "mandates_withdrawn": [],
        }
        return empty | fields

    def rekeyed(
        self, content: dict, persons: Sequence[bytes], *, sender: str = f"p{PROVIDER}", number: int = 1, day: int = TODAY,
        refusals: dict[int, str] | None = None, placements: Sequence[dict] = (), erasures: Sequence[dict] = (), appended_ms: int = TODAY * 86_400_000, signing: SigningKey | None = None,
    ) -> bytes:  # fmt: skip
        """The body of a rekeyed.v1 record."""
        data = seal_envelope(
            header=self.header(sender, number, day), identity=identity_of(), content=content,
            recipients=RecipientKeys("i1", box_public_key(self.identity), "c1", box_public_key(self.content)),
            signing=signing or self.signing[sender],
        )  # fmt: skip
        e = codec.decode("envelope", data)
        return codec.encode(
            "rekeyed_envelope",
            {
                "header": e["header"], "identity_hash": sha256(e["identity"]), "content": e["content"], "signature": e["signature"],
                "persons": b"".join(persons), "placements": list(placements), "appended_ms": appended_ms, "erasures": list(erasures),
                "refusals": [{"subject": i, "code": c} for i, c in (refusals or {}).items()],
            },
        )  # fmt: skip

    def placed(self, person: bytes, line: bytes, version: int = 1) -> dict:
        """A sealed placement as intake makes it."""
        sealed = seal_to(box_public_key(self.placement), line)
        return {"person": person, "version": version, "sealed": sealed}


def a_hop_record(
    body: bytes, *, role: str, number: int, partition: int = 0, offset: int | None = None, source: int = 0
) -> InputRecord:
    """A numbered record of another worker, at `offset` (number - 1 where not given)."""
    value = codec.encode(
        "hop_record",
        {"role": role, "source_partition": source, "source_offset": number - 1, "number": number, "body": body},
    )
    return InputRecord(partition, number - 1 if offset is None else offset, b"", value, 0)


ALWAYS_HOME = a_line((ALWAYS, "home", HOME))
