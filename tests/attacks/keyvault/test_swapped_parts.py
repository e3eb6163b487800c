"""CR-2: parts, headers, topics, senders, keys and numbers of valid envelopes exchanged in every way: none is taken.

The attacker is somebody on the road, or an admitted sender who signs what he made of others' parts with his own key.
"""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import Any

import pytest
from ledger_builders import Network, a_row, rows

from producers.packing import identity_of
from schemas import codec
from schemas.envelope import Envelope, Header, RecipientKeys, open_content, open_identity, seal_envelope
from schemas.errors import Refused
from schemas.sealing import box_public_key, partition_of, sha256, sign
from schemas.secrets import BoxKey
from schemas.topics import ROAD_PARTITIONS
from schemas.values import OutboxId, SenderId
from streams.hop import InputRecord, Numbered
from streams.intake_role import IntakeRole
from streams.ledger_role import LedgerRole
from streams.metrics import WorkerMetrics

TRIES = 10_000
SENDERS = ("p98000001", "p98000002", "gm9901")
_DOMAIN = "zorgstroom envelope 1"


@dataclass
class World:
    """Three senders with valid envelopes; intake and ledger as they check."""

    network: Network
    valid: list[bytes]
    intake: IntakeRole
    ledger: LedgerRole

    def taken(self, data: bytes) -> bool:
        """Whether intake takes it and opens its part, and the ledger opens the other."""
        try:
            sender = Envelope.decode(data).header.sender.text
        except Refused:
            sender = "nobody"
        record = InputRecord(partition_of(sender.encode(), ROAD_PARTITIONS), 0, b"", data, 0)
        found = self.intake.identify(record)
        if not isinstance(found, Numbered):
            return False
        envelope = found.payload.envelope
        try:
            open_identity(
                secret=self.key("identity", envelope.header), header=envelope.header_bytes, sealed=envelope.identity
            )
            open_content(
                secret=self.key("content", envelope.header), header=envelope.header_bytes, sealed=envelope.content
            )
        except Refused:
            return False
        return True

    def key(self, part: str, header: Header) -> BoxKey:
        keys = {"i1": self.network.identity, "c1": self.network.content}
        found = keys.get(header.identity_key_id if part == "identity" else header.content_key_id)
        if found is None:
            raise Refused("unknown-key", "unknown")
        return found


@pytest.fixture(scope="module")
def world() -> World:
    network, unused = Network(), None
    for name in SENDERS:
        network.admit(name)
    recipients = RecipientKeys("i1", box_public_key(network.identity), "c1", box_public_key(network.content))
    valid = []
    for name in SENDERS:
        for number in (1, 2):
            for outbox in (b"a" * 16, b"b" * 16):
                header = dataclasses.replace(network.header(name, number), outbox=OutboxId(outbox))
                identity = identity_of(
                    subjects=[{"handle": b"h" * 16, "bsn": "999900018", "address": None, "as_of": None}]
                )
                valid.append(
                    seal_envelope(
                        header=header, identity=identity, content=network.content_part(rows(a_row(f"R{number}"))), recipients=recipients,
                        signing=network.signing[name],
                    )
                )  # fmt: skip
    nothing: Any = unused
    metrics = WorkerMetrics("intake")
    intake = IntakeRole(
        directory=network.directory, identity_keys={}, pseudonyms=nothing, placing=nothing,
        metrics=metrics, learn_more=lambda: None,
    )  # fmt: skip
    ledger = LedgerRole(
        directory=network.directory, content_keys={"c1": network.content}, keys=nothing, metrics=WorkerMetrics("ledger")
    )
    return World(network, valid, intake, ledger)


def fields(data: bytes) -> dict[str, Any]:
    return codec.decode("envelope", data)


def other_header(header: bytes, chance: random.Random) -> bytes:
    """The header with one thing of it changed."""
    known = Header.decode(header)
    changes: list[dict[str, Any]] = [
        {"topic": "rekeyed.v1"}, {"sender": SenderId(chance.choice(SENDERS))}, {"number": known.number + 1}, {"number": 1},
        {"outbox": OutboxId(chance.choice((b"a", b"b", b"c")) * 16)}, {"identity_key_id": "c1"}, {"content_key_id": "i1"}, {"day": known.day + 1},
        {"signing_key_id": f"{chance.choice(SENDERS)}-1"}, {"identity_key_id": "i2"},
    ]  # fmt: skip
    return dataclasses.replace(known, **chance.choice(changes)).encode()


def mixed_part(one: bytes, two: bytes, chance: random.Random) -> bytes:
    """One sealed part with fields of another."""
    first, second = codec.decode("sealed_part", one), codec.decode("sealed_part", two)
    return codec.encode("sealed_part", {n: chance.choice((first[n], second[n])) for n in first})


def exchanged(world: World, chance: random.Random) -> bytes:
    """An envelope made of pieces of others, as it came or signed anew by one of the senders."""
    pool = [fields(d) for d in chance.sample(world.valid, 3)]
    made = {name: chance.choice(pool)[name] for name in ("header", "identity", "content", "signature")}
    if chance.random() < 0.3:
        made["header"] = other_header(made["header"], chance)
    if chance.random() < 0.2:
        made["identity"], made["content"] = made["content"], made["identity"]
    for part in ("identity", "content"):
        if chance.random() < 0.2:
            made[part] = mixed_part(made[part], chance.choice(pool)[chance.choice(("identity", "content"))], chance)
    if chance.random() < 0.6:
        signing = world.network.signing[chance.choice((*SENDERS, Header.decode(made["header"]).sender.text))]
        made["signature"] = sign(
            signing, _DOMAIN, sha256(made["header"]) + sha256(made["identity"]) + sha256(made["content"])
        )
    return codec.encode("envelope", made)


def same(data: bytes, valid: bytes) -> bool:
    """Whether two envelopes say the same, whoever signed them when."""
    one, two = fields(data), fields(valid)
    return all(one[n] == two[n] for n in ("header", "identity", "content"))


def test_of_ten_thousand_exchanges_none_is_taken(world: World) -> None:
    chance = random.Random(20)
    assert all(world.taken(d) for d in world.valid)
    tried = 0
    signed = 0
    while tried < TRIES:
        data = exchanged(world, chance)
        if any(same(data, v) for v in world.valid):
            continue
        tried += 1
        header = Header.decode(fields(data)["header"])
        entry = world.network.directory.sender_key(header.sender.text, header.signing_key_id)
        signed += entry is not None and Envelope.decode(data).signed_by(entry.public_key)
        assert not world.taken(data), f"try {tried}: {header}"
    assert signed > 500, "many of them bear a good signature, and fail all the same"


def rekeyed(data: bytes, number: int) -> bytes:
    """The record that intake would make of an envelope."""
    e = fields(data)
    body = codec.encode(
        "rekeyed_envelope",
        {
            "header": e["header"], "identity_hash": sha256(e["identity"]), "content": e["content"], "signature": e["signature"],
            "persons": b"p" * 16, "refusals": [], "placements": [], "erasures": [], "appended_ms": 0,
        },
    )  # fmt: skip
    return codec.encode(
        "hop_record", {"role": "intake", "source_partition": 0, "source_offset": number, "number": number, "body": body}
    )


def test_an_intake_that_exchanges_contents_is_seen_by_the_ledger(world: World) -> None:
    chance = random.Random(21)
    bodies = [codec.decode("rekeyed_envelope", codec.decode("hop_record", rekeyed(d, 1))["body"]) for d in world.valid]
    for number in range(1, TRIES // 10):
        pool = chance.sample(bodies, 3)
        made = {n: chance.choice(pool)[n] for n in pool[0]}
        honest = any(all(made[n] == b[n] for n in ("header", "identity_hash", "content")) for b in bodies)
        hop = {
            "role": "intake",
            "source_partition": 0,
            "source_offset": number,
            "number": number,
            "body": codec.encode("rekeyed_envelope", made),
        }
        found = world.ledger.identify(InputRecord(0, number, b"", codec.encode("hop_record", hop), 0))
        assert isinstance(found, Numbered)
        if not honest or not any(
            all(made[n] == b[n] for n in ("header", "identity_hash", "content", "signature")) for b in bodies
        ):
            assert found.payload.refusal == "signature"
