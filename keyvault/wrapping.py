"""What keeps keys in the vault's database shut: each lies wrapped under a key from outside, bound to its table and row.

The wrapping key comes from a file, a credential of the operating system, or a passphrase. The database knows a print of it, so that
another one is told apart at once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from nacl import pwhash

from schemas.errors import ContractBroken, Refused, SettingsWrong
from schemas.sealing import open_under, seal_under
from schemas.secret_file import read_secret
from schemas.secrets import DataKey, WrappingKey

CREDENTIAL: Final = "wrapping"
SALT_BYTES: Final = pwhash.argon2id.SALTBYTES
SHORTEST_PASSPHRASE: Final = 12


class Wrapping:
    """Wraps and unwraps; the key itself is never written anywhere."""

    def __init__(self, key: WrappingKey) -> None:
        """`key` comes from outside the database."""
        self._key = DataKey(key.reveal())
        self.print = wrapping_print(key)

    def wrap(self, secret: bytes, row: bytes) -> bytes:
        """A secret as it may lie in the row named `row`."""
        return seal_under(self._key, secret, row)

    def unwrap(self, wrapped: bytes, row: bytes) -> bytes:
        """The secret of a row. Raises `ContractBroken` where it was wrapped under another key, or for another row."""
        try:
            return open_under(self._key, wrapped, row)
        except Refused as wrong:
            msg = "A key in the vault's database does not open with this wrapping key."
            raise ContractBroken(msg) from wrong


def wrapping_print(key: WrappingKey) -> bytes:
    """What tells one wrapping key from another (8 bytes)."""
    return hashlib.sha256(b"zorgstroom wrapping print 1" + key.reveal()).digest()[:8]


@dataclass(frozen=True, slots=True)
class WrappingSource:
    """Where a wrapping key comes from: a file of 32 bytes, or a passphrase with a salt. A credential comes before a file."""

    file: Path | None = None
    salt: bytes | None = None

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        """From settings: `{"file": path}` or `{"salt": hex}`. Raises `KeyError`, `ValueError`."""
        if "salt" in fields:
            salt = bytes.fromhex(fields["salt"])
            if len(salt) != SALT_BYTES:
                raise ValueError
            return cls(salt=salt)
        return cls(file=Path(fields["file"]))

    def key(self, passphrase: Callable[[], bytes]) -> WrappingKey:
        """The key. Raises `SettingsWrong`, also when others may read the file."""
        if self.salt is not None:
            return from_passphrase(passphrase(), self.salt)
        given = os.environ.get("CREDENTIALS_DIRECTORY")
        credential = Path(given) / CREDENTIAL if given else None
        file = credential if credential is not None and credential.is_file() else self.file
        assert file is not None  # a source is one or the other
        return WrappingKey(read_secret(file, "wrapping key"))


def from_passphrase(passphrase: bytes, salt: bytes) -> WrappingKey:
    """Argon2id (moderate: 3 passes over 256 MiB, about a second). Raises `SettingsWrong` for a passphrase that is too short."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        msg = f"A passphrase has at least {SHORTEST_PASSPHRASE} characters."
        raise SettingsWrong(msg)
    return WrappingKey(
        pwhash.argon2id.kdf(
            32, passphrase, salt, opslimit=pwhash.argon2id.OPSLIMIT_MODERATE, memlimit=pwhash.argon2id.MEMLIMIT_MODERATE
        )
    )


def chosen(keys: Sequence[WrappingKey], known: bytes | None) -> WrappingKey:
    """Of the keys given, the one whose print the database knows; the first for a database that knows none. Raises `ContractBroken`."""
    for key in keys:
        if known is None or wrapping_print(key) == known:
            return key
    msg = "The keys in the vault's database do not open with this wrapping key, or this passphrase; give the right one."
    raise ContractBroken(msg)
