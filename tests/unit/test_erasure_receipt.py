"""A receipt whose days are in no calendar is refused in a sentence, also where its signature holds."""

from __future__ import annotations

import pytest
from three_roots import pinned, two_of

from deploy.key_register import receipts_key_entry
from schemas import codec, erasure_receipt
from schemas.directory import sign_entry
from schemas.errors import Refused
from schemas.sealing import sign, verify_key_of
from schemas.secrets import SigningKey

ROOT, VAULT = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)
USUAL = {
    "request": b"r" * 16, "municipality": 9901, "ground": "avg-17", "asked_on": 20_000, "decided_on": 20_001, "deciders": ["a", "b"],
    "erased_at_ms": 1, "destroyed": list(erasure_receipt.DESTROYED), "mandates": 0, "last_copy_day": 20_100, "log_sequence": 1,
    "log_hash": bytes(32),
}  # fmt: skip


def signed(**changed: int) -> bytes:
    receipt = codec.encode("erasure_receipt", USUAL | changed)
    entry = sign_entry(two_of(ROOT), receipts_key_entry("receipts-1", verify_key_of(VAULT)))
    return codec.encode(
        "signed_erasure_receipt", {"receipt": receipt, "signature": sign(VAULT, erasure_receipt.DOMAIN, receipt), "key": entry}
    )  # fmt: skip


def test_a_usual_one_is_told() -> None:
    assert erasure_receipt.checked(signed(), pinned(ROOT)).told()


@pytest.mark.parametrize("number", [2**31 - 1, -(2**31)])
@pytest.mark.parametrize("field", ["asked_on", "decided_on", "last_copy_day"])
def test_a_day_in_no_calendar_is_refused(field: str, number: int) -> None:
    with pytest.raises(Refused, match="in no calendar"):
        erasure_receipt.checked(signed(**{field: number}), pinned(ROOT))


@pytest.mark.parametrize("moment", [2**63 - 1, -(2**63), 10**15])
def test_a_moment_in_no_calendar_is_refused(moment: int) -> None:
    with pytest.raises(Refused, match="in no calendar"):
        erasure_receipt.checked(signed(erased_at_ms=moment), pinned(ROOT))
