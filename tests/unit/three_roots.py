"""The network's three root keys of a test, made from one, so that a test may say "this root" and "another root"."""

from __future__ import annotations

import hashlib

from schemas.roots import Roots
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey


def all_of(root: SigningKey) -> list[SigningKey]:
    return [root, *(SigningKey(hashlib.sha256(root.reveal() + bytes([n])).digest()) for n in (2, 3))]


def two_of(root: SigningKey) -> list[SigningKey]:
    """Those who sign."""
    return all_of(root)[:2]


def pinned(root: SigningKey) -> Roots:
    return Roots(1, tuple(verify_key_of(k) for k in all_of(root)))
