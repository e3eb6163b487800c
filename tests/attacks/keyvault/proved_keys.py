"""Evaluations and turns with their proofs, wrapped keys, backups. For tests."""

from __future__ import annotations

import io
from contextlib import nullcontext
from pathlib import Path

from deploy.database_backup import Header as BackupHeader
from deploy.database_backup import _opened, _Sealer
from keyvault import blinding, group, turning, voprf
from keyvault.wrapping import Wrapping
from schemas.secrets import WrappingKey
from tests.attacks.keyvault.signed_things import (
    DATA,
    Thing,
    pieces,
    thing,
)


@thing("an evaluation and its proof", "vault_evaluation")
def _(_: Path) -> Thing:
    secret = group.random_scalar()
    batch = blinding.blind([b"a"])
    evaluated, proof = voprf.evaluate(secret, batch.elements)
    made, apart = pieces(voprf.public_key(secret), batch.elements[0], evaluated[0], proof)

    def read(data: bytes) -> object:
        public, blinded, out, shown = apart(data)
        return voprf.verify(public, [blinded], [out], shown)

    return Thing(made, read)


@thing("a turn and its proof", "vault_turned")
def _(_: Path) -> Thing:
    old, new = group.random_scalar(), group.random_scalar()
    blinded, scalars = turning.blind([voprf.hash_to_group(b"a")])
    turned, proof = turning.turn(old, new, blinded)
    made, apart = pieces(voprf.public_key(old), voprf.public_key(new), blinded[0], turned[0], proof)

    def read(data: bytes) -> object:
        before, after, blind, out, shown = apart(data)
        return turning.unblind([blind], scalars, [out], shown, old=before, new=after)

    return Thing(made, read)


@thing("a key in the keyvault's database")
def _(_: Path) -> Thing:
    wrapping = Wrapping(WrappingKey(b"\x09" * 32))
    return Thing(wrapping.wrap(DATA.reveal(), b"person_keys/x"), lambda data: wrapping.unwrap(data, b"person_keys/x"))


@thing("a backup")
def _(_: Path) -> Thing:
    out, header = io.BytesIO(), BackupHeader("intake", "f", "2025-06-01T12:00:00Z", ("a",), {"voprf": "voprf-1"})
    sealer = _Sealer(out, DATA, header)  # type: ignore[arg-type]
    sealer.put(b"row" * 40)
    sealer.end_of_table()
    sealer.end()

    def read(data: bytes) -> object:
        with nullcontext(io.BytesIO(data)) as file:
            found = BackupHeader.of(file)
            return found, list(_opened(file, DATA, found))

    return Thing(out.getvalue(), read)
