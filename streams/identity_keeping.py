"""Intake seals each BSN to the officers' joint key when a person is first met, and gives it to the keyvault; no topic carries it.

A row says that a person's number was given away. Who was met before there were officers follows when a handle is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from keyvault.client import PublicKey
from keyvault.officers.sealed_identity import seal_identity
from schemas.secrets import Bsn
from streams.hop_store import Transaction

_AT_ONCE: Final = 1_000


class IdentityVault(Protocol):
    """The vault, as far as sealed numbers need it."""

    def keep_identities(self, sealed: Sequence[tuple[bytes, bytes]]) -> None:
        """(person, `SealedIdentity`): the first of a person stays. Raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class IdentityKeeping:
    """`joint_key`: the officers' key that the root signed last; None while there is none, and then nothing is kept."""

    vault: IdentityVault
    joint_key: Callable[[], PublicKey | None]

    def keep(self, tx: Transaction, persons: Mapping[bytes, Bsn]) -> None:
        """Seal and give away what was not yet. The rows are the window's: rolled back, the same is given again, and changes nothing."""
        joint = self.joint_key()
        if joint is None or not persons:
            return
        rows = tx.execute("SELECT person FROM identities_kept WHERE person = ANY(%b)", (list(persons),), binary=True)
        kept = {bytes(p) for (p,) in rows}  # type: ignore[arg-type, call-overload]
        absent = [p for p in persons if p not in kept]
        for start in range(0, len(absent), _AT_ONCE):
            part = absent[start : start + _AT_ONCE]
            self.vault.keep_identities(
                [
                    (
                        p,
                        seal_identity(
                            persons[p].reveal().encode("ascii"), person=p, key_id=joint.key_id, joint_key=joint.key
                        ),
                    )
                    for p in part
                ]
            )
        if absent:
            tx.execute(
                "INSERT INTO identities_kept SELECT p FROM unnest(%b::bytea[]) AS n(p) ON CONFLICT DO NOTHING",
                (absent,),
            )
