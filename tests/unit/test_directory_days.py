"""From which day up to which a role's key is sealed to: one that has ended, or has not begun, is no key."""

from __future__ import annotations

import pytest
from three_roots import pinned, two_of

from schemas.directory import Directory, Entry, sign_entry
from schemas.errors import Refused
from schemas.secrets import SigningKey

ROOT = SigningKey(b"\x01" * 32)


def directory(*keys: tuple[str, int, int | None]) -> Directory:
    """Knows keys of intake: id, first day, last day."""
    known = Directory(pinned(ROOT))
    for key_id, first, last in keys:
        entry = Entry(
            "role_key", "intake", key_id, "identity", key_id.encode() * 16, valid_from=first, valid_until=last
        )
        known.learn(sign_entry(two_of(ROOT), entry))
    return known


@pytest.mark.parametrize("day", [9, 21, 1_000])
def test_a_key_whose_last_day_has_passed_is_sealed_to_by_nobody(day: int) -> None:
    known = directory(("k1", 10, 20))
    assert [known.role_key("intake", "identity", day=d).key_id for d in (10, 20)] == ["k1", "k1"]
    with pytest.raises(Refused, match="No valid identity key of intake") as told:
        known.role_key("intake", "identity", day=day)
    assert told.value.code == "unknown-key"


def test_of_two_the_one_that_has_not_ended_is_sealed_to() -> None:
    known = directory(("k1", 0, None), ("k2", 10, 20))
    assert [known.role_key("intake", "identity", day=d).key_id for d in (9, 10, 20, 21)] == ["k1", "k2", "k2", "k1"]
