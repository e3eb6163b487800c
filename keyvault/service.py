"""The vault's HTTP side: a closed list of callers per path, everything else denied; Avro in and out.

Knows who calls from the client certificate alone. A failure never tells the caller, or the log, more than where it happened.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final, Protocol

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool

from keyvault.erasure_work import ErasureWork
from keyvault.key_work import KeyWork
from keyvault.mutual_tls import CALLER, Caller
from keyvault.officers.naming import Naming
from keyvault.pseudonym_work import PseudonymWork
from keyvault.vault import Vault
from schemas import codec
from schemas.errors import ContractBroken, Refused, Unavailable
from schemas.reidentification import OFFICER

AVRO: Final = "application/avro"
MAX_BODY_BYTES: Final = 1024 * 1024
_READER: Final = re.compile(r"(caseworker|family)-[a-z0-9-]{1,50}")
_FAMILY: Final = re.compile(r"family-[a-z0-9-]{1,50}")
_MUNICIPALITY: Final = re.compile(r"gm\d{4}")

May = Callable[[str], bool]
Work = Callable[[Caller, bytes], bytes]


class RequestMeter(Protocol):
    """What an operator may count of requests."""

    def answered(self, path: str, status: int) -> None:
        """A request to a path of `routes` was answered with this HTTP status."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked: how, by whom, and what is done."""

    method: str
    path: str
    may: May
    work: Work


def _one_of(*names: str) -> May:
    return lambda caller: caller in names


def _matching(pattern: re.Pattern[str]) -> May:
    return lambda caller: pattern.fullmatch(caller) is not None


def routes(vault: Vault, erasures: ErasureWork | None = None, naming: Naming | None = None) -> tuple[Route, ...]:
    """All that can be asked of the vault, and by whom; without `naming` nothing of officers."""

    def public(use: str) -> Work:
        return lambda _caller, _body: vault.public_key(use)

    pseudonyms, keys = PseudonymWork(vault), KeyWork(vault)
    erasures = erasures or ErasureWork(vault, lambda _name, _key_id: None, lambda _key_id: None)
    return (
        Route("POST", "/v1/evaluate", _one_of("intake"), pseudonyms.evaluate),
        Route("POST", "/v1/turn", _one_of("intake"), pseudonyms.turn),
        Route("POST", "/v1/turn/end", _one_of("intake"), pseudonyms.end_turn),
        Route("POST", "/v1/orders", _one_of("operator"), pseudonyms.order),
        Route("POST", "/v1/person-keys", _one_of("ledger", "projector"), vault.person_keys),
        Route("POST", "/v1/placement-keys", _one_of("intake"), vault.placement_public_keys),
        Route("POST", "/v1/placement-keys/private", _one_of("projector"), vault.placement_keys),
        Route("POST", "/v1/year-keys", _one_of("projector"), erasures.year_keys),
        Route("POST", "/v1/year-keys/destroy", _one_of("projector"), erasures.destroy_years),
        Route("POST", "/v1/erase", _one_of("projector"), erasures.erase),
        Route("POST", "/v1/erasures/receipt", _matching(_MUNICIPALITY), erasures.receipt),
        Route("GET", "/v1/keys/receipts", _one_of("operator", "admin"), erasures.public_key),
        Route("POST", "/v1/look", _matching(_READER), vault.look),
        Route("POST", "/v1/log/own", _matching(_FAMILY), vault.own_log),
        Route("POST", "/v1/log/lines", _one_of("operator"), vault.log_lines),
        Route("GET", "/v1/log/head", _one_of("intake", "ledger", "operator"), lambda _caller, _body: vault.log_head()),
        Route("POST", "/v1/mandates/withdraw", _matching(_MUNICIPALITY), vault.withdraw),
        # Whoever sets a zone up or orders a turn has the root sign the pseudonym key's public half; it is public.
        Route(
            "GET",
            "/v1/keys/voprf",
            _one_of("intake", "operator", "admin"),
            lambda _caller, _body: pseudonyms.public_key(),
        ),
        Route("GET", "/v1/keys/voprf/next", _one_of("operator"), lambda _caller, _body: pseudonyms.next_public_key()),
        Route("GET", "/v1/keys", _one_of("operator"), keys.states),
        Route("POST", "/v1/keys/section/turn", _one_of("operator"), keys.turn_section),
        Route("POST", "/v1/keys/section/settled", _one_of("projector"), keys.settle_section),
        Route("GET", "/v1/keys/section", _one_of("projector"), public("section")),
        *(officers(naming) if naming is not None else ()),
    )


def officers(naming: Naming) -> tuple[Route, ...]:
    """What intake, operators and officers ask so that two officers can name a person."""
    officer = _matching(OFFICER)
    return (
        Route("POST", "/v1/identities", _one_of("intake"), naming.keep),
        Route("GET", "/v1/officers", lambda name: name == "operator" or officer(name), naming.board.told),
        Route("POST", "/v1/officers/begin", _one_of("operator"), naming.board.begin),
        Route("POST", "/v1/officers/say", officer, naming.board.say),
        Route("GET", "/v1/naming", officer, naming.waiting),
        Route("POST", "/v1/naming/ask", officer, naming.ask),
        Route("POST", "/v1/naming/approve", officer, naming.approve),
        Route("POST", "/v1/naming/open", officer, naming.opened),
        Route("POST", "/v1/naming/part", officer, naming.part),
        Route("POST", "/v1/naming/end", officer, naming.ended),
    )


def build_app(
    vault: Vault, *, meter: RequestMeter, tell: Callable[[str], None], level: Callable[[], bool] = lambda: True,
    erasures: ErasureWork | None = None, naming: Naming | None = None,
) -> FastAPI:  # fmt: skip
    """The application. `tell` hears of failures, `level` whether all mandates are known; only then it is ready."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for route in routes(vault, erasures, naming):
        app.add_api_route(route.path, _handler(route, meter, tell), methods=[route.method], response_model=None)

    def ready() -> Response:
        try:
            vault.store.log_head()
        except Unavailable as away:
            return Response(str(away), status_code=503, media_type="text/plain")
        if not level():
            return Response("Reading mandates.", status_code=503, media_type="text/plain")
        return Response("ready", media_type="text/plain")

    app.add_api_route("/ready", ready, methods=["GET"], response_model=None)
    return app


def _handler(route: Route, meter: RequestMeter, tell: Callable[[str], None]) -> Callable[..., Any]:
    async def handle(request: Request) -> Response:
        caller: Caller = request.scope.get(CALLER, Caller("", b""))
        if not route.may(caller.name):
            answer = _refusal(403, "not-yours", "This certificate may not ask this.")
        elif (body := await _body_of(request)) is None:
            answer = _refusal(413, "unreadable", "The request is above 1 MiB; ask in smaller parts.")
        else:
            answer = await run_in_threadpool(_answer, route, caller, body=body, tell=tell)
        meter.answered(route.path, answer.status_code)
        return answer

    return handle


async def _body_of(request: Request) -> bytes | None:
    """The body, or None as soon as it is too long: no caller fills the memory."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _answer(route: Route, caller: Caller, *, body: bytes, tell: Callable[[str], None]) -> Response:
    try:
        return Response(route.work(caller, body), media_type=AVRO)
    except Refused as refused:
        return _refusal(422, refused.code, refused.sentence)
    except Unavailable as away:
        return _refusal(503, "unavailable", str(away))
    except ContractBroken as broken:
        tell(str(broken))
        return _refusal(500, "broken", str(broken))
    except Exception as unexpected:  # noqa: BLE001 - the edge: the caller stops, and no trace with a row in it is printed
        tell(f"unexpected {type(unexpected).__name__} in {_place(unexpected)}")
        return _refusal(500, "broken", "The keyvault failed at this; its log says where.")


def _place(failure: BaseException) -> str:
    """File and line where it happened: never the message, which may repeat data."""
    trace, place = failure.__traceback__, "?"
    while trace is not None:
        place = f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _refusal(status: int, code: str, sentence: str) -> Response:
    return Response(
        codec.encode("vault_refusal", {"code": code, "sentence": sentence}), status_code=status, media_type=AVRO
    )
