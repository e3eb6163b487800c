"""Who may ask what: every caller times every path, and that a failure tells nobody more than where it happened."""

from __future__ import annotations

import asyncio
import itertools
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from vault_builders import HANDLE, READER, VaultInMemory

from deploy.zone_folder import free_port
from keyvault.mutual_tls import CALLER, Caller, common_name, listening_socket
from keyvault.service import MAX_BODY_BYTES, build_app, routes
from schemas import codec

CALLERS = (
    "intake", "ledger", "projector", "release", "keyvault", "operator", "admin", "p99000001", "gm9901", READER,
    "family-7", "", "caseworker-", "gm99011", "intake ", "INTAKE",
)  # fmt: skip
ALLOWED = {
    "/v1/evaluate": {"intake"},
    "/v1/turn": {"intake"},
    "/v1/turn/end": {"intake"},
    "/v1/person-keys": {"ledger", "projector"},
    "/v1/look": {READER, "family-7"},
    "/v1/orders": {"operator"},
    "/v1/log/own": {"family-7"},
    "/v1/log/lines": {"operator"},
    "/v1/log/head": {"intake", "ledger", "operator"},
    "/v1/mandates/withdraw": {"gm9901"},
    "/v1/keys/voprf": {"intake", "operator", "admin"},
    "/v1/keys/voprf/next": {"operator"},
    "/v1/placement-keys": {"intake"},
    "/v1/placement-keys/private": {"projector"},
    "/v1/year-keys": {"projector"},
    "/v1/erase": {"projector"},
    "/v1/year-keys/destroy": {"projector"},
    "/v1/erasures/receipt": {"gm9901"},
    "/v1/keys/receipts": {"operator", "admin"},
    "/v1/keys/section": {"projector"},
    "/v1/keys": {"operator"},
    "/v1/keys/section/turn": {"operator"},
    "/v1/keys/section/settled": {"projector"},
}


class Called:
    """The application as seen by one caller: TLS would have put the name there."""

    def __init__(self, here: VaultInMemory, level: bool = True) -> None:
        self.told: list[str] = []
        self.here = here
        self.app = build_app(here.vault, meter=here.meter, tell=self.told.append, level=lambda: level)

    def ask(self, name: str | None, method: str, path: str, content: Any = b"") -> httpx.Response:
        async def named(scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope if name is None else scope | {CALLER: Caller(name, b"")}, receive, send)

        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(named), base_url="https://vault") as client:
                return await client.request(method, path, content=content)

        return asyncio.run(asked())


@pytest.fixture
def called(tmp_path: Path) -> Called:
    return Called(VaultInMemory(tmp_path))


def test_every_path_is_in_the_table_of_this_test(called: Called) -> None:
    assert {r.path for r in routes(called.here.vault)} == set(ALLOWED)
    assert {r.path for r in called.app.routes} == {*ALLOWED, "/ready"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "path"), list(itertools.product(CALLERS, ALLOWED)))
def test_everything_not_granted_is_denied(called: Called, name: str, path: str) -> None:
    method = next(r.method for r in routes(called.here.vault) if r.path == path)
    answer = called.ask(name, method, path, b"nonsense")
    if name in ALLOWED[path]:
        assert answer.status_code in (200, 422)
    else:
        assert answer.status_code == 403
        assert codec.decode("vault_refusal", answer.content)["code"] == "not-yours"


def test_a_caller_without_a_name_from_tls_is_nobody(called: Called) -> None:
    assert called.ask(None, "GET", "/v1/keys/voprf").status_code == 403


@pytest.mark.parametrize(
    "body", [b"", b"\x00", b"\xc3\x01" + b"\x07" * 40, codec.encode("vault_mandate", {"handle": HANDLE})]
)
@pytest.mark.parametrize(
    ("name", "path"), [("intake", "/v1/evaluate"), ("ledger", "/v1/person-keys"), (READER, "/v1/look")]
)
def test_a_body_of_another_kind_is_refused(called: Called, name: str, path: str, body: bytes) -> None:
    answer = called.ask(name, "POST", path, body)
    assert answer.status_code == 422
    assert codec.decode("vault_refusal", answer.content)["code"] in ("unreadable", "schema")


def test_a_body_above_the_bound_is_not_read_to_its_end(called: Called) -> None:
    chunk, read = bytes(64 * 1024), []

    async def chunks() -> Any:
        for i in range(64):
            read.append(i)
            yield chunk

    assert called.ask("intake", "POST", "/v1/evaluate", chunks()).status_code == 413
    assert len(read) == MAX_BODY_BYTES // len(chunk) + 1


def test_a_database_that_is_away_says_wait(called: Called) -> None:
    called.here.store.away = True
    answer = called.ask("intake", "GET", "/v1/keys/voprf")
    assert (answer.status_code, codec.decode("vault_refusal", answer.content)["code"]) == (503, "unavailable")
    assert called.ask("admin", "GET", "/ready").status_code == 503
    called.here.store.away = False
    assert called.ask("admin", "GET", "/ready").status_code == 200


def test_the_vault_is_not_ready_before_it_knows_all_mandates(tmp_path: Path) -> None:
    assert Called(VaultInMemory(tmp_path), level=False).ask("admin", "GET", "/ready").status_code == 503


def test_an_unexpected_failure_tells_where_and_never_what(called: Called, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("999900006")

    monkeypatch.setattr(type(called.here.store), "person_keys", fail)
    answer = called.ask("ledger", "POST", "/v1/person-keys", codec.encode("vault_persons", {"persons": b"a" * 16}))
    assert answer.status_code == 500
    assert len(called.told) == 1
    assert "KeyError in test_keyvault_callers.py" in called.told[0]
    assert "999900006" not in called.told[0] + answer.text


def test_metrics_count_requests_by_path_and_status_and_name_nobody(called: Called) -> None:
    from prometheus_client import generate_latest

    called.ask("release", "GET", "/v1/keys/voprf")
    called.ask("p99000001", "GET", "/v1/keys/" + "x" * 8)
    text = generate_latest(called.here.meter.registry).decode()
    assert 'zorgstroom_vault_requests_total{path="/v1/keys/voprf",role="keyvault",status="403"} 1.0' in text
    assert "p99000001" not in text
    assert "xxxx" not in text


@pytest.mark.parametrize(
    ("certificate", "name"),
    [
        ({"subject": ((("commonName", "intake"),),)}, "intake"),
        ({"subject": ((("organizationName", "intake"),),)}, ""),
        ({"subject": ((("commonName", "p1"),), (("commonName", "intake"),))}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_caller_has_exactly_one_name(certificate: Any, name: str) -> None:
    assert common_name(certificate) == name


def test_an_answer_does_not_wait_for_nagles_delay() -> None:
    """asyncio turns it off only on sockets that name their protocol; accepted ones take it from the one that listens."""
    with listening_socket("127.0.0.1", free_port()) as listening:
        assert listening.proto == socket.IPPROTO_TCP
