"""How a process asks the vault: over mutual TLS, Avro in and out, with errors that say whether to wait or to stop."""

from __future__ import annotations

import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import httpx

from keyvault import blinding
from schemas import codec
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.household_record import claims_of
from schemas.sealing import box_public_key, open_sealed
from schemas.secrets import BoxKey, DataKey

_CHUNK = 1000


class VaultClient:
    """One caller's connection. Methods raise `Unavailable` (wait), `Refused` (a mandate's end), `ContractBroken` (stop)."""

    def __init__(self, url: str, *, cert: Path, key: Path, ca: Path) -> None:
        """`cert` and `key` are the caller's; `ca` the network's authority."""
        context = ssl.create_default_context(cafile=str(ca))
        context.load_cert_chain(str(cert), str(key))
        self._http = httpx.Client(base_url=url, verify=context, timeout=httpx.Timeout(20, connect=3), trust_env=False)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        try:
            answer = self._http.request(method, path, content=body, headers={"content-type": "application/avro"})
        except httpx.HTTPError as away:
            msg = "The keyvault is away."
            raise Unavailable(msg) from away
        if answer.status_code == httpx.codes.OK:
            return answer.content
        try:
            told = codec.decode("vault_refusal", answer.content)
        except Refused as strange:
            msg = f"The keyvault answers {answer.status_code} without saying why."
            raise Unavailable(msg) from strange
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Unavailable(told["sentence"])
        if answer.status_code == httpx.codes.FORBIDDEN:
            raise ContractBroken(told["sentence"])
        raise Refused(told["code"], told["sentence"])

    def public_key(self, use: str) -> tuple[str, bytes]:
        """(key id, 32 bytes) of the `voprf`, `placement` or `section` key."""
        d = codec.decode("vault_key", self._ask("GET", f"/v1/keys/{use}"))
        return d["key_id"], d["key"]

    def placement_private(self) -> tuple[str, BoxKey]:
        """The placement key on loan (projector only)."""
        d = codec.decode("vault_key", self._ask("GET", "/v1/keys/placement/private"))
        return d["key_id"], BoxKey(d["key"])

    def elements(self, inputs: Sequence[bytes], *, pinned_public_key: bytes) -> list[bytes]:
        """Blind, have evaluated, check the proof, unblind: one element per input, 1,000 per request (intake only).

        A proof that fails is `ContractBroken`: intake stops with one sentence.
        """
        found: list[bytes] = []
        for start in range(0, len(inputs), _CHUNK):
            batch = blinding.blind(inputs[start : start + _CHUNK])
            d = codec.decode(
                "vault_evaluation",
                self._ask("POST", "/v1/evaluate", codec.encode("vault_elements", {"elements": list(batch.elements)})),
            )
            try:
                found += blinding.unblind(batch, d["elements"], proof=d["proof"], pinned_public_key=pinned_public_key)
            except Refused as failed:
                raise ContractBroken(failed.sentence) from failed
        return found

    def person_keys(self, persons: Sequence[bytes]) -> list[DataKey | None]:
        """Keys on loan in the order asked; None where there is none."""
        keys: list[DataKey | None] = []
        for start in range(0, len(persons), _CHUNK * 5):
            packed = b"".join(persons[start : start + _CHUNK * 5])
            body = self._ask("POST", "/v1/person-keys", codec.encode("vault_persons", {"persons": packed}))
            raw = codec.decode("vault_person_keys", body)["keys"]
            keys += [DataKey(k) if any(k := raw[i : i + 32]) else None for i in range(0, len(raw), 32)]
        return keys

    def look(self, record: dict[str, object]) -> list[DataKey]:
        """Ask the keys of a decoded `HouseholdRecord`'s sections for this one look. Raises `Refused` with the vault's reason."""
        once = BoxKey.generate()
        claims = [
            {"member": c.member, "section_class": c.section_class, "key_box": c.key_box, "ciphertext_hash": c.ciphertext_hash}
            for c in claims_of(record)
        ]
        body = codec.encode(
            "vault_look",
            {"handle": record["handle"], "version": record["version"], "claims": claims, "signature": record["signature"],
             "one_time_key": box_public_key(once)},
        )  # fmt: skip
        answer = codec.decode("vault_look_answer", self._ask("POST", "/v1/look", body))
        return [DataKey(open_sealed(once, sealed)) for sealed in answer["keys"]]

    def withdraw(self, handle: bytes) -> None:
        """Close a mandate at once (the municipality that gave it)."""
        self._ask("POST", "/v1/mandates/withdraw", codec.encode("vault_mandate", {"handle": handle}))

    def ready(self) -> bool:
        """Whether the vault answers."""
        try:
            return self._http.get("/ready").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


class PersonKeyCache:
    """Person keys on loan, for at most a minute and at most `size` persons, so that a destroyed key goes soon."""

    def __init__(self, vault: VaultClient, *, size: int = 50_000, seconds: float = 60.0) -> None:
        """`seconds`: how long a loan lasts."""
        self._vault, self._size, self._seconds = vault, size, seconds
        self._held: OrderedDict[bytes, tuple[float, DataKey]] = OrderedDict()
        self._lock = threading.Lock()

    def keys(self, persons: Sequence[bytes]) -> dict[bytes, DataKey]:
        """Keys of these persons; who has none is absent."""
        now = time.monotonic()
        with self._lock:
            found = {p: held[1] for p in persons if (held := self._held.get(p)) and now - held[0] < self._seconds}
            absent = [p for p in dict.fromkeys(persons) if p not in found]
            if absent:
                fresh = {p: k for p, k in zip(absent, self._vault.person_keys(absent), strict=True) if k is not None}
                found |= fresh
                for person, key in fresh.items():
                    self._held[person] = (now, key)
                    self._held.move_to_end(person)
                while len(self._held) > self._size:
                    self._held.popitem(last=False)
        return found
