"""How a process asks the vault: over mutual TLS, Avro in and out, with errors that say whether to wait or to stop.

Trusts an answer only from the holder of the certificate named `keyvault`: every role has a certificate of the same authority.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from keyvault.caller_signature import sign_as_caller
from keyvault.person_key_cache import PersonKeyCache
from schemas import codec
from schemas.errors import ContractBroken, Refused, SettingsWrong, Unavailable
from schemas.household_record import claims_of
from schemas.sealing import box_public_key, open_sealed
from schemas.secrets import BoxKey, DataKey

__all__ = ["PersonKeyCache", "VaultClient"]

_CHUNK: Final = 1_000
_PERSONS_AT_ONCE: Final = 5_000
_LINES_AT_ONCE: Final = 2_000
_VAULT: Final = "keyvault"
_STOP: Final = (httpx.codes.FORBIDDEN, httpx.codes.INTERNAL_SERVER_ERROR)


class VaultClient:
    """One caller's connection, safe to use from several threads.

    Methods raise `Unavailable` (wait and ask again), `Refused` (a mandate's end, a broken request), `ContractBroken` (stop:
    this certificate may not ask this, another process answers, a proof fails).
    """

    def __init__(self, url: str, *, cert: Path, key: Path, ca: Path) -> None:
        """`cert` and `key` are the caller's; `ca` the network's authority. Raises `SettingsWrong` for files that can't be read."""
        try:
            context = ssl.create_default_context(cafile=str(ca))
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(str(cert), str(key))
            self.key_file = key
        except (OSError, ValueError) as wrong:
            msg = f"The certificate {cert}, its key and the authority's certificate {ca} can't be read or don't belong together."
            raise SettingsWrong(msg) from wrong
        self.has_spare = True
        """Whether more than half of a day's own limit is left: then there is room to ask again what is known already."""
        self.heads: dict[int, bytes] = {}
        """Lines of the access log this client was shown: number -> hash. Whoever keeps them can tell a log that is forked or cut."""
        self._http = httpx.Client(base_url=url, verify=context, timeout=httpx.Timeout(20, connect=3), trust_env=False)

    def _send(self, method: str, path: str, body: bytes | None = None, *, again: bool = True) -> httpx.Response:
        """One request; tried once more where the vault closed an idle connection under it, unless each try counts."""
        try:
            answer = self._http.request(method, path, content=body, headers={"content-type": "application/avro"})
        except httpx.RemoteProtocolError as closed:
            if again:
                return self._send(method, path, body, again=False)
            msg = "The keyvault closed the connection."
            raise Unavailable(msg) from closed
        except httpx.HTTPError as away:
            msg = "The keyvault is away."
            raise Unavailable(msg) from away
        if _name_of(answer) != _VAULT:
            msg = "Another process than the keyvault answers at the keyvault's address."
            raise ContractBroken(msg)
        return answer

    def _ask(self, method: str, path: str, body: bytes | None = None, *, again: bool = True) -> bytes:
        answer = self._send(method, path, body, again=again)
        if answer.status_code == httpx.codes.OK:
            return answer.content
        try:
            told = codec.decode("vault_refusal", answer.content)
        except Refused as strange:
            msg = f"The keyvault answers {answer.status_code} without saying why; its version may be another."
            raise ContractBroken(msg) from strange
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Unavailable(told["sentence"])
        if answer.status_code in _STOP:
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

    def elements(
        self, inputs: Sequence[bytes], *, pinned_public_key: bytes, pinned_key_id: str | None = None
    ) -> list[bytes]:
        """Blind, have evaluated, check the proof, unblind: one element per input, 1,000 per request (intake only).

        Past the day's limit fewer, of the first inputs; none is `Unavailable`. A proof that fails, or a key of another id than the
        pinned one, is `ContractBroken`: intake stops with one sentence.
        """
        from keyvault import blinding  # its curve library belongs to the zone; a reader's plain install lacks it

        found: list[bytes] = []
        for start in range(0, len(inputs), _CHUNK):
            batch = blinding.blind(inputs[start : start + _CHUNK])
            request = codec.encode("vault_elements", {"elements": list(batch.elements)})
            try:
                d = codec.decode("vault_evaluation", self._ask("POST", "/v1/evaluate", request))
            except Refused as refused:
                if refused.code == "evaluation-limit" and found:
                    return found
                if refused.code == "evaluation-limit":
                    self.has_spare = False
                    raise Unavailable(refused.sentence) from refused
                raise
            if pinned_key_id is not None and d["key_id"] != pinned_key_id:
                msg = f"The keyvault evaluates with the key {d['key_id']}, and {pinned_key_id} is pinned; pin the new one only when it was announced."
                raise ContractBroken(msg)
            self.has_spare = 2 * d["standing"] > d["per_day"]
            part = blinding.BlindedBatch(batch.elements[: len(d["elements"])], batch.scalars[: len(d["elements"])])
            try:
                found += blinding.unblind(part, d["elements"], proof=d["proof"], pinned_public_key=pinned_public_key)
            except Refused as failed:
                raise ContractBroken(failed.sentence) from failed
            if len(d["elements"]) < len(batch.elements):
                return found
        return found

    def place_order(self, order: bytes) -> None:
        """Place an order that two operators signed (operator). Raises `Refused` with the vault's reason."""
        self._ask("POST", "/v1/orders", order)

    def person_keys(self, persons: Sequence[bytes]) -> list[DataKey | None]:
        """Keys on loan in the order asked; None where there is none. The ledger's asking makes them, the projector's does not."""
        keys: list[DataKey | None] = []
        for start in range(0, len(persons), _PERSONS_AT_ONCE):
            packed = b"".join(persons[start : start + _PERSONS_AT_ONCE])
            body = self._ask("POST", "/v1/person-keys", codec.encode("vault_persons", {"persons": packed}))
            raw = codec.decode("vault_person_keys", body)["keys"]
            if len(raw) * 16 != len(packed) * 32:
                msg = "The keyvault answers with another number of keys than was asked."
                raise ContractBroken(msg)
            keys += [DataKey(k) if any(k := raw[i : i + 32]) else None for i in range(0, len(raw), 32)]
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

    def own_log(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """Who looked, newest first (`access_record` data), for the holder of a mandate for the own file. Raises as `look`."""
        once = BoxKey.generate()
        body = self._signed_look(record, box_public_key(once))
        answer = codec.decode("vault_own_log", self._ask("POST", "/v1/log/own", body, again=False))
        self.heads[answer["log_sequence"]] = answer["log_hash"]
        lines = codec.decode("vault_log_lines", _unsealed(once, answer["lines"]))["lines"]
        return [codec.decode("access_record", line) for line in lines]

    def _signed_look(self, record: dict[str, Any], one_time_key: bytes) -> bytes:
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
             "one_time_key": one_time_key},
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

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def _unsealed(once: BoxKey, sealed: bytes) -> bytes:
    try:
        return open_sealed(once, sealed)
    except (Refused, ValueError) as wrong:
        msg = "The keyvault's answer is not sealed to the key of this look."
        raise ContractBroken(msg) from wrong


def _name_of(answer: httpx.Response) -> str:
    """Common name of the certificate behind an answer."""
    tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
    certificate = tls.getpeercert() if tls is not None else None
    names = [v for part in (certificate or {}).get("subject", ()) for n, v in part if n == "commonName"]
    return str(names[0]) if len(names) == 1 else ""
