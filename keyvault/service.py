"""What the vault does for whom, over mutual TLS: a closed list of callers per path, Avro in and out.

Rotation, limits, officers and erasure add paths of their own here; today each of those paths is absent, not half there.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from keyvault import voprf
from keyvault.access_log import AccessLog
from keyvault.mutual_tls import CALLER
from keyvault.store import Mandate, VaultStore
from schemas import codec
from schemas.errors import Refused, Unavailable
from schemas.household_record import SectionClaim, check_signature, section_key
from schemas.sealing import box_public_key, seal_to

AVRO = "application/avro"
MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_PERSONS = 5_000
_READER = re.compile(r"(caseworker|family)-[a-z0-9-]{1,50}")


@dataclass(slots=True)
class Vault:
    """The vault's work, without HTTP. `clock` gives the time in seconds since 1970."""

    store: VaultStore
    log: AccessLog
    projector_public: bytes
    clock: Callable[[], float] = time.time

    def _today(self) -> dt.date:
        return dt.datetime.fromtimestamp(self.clock(), dt.UTC).date()

    def evaluate(self, caller: str, body: bytes) -> bytes:
        """Multiply blinded elements by the pseudonym key, with a proof; counted per caller and day."""
        elements = codec.decode("vault_elements", body)["elements"]
        key_id, secret = self.store.pseudonym_key(self._today())
        evaluated, proof = voprf.evaluate(secret, elements)
        self.store.count_evaluations(caller, len(elements), self._today())
        return codec.encode("vault_evaluation", {"key_id": key_id, "elements": evaluated, "proof": proof})

    def person_keys(self, caller: str, body: bytes) -> bytes:
        """Lend person keys; only the ledger makes missing ones."""
        packed = codec.decode("vault_persons", body)["persons"]
        persons = [packed[i : i + 16] for i in range(0, len(packed), 16)]
        if len(packed) % 16 or len(persons) > MAX_PERSONS:
            raise Refused("unreadable", f"Up to {MAX_PERSONS} person ids of 16 bytes in one request.")
        keys = self.store.person_keys(persons, make=caller == "ledger", today=self._today())
        return codec.encode("vault_person_keys", {"keys": b"".join(k or bytes(32) for k in keys)})

    def public_key(self, use: str) -> bytes:
        """The public half of the pseudonym, placement or section key."""
        if use == "voprf":
            key_id, scalar = self.store.pseudonym_key(self._today())
            return codec.encode("vault_key", {"key_id": key_id, "key": voprf.public_key(scalar)})
        key_id, secret = self.store.box_key(use, self._today())
        return codec.encode("vault_key", {"key_id": key_id, "key": box_public_key(secret)})

    def placement_private(self) -> bytes:
        """The placement key on loan, for the projector only."""
        key_id, secret = self.store.box_key("placement", self._today())
        return codec.encode("vault_key", {"key_id": key_id, "key": secret.reveal()})

    def look(self, caller: str, body: bytes) -> bytes:
        """Hand over the keys of a record's sections for this one look, after writing the access log.

        Refusals are logged too: an unknown, withdrawn or expired mandate, another reader, a record that is not the projector's.
        """
        asked = codec.decode("vault_look", body)
        handle = asked["handle"]
        mandate = self.store.mandate(handle)
        try:
            self._check(mandate, caller)
            claims = [SectionClaim(c["member"], c["section_class"], c["key_box"], c["ciphertext_hash"]) for c in asked["claims"]]
            check_signature(
                projector_public=self.projector_public, handle=handle, version=asked["version"], claims=claims,
                signature=asked["signature"],
            )  # fmt: skip
            _, secret = self.store.box_key("section", self._today())
            keys = [
                section_key(section_secret=secret, handle=handle, version=asked["version"], claim=c) for c in claims
            ]
        except Refused as refused:
            self._write(handle, caller, mandate, refused.code)
            raise
        head = self._write(handle, caller, mandate, "given")
        sealed = [seal_to(asked["one_time_key"], k.reveal()) for k in keys]
        return codec.encode("vault_look_answer", {"keys": sealed, "log_hash": head})

    def _check(self, mandate: Mandate | None, caller: str) -> None:
        if mandate is None or mandate.reader != caller:
            raise Refused("no-mandate", "There is no mandate of yours with this handle.")
        if not mandate.given:
            raise Refused("withdrawn", "This mandate was withdrawn.")
        if not mandate.valid_from <= self._today() <= mandate.valid_until:
            raise Refused("expired", "This mandate is not in force today; ask the municipality for a new one.")

    def _write(self, handle: bytes, caller: str, mandate: Mandate | None, result: str) -> bytes:
        record = self.store.write_log(
            at_ms=int(self.clock() * 1000), handle=handle, reader=caller, mandate=mandate, result=result
        )
        self.log.append(record)
        return bytes(record["hash"])

    def withdraw(self, caller: str, body: bytes) -> bytes:
        """Close a mandate at once; only the municipality that gave it may (one not known yet is closed in advance)."""
        handle = codec.decode("vault_mandate", body)["handle"]
        mandate = self.store.mandate(handle)
        if mandate is not None and f"gm{mandate.municipality:04d}" != caller:
            raise Refused("no-mandate", "This municipality gave no mandate with this handle.")
        self.store.withdraw(handle, by=caller, at=dt.datetime.fromtimestamp(self.clock(), dt.UTC))
        return codec.encode("vault_mandate", {"handle": handle})


def _municipality(caller: str) -> bool:
    return re.fullmatch(r"gm\d{4}", caller) is not None


def _one_of(*names: str) -> Callable[[str], bool]:
    return lambda caller: caller in names


def build_app(vault: Vault) -> FastAPI:
    """The HTTP side: path -> who may call -> what is done."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    posts: dict[str, tuple[Callable[[str], bool], Callable[[str, bytes], bytes]]] = {
        "/v1/evaluate": (_one_of("intake"), vault.evaluate),
        "/v1/person-keys": (_one_of("ledger", "projector"), vault.person_keys),
        "/v1/look": (lambda c: _READER.fullmatch(c) is not None, vault.look),
        "/v1/mandates/withdraw": (_municipality, vault.withdraw),
    }
    gets: dict[str, tuple[Callable[[str], bool], Callable[[], bytes]]] = {
        "/v1/keys/voprf": (_one_of("intake", "admin"), lambda: vault.public_key("voprf")),
        "/v1/keys/placement": (_one_of("intake"), lambda: vault.public_key("placement")),
        "/v1/keys/placement/private": (_one_of("projector"), vault.placement_private),
        "/v1/keys/section": (_one_of("projector"), lambda: vault.public_key("section")),
    }
    for path, (may, work) in posts.items():
        app.post(path)(_handler(may, work))
    for path, (may, read) in gets.items():
        app.get(path)(_handler(may, lambda _caller, _body, read=read: read()))  # type: ignore[misc]

    @app.get("/ready")
    async def ready() -> Response:
        await run_in_threadpool(vault.store.log_head)
        return Response(b"ready", media_type="text/plain")

    return app


def _handler(may: Callable[[str], bool], work: Callable[[str, bytes], bytes]) -> Callable[..., Any]:
    async def handle(request: Request) -> Response:
        caller = str(request.scope.get(CALLER, ""))
        if not may(caller):
            return _refusal(403, "not-yours", "This certificate may not ask this.")
        body = await request.body()
        if len(body) > MAX_BODY_BYTES:
            return _refusal(413, "unreadable", "The request is above 4 MiB; ask in smaller parts.")
        try:
            return Response(await run_in_threadpool(work, caller, body), media_type=AVRO)
        except Refused as refused:
            return _refusal(422, refused.code, refused.sentence)
        except Unavailable as away:
            return _refusal(503, "unavailable", str(away))

    return handle


def _refusal(status: int, code: str, sentence: str) -> Response:
    return Response(
        codec.encode("vault_refusal", {"code": code, "sentence": sentence}), status_code=status, media_type=AVRO
    )
