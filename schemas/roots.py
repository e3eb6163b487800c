"""The network's root: three keys, kept apart, of which two sign whatever counts; how one of them is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from schemas import codec
from schemas.errors import Refused
from schemas.sealing import sign, signature_holds
from schemas.secrets import SigningKey

ROOTS, NEEDED = 3, 2
_ENTRY, _CHANGE = "zorgstroom directory 1", "zorgstroom root change 1"
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Roots:
    """The public root keys that are pinned: `version` 1 at first, one more with each change; `needed` of them sign."""

    version: int
    keys: tuple[bytes, ...]
    needed: int = NEEDED

    @classmethod
    def of(cls, fields: Any) -> Self:
        """From a file's `{"version": n, "keys": [hex, hex, hex]}`. Raises `ValueError`, `KeyError`, `TypeError`."""
        keys = tuple(bytes.fromhex(k) for k in fields["keys"])
        if len(set(keys)) != ROOTS or {len(k) for k in keys} != {_KEY_BYTES} or int(fields["version"]) < 1:
            raise ValueError
        return cls(int(fields["version"]), keys)

    def told(self) -> dict[str, Any]:
        """As `of` reads it."""
        return {"version": self.version, "keys": [k.hex() for k in self.keys]}

    def _hold(self, domain: str, payload: bytes, signatures: Sequence[bytes]) -> bool:
        """Whether enough different keys signed."""
        signed = {k for k in self.keys if any(signature_holds(k, domain, payload, s) for s in signatures)}
        return len(signed) >= self.needed

    def check_entry(self, payload: bytes, signatures: Sequence[bytes]) -> None:
        """Raise `Refused` (`signature`) unless the root signed an entry of the directory."""
        if not self._hold(_ENTRY, payload, signatures):
            raise Refused(
                "signature",
                "A directory entry is not signed by the network's root.",
                dutch="Een sleutel in dit bestand is niet getekend door het netwerk; vraag de gemeente om een nieuw bestand.",
            )

    def changed(self, payload: bytes, signatures: Sequence[bytes]) -> Roots:
        """The root keys after a change that these signed; a change of before is passed over. Raises `Refused`."""
        fields = codec.decode("root_change", payload)
        if fields["version"] <= self.version:
            return self
        if (
            fields["version"] != self.version + 1
            or not self._hold(_CHANGE, payload, signatures)
            or len(set(fields["keys"])) != ROOTS
        ):
            raise Refused("signature", "A change of the network's root is not signed by the root of before.")
        return Roots(fields["version"], tuple(fields["keys"]))


def sign_payload(keys: Sequence[SigningKey], payload: bytes) -> bytes:
    """An entry of the directory with the signatures of root keys."""
    return codec.encode("signed_entry", {"payload": payload, "signatures": [sign(k, _ENTRY, payload) for k in keys]})


def sign_change(keys: Sequence[SigningKey], roots: Roots) -> bytes:
    """The root keys from here on, signed by keys of the version before."""
    payload = codec.encode("root_change", {"version": roots.version, "keys": list(roots.keys)})
    return codec.encode("signed_entry", {"payload": payload, "signatures": [sign(k, _CHANGE, payload) for k in keys]})
