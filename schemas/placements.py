"""What both sides of a placement must compute alike: the household of someone who is his or her own."""

from __future__ import annotations

import hashlib


def own_household(person: bytes) -> bytes:
    """The 16-byte household (and contributor) id of a person who counts as one: unplaced, secret, in an institution."""
    return hashlib.blake2b(b"own household" + person, digest_size=16).digest()
