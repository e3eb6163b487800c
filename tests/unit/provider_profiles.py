"""An admitted provider without a zone: its profile, and the zone's secret keys in hand to open what it sent."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from three_roots import pinned, two_of

from deploy.certificates import Authority
from producers import joining
from producers.deliveries import Delivery
from producers.profile import Profile
from schemas.care import CARE_TYPES
from schemas.directory import Entry, sign_entry
from schemas.envelope import Envelope, open_content, open_identity
from schemas.frames import DELIVERY_ROW
from schemas.sealing import box_public_key
from schemas.secrets import BoxKey, Bsn, SigningKey, passes_eleven_test
from schemas.values import Cents, SenderId

AGB, GM = "98000001", 9901
MARCH = dt.date(2025, 3, 1)
BSNS = [b for n in range(999_900_006, 999_930_000) if passes_eleven_test(b := f"{n:09d}")]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A provider's profile and the secrets of the roles it seals for."""

    profile: Profile
    root: SigningKey
    identity: BoxKey
    content: BoxKey

    def opened(self, data: bytes) -> tuple[Envelope, list[str], list[int]]:
        """An envelope, whose BSNs and which cents are in it."""
        envelope = Envelope.decode(data)
        identity = open_identity(secret=self.identity, header=envelope.header_bytes, sealed=envelope.identity)
        content = open_content(secret=self.content, header=envelope.header_bytes, sealed=envelope.content)
        rows = np.frombuffer(content["rows"], DELIVERY_ROW)
        return envelope, [s["bsn"] for s in identity["subjects"]], rows["cents"].tolist()


def admitted(
    folder: Path,
    authority: Authority,
    *,
    bootstrap: str = "127.0.0.1:1",
    agb: str = AGB,
    uses: Iterable[str] = ("identity", "content"),
) -> Admitted:
    """Join, be admitted and accept. `uses`: which role keys the admission names."""
    root, keys = SigningKey.generate(), {"identity": BoxKey.generate(), "content": BoxKey.generate()}
    request = joining.read_request(joining.join(folder, sender=SenderId(f"p{agb}"), name="De Linde").read_bytes())
    entries = [
        Entry(
            "role_key",
            {"identity": "intake", "content": "ledger"}[use],
            f"{use}-1",
            use,
            box_public_key(keys[use]),
            valid_from=0,
        )
        for use in uses
    ]
    entries.append(
        Entry("sender", f"p{agb}", joining.signing_key_id(request.signing_public_key), "signing", request.signing_public_key,
              valid_from=0, municipalities=(GM,))
    )  # fmt: skip
    joining.accept(folder, admission(request, root, authority, entries, bootstrap=bootstrap))
    return Admitted(Profile.load(folder), root, keys["identity"], keys["content"])


def admission(
    request: joining.Request,
    root: SigningKey,
    authority: Authority,
    entries: Iterable[Entry],
    *,
    bootstrap: str = "127.0.0.1:1",
) -> bytes:
    """An admission file as the municipality returns it."""
    return joining.make_admission(
        sender=request.sender, certificate=authority.sign_request(request.csr, request.sender.text),
        authority=authority.ca_path.read_bytes(), bootstrap=bootstrap, vault_url="https://127.0.0.1:1",
        roots=pinned(root), directory=[sign_entry(two_of(root), e) for e in entries], municipalities=[GM],
        signing_public=request.signing_public_key,
    )  # fmt: skip


def deliveries(count: int, *, start: int = 0, name: str = "R") -> list[Delivery]:
    """Deliveries to different people; the cents tell which is which."""
    care = next(c for c in CARE_TYPES.values() if c.stream.value == "wmo")
    return [
        Delivery(bsn=Bsn(BSNS[n]), payer=GM, care_type=care, first_day=MARCH, last_day=MARCH, cents=Cents(n + 1), reference=f"{name}{n}")
        for n in range(start, start + count)
    ]  # fmt: skip


def receipt(envelope: Envelope | Any, **changes: Any) -> dict[str, Any]:
    """A final receipt for an envelope (or for anything with `header`)."""
    header = envelope.header
    return {
        "sender": header.sender.text, "outbox": header.outbox.raw, "number": header.number, "kind": "final", "code": "0200",
        "accepted": 1, "duplicates": 0, "refused": [], "log_sequence": 0, "log_hash": bytes(32),
    } | changes  # fmt: skip


def encodings(digits: str) -> Iterator[bytes]:
    """Every form in which a BSN may stand in a file: plain, UTF-16, hex, base64 at three offsets."""
    plain = digits.encode()
    yield plain
    yield digits.encode("utf-16-le")
    yield plain.hex().encode()
    for offset in range(3):
        encoded = base64.b64encode(b"\x00" * offset + plain)
        yield encoded[4 if offset else 0 : len(encoded) - 4]
