"""How a process asks the vault: over mutual TLS, Avro in and out, with errors that say whether to wait or to stop.

Trusts an answer only from the holder of the certificate named `keyvault`: every role has a certificate of the same authority.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from keyvault.caller_signature import sign_as_caller
from keyvault.connection import Connection
from keyvault.person_key_cache import PersonKeyCache
from schemas import codec
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.household_record import claims_of
from schemas.sealing import box_public_key, open_sealed
from schemas.secrets import BoxKey, DataKey

__all__ = ["PersonKeyCache", "PublicKey", "VaultClient"]

_CHUNK: Final = 1_000
_PERSONS_AT_ONCE: Final = 5_000
_LINES_AT_ONCE: Final = 2_000


class PublicKey(NamedTuple):
    """The public half of a key of the vault: its id, 32 bytes."""

    key_id: str
    key: bytes


class VaultClient(Connection):
    """One caller's connection, safe to use from several threads.

    Methods raise `Unavailable` (wait and ask again), `Refused` (a mandate's end, a broken request), `ContractBroken` (stop:
    this certificate may not ask this, another process answers, a proof fails).
    """

    def __init__(self, url: str, *, cert: Path, key: Path, ca: Path) -> None:
        """`cert` and `key` are the caller's; `ca` the network's authority. Raises `SettingsWrong` for files that can't be read."""
        super().__init__(url, cert=cert, key=key, ca=ca)
        self.has_spare = True
        """Whether more than half of a day's own limit is left: then there is room to ask again what is known already."""
        self.heads: dict[int, bytes] = {}
        """Lines of the access log this client was shown: number -> hash. Whoever keeps them can tell a log that is forked or cut."""

    def public_key(self, use: str) -> PublicKey:
        """Of the `voprf`, `section` or `receipts` key, or of `voprf/next`: the key that pseudonyms are turned to (operator)."""
        d = codec.decode("vault_key", self._ask("GET", f"/v1/keys/{use}"))
        return PublicKey(d["key_id"], d["key"])

    def key_states(self) -> list[dict[str, Any]]:
        """All the vault's named keys, without their bytes: use, key_id, state, made_on and ended_on as days (operator)."""
        states: list[dict[str, Any]] = codec.decode("vault_keys", self._ask("GET", "/v1/keys"))["keys"]
        return states

    def turn_section_key(self) -> str:
        """Have a further section key made; its id (operator). Raises `Refused` while an earlier one is still leaving."""
        return str(codec.decode("vault_key_name", self._ask("POST", "/v1/keys/section/turn"))["key_id"])

    def section_settled(self, key_id: str) -> None:
        """Say that every live record is sealed to this section key; one before it is destroyed (projector)."""
        self._ask("POST", "/v1/keys/section/settled", codec.encode("vault_key_name", {"key_id": key_id}))

    def elements(self, inputs: Sequence[bytes], pinned: PublicKey) -> list[bytes]:
        """Blind, have evaluated, check the proof, unblind: one element per input, 1,000 per request (intake only).

        Past the day's limit fewer, of the first inputs; none is `Unavailable`. A key the vault has not, or a proof that fails against
        the pinned one, is `ContractBroken`: intake stops with one sentence.
        """
        from keyvault import blinding  # its curve library belongs to the zone; a reader's plain install lacks it

        found: list[bytes] = []
        for start in range(0, len(inputs), _CHUNK):
            batch = blinding.blind(inputs[start : start + _CHUNK])
            request = codec.encode("vault_elements", {"key_id": pinned.key_id, "elements": list(batch.elements)})
            try:
                d = codec.decode("vault_evaluation", self._ask("POST", "/v1/evaluate", request))
            except Refused as refused:
                if refused.code == "evaluation-limit" and found:
                    return found
                if refused.code == "evaluation-limit":
                    self.has_spare = False
                    raise Unavailable(refused.sentence) from refused
                raise _stopping(refused) from refused
            self.has_spare = 2 * d["standing"] > d["per_day"]
            part = blinding.BlindedBatch(batch.elements[: len(d["elements"])], batch.scalars[: len(d["elements"])])
            try:
                found += blinding.unblind(part, d["elements"], proof=d["proof"], pinned_public_key=pinned.key)
            except Refused as failed:
                raise ContractBroken(failed.sentence) from failed
            if len(d["elements"]) < len(batch.elements):
                return found
        return found

    def turned(self, elements: Sequence[bytes], *, old: PublicKey, new: PublicKey) -> list[bytes]:
        """Have up to 1,000 elements of the old pseudonym key made those of the new one: blinded, proved, unblinded (intake only).

        Raises `Unavailable` while no order allows it; `ContractBroken` where the proof fails or these are not the vault's keys.
        """
        from keyvault import turning  # as in `elements`

        blinded, scalars = turning.blind(elements)
        fields = {"old_key_id": old.key_id, "new_key_id": new.key_id, "elements": blinded}
        try:
            d = codec.decode("vault_turned", self._ask("POST", "/v1/turn", codec.encode("vault_turn", fields)))
            return turning.unblind(blinded, scalars, d["elements"], d["proof"], old=old.key, new=new.key)
        except Refused as refused:
            if refused.code == "turn-limit":
                raise Unavailable(refused.sentence) from refused
            raise _stopping(refused) from refused

    def end_turn(self, *, old: str, new: str) -> None:
        """Say that nothing is left under the old pseudonym key: the vault destroys it (intake only). Twice is once."""
        body = codec.encode("vault_turn_end", {"old_key_id": old, "new_key_id": new})
        try:
            self._ask("POST", "/v1/turn/end", body)
        except Refused as refused:
            raise _stopping(refused) from refused

    def place_order(self, order: bytes) -> None:
        """Place an order that two operators signed (operator). Raises `Refused` with the vault's reason."""
        self._ask("POST", "/v1/orders", order)

    def person_keys(self, persons: Sequence[bytes]) -> list[DataKey | None]:
        """Keys on loan in the order asked; None where there is none. The ledger's asking makes them, the projector's does not."""
        return [None if k is None else DataKey(k) for k in self._keys_of("/v1/person-keys", persons)]

    def placement_keys(self, persons: Sequence[bytes]) -> list[BoxKey | None]:
        """The keys that open these persons' placements, on loan in the order asked; None where there is none (projector)."""
        return [None if k is None else BoxKey(k) for k in self._keys_of("/v1/placement-keys/private", persons)]

    def placement_public_keys(self, persons: Sequence[bytes]) -> list[bytes | None]:
        """What these persons' placements are sealed to, in the order asked; None of who was erased (intake)."""
        return self._keys_of("/v1/placement-keys", persons)

    def keep_identities(self, sealed: Sequence[tuple[bytes, bytes]]) -> None:
        """Give numbers sealed to the officers' joint key away, (person, `SealedIdentity`): the first of a person stays (intake)."""
        items = [{"person": person, "sealed": data} for person, data in sealed]
        self._ask("POST", "/v1/identities", codec.encode("vault_identities", {"items": items}))

    def year_keys(self, partition: int, years: Sequence[int]) -> list[DataKey | None]:
        """The keys under which erased persons' bookings of these service years are kept; None where destroyed (projector)."""
        body = self._ask(
            "POST", "/v1/year-keys", codec.encode("vault_settled_keys", {"partition": partition, "years": list(years)})
        )
        raw = codec.decode("vault_person_keys", body)["keys"]
        if len(raw) != 32 * len(years):
            msg = "The keyvault answers with another number of keys than was asked."
            raise ContractBroken(msg)
        return [DataKey(k) if any(k := raw[i : i + 32]) else None for i in range(0, len(raw), 32)]

    def destroy_year(self, partition: int, year: int) -> None:
        """Have the key of a service year in a partition destroyed (projector). Twice is once."""
        self._ask(
            "POST",
            "/v1/year-keys/destroy",
            codec.encode("vault_settled_keys", {"partition": partition, "years": [year]}),
        )

    def erase(self, person: bytes, decision: bytes) -> None:
        """Have a person's key destroyed by a signed decision (projector). Twice is once. Raises `Refused` for one that does not count."""
        self._ask("POST", "/v1/erase", codec.encode("vault_erase", {"person": person, "decision": decision}))

    def erasure_receipt(self, request: bytes) -> bytes:
        """The signed receipt of a request (the municipality that decided). Raises `Refused` (`erasure-request`) where there is none (yet)."""
        return self._ask("POST", "/v1/erasures/receipt", codec.encode("vault_mandate", {"handle": request}))

    def _keys_of(self, path: str, persons: Sequence[bytes]) -> list[bytes | None]:
        keys: list[bytes | None] = []
        for start in range(0, len(persons), _PERSONS_AT_ONCE):
            packed = b"".join(persons[start : start + _PERSONS_AT_ONCE])
            body = self._ask("POST", path, codec.encode("vault_persons", {"persons": packed}))
            raw = codec.decode("vault_person_keys", body)["keys"]
            if len(raw) * 16 != len(packed) * 32:
                msg = "The keyvault answers with another number of keys than was asked."
                raise ContractBroken(msg)
            keys += [k if any(k := raw[i : i + 32]) else None for i in range(0, len(raw), 32)]
        return keys

    def look(self, record: dict[str, Any]) -> list[DataKey | None]:
        """Ask the keys of a decoded `HouseholdRecord`'s sections for this one look, in their order; None where the mandate opens none.

        Raises `Refused` with the vault's reason. Never sent twice by itself: each try is in the access log.
        """
        once = BoxKey.generate()
        body = self._signed_look(record, box_public_key(once))
        answer = codec.decode("vault_look_answer", self._ask("POST", "/v1/look", body, again=False))
        self.heads[answer["log_sequence"]] = answer["log_hash"]
        return [DataKey(_unsealed(once, sealed)) if sealed else None for sealed in answer["keys"]]

    def own_log(self, record: dict[str, Any], *, before_ms: int = 0) -> list[dict[str, Any]]:
        """Who looked, newest first (`access_record` data), for the holder of a mandate for the own file. Raises as `look`.

        At most a thousand lines; `before_ms`: only what was before a moment (ms since 1970), 0: up to now.
        """
        once = BoxKey.generate()
        body = self._signed_look(record, box_public_key(once), before_ms=before_ms)
        answer = codec.decode("vault_own_log", self._ask("POST", "/v1/log/own", body, again=False))
        self.heads[answer["log_sequence"]] = answer["log_hash"]
        lines = codec.decode("vault_log_lines", _unsealed(once, answer["lines"]))["lines"]
        return [codec.decode("access_record", line) for line in lines]

    def _signed_look(self, record: dict[str, Any], one_time_key: bytes, *, before_ms: int = 0) -> bytes:
        claims = [
            {
                "member": c.member,
                "section_class": c.section_class,
                "key_box": c.key_box,
                "ciphertext_hash": c.ciphertext_hash,
            }
            for c in claims_of(record)
        ]
        look = codec.encode(
            "vault_look",
            {"handle": record["handle"], "version": record["version"], "claims": claims, "signature": record["signature"],
             "one_time_key": one_time_key, "before_ms": before_ms},
        )  # fmt: skip
        return codec.encode(
            "vault_signed_look", {"look": look, "signature": sign_as_caller(self.key_file.read_bytes(), look)}
        )

    def log_head(self) -> tuple[int, bytes]:
        """Number and hash of the access log's newest line (intake, ledger, operator)."""
        head = codec.decode("vault_log_head", self._ask("GET", "/v1/log/head"))
        return head["sequence"], head["hash"]

    def log_lines(self) -> Iterator[dict[str, Any]]:
        """The whole access log as the vault keeps it (operator); the reading is its newest line."""
        after = 0
        while True:
            body = codec.encode("vault_log_after", {"sequence": after, "limit": _LINES_AT_ONCE})
            lines = codec.decode("vault_log_lines", self._ask("POST", "/v1/log/lines", body))["lines"]
            if not lines:
                return
            for line in lines:
                record = codec.decode("access_record", line)
                after = max(after, record["sequence"])
                yield record

    def withdraw(self, handle: bytes) -> None:
        """Close a mandate at once (the municipality that gave it). Raises `Refused` (`no-mandate`) for another's."""
        self._ask("POST", "/v1/mandates/withdraw", codec.encode("vault_mandate", {"handle": handle}))

    def ready(self) -> bool:
        """Whether the vault answers and knows all mandates."""
        try:
            return self._send("GET", "/ready").status_code == httpx.codes.OK
        except Unavailable:
            return False


def _stopping(refused: Refused) -> ContractBroken:
    """What no waiting mends."""
    if refused.code != "unknown-key":
        return ContractBroken(refused.sentence)
    return ContractBroken(
        refused.sentence
        + " Pseudonyms of another one can't be made; where intake's database or the vault's was restored, take a newer copy."
    )


def _unsealed(once: BoxKey, sealed: bytes) -> bytes:
    try:
        return open_sealed(once, sealed)
    except (Refused, ValueError) as wrong:
        msg = "The keyvault's answer is not sealed to the key of this look."
        raise ContractBroken(msg) from wrong
