"""There is no list of households and no search for one: every way to ask is on a list here, and says what it takes to see a household.

Whoever adds a command, a path of the keyvault, a page or a topic adds a line, and thinks about what it shows.
"""

from __future__ import annotations

from typing import Any

import typer

from deploy.cli import DOORS, app
from keyvault.access_log import InMemoryAccessLog
from keyvault.memory_store import InMemoryVaultStore
from keyvault.metrics import VaultMetrics
from keyvault.officers.board import Board
from keyvault.officers.memory_store import InMemoryOfficerStore
from keyvault.officers.naming import Naming
from keyvault.service import routes
from keyvault.vault import Vault
from portals.municipality.app import build_app
from portals.municipality.baseline import baseline_router
from portals.municipality.stories import story_router
from schemas import topics

MANDATE = "one household, by the handle of the reader's own mandate"
NOTHING = "no household"
TWO = "one person, named by pseudonym or mandate, when two officers signed; never a household"
ZONE = "inside the zone, the zone's own ids; an operator's machine alone"

COMMANDS = {
    "provider": dict.fromkeys(("join", "accept", "check", "publish", "month", "template", "receipts", "log-heads", "figures", "watch", "requests", "renew", "begin-anew"), NOTHING),
    "municipality": dict.fromkeys(("admit", "revoke-key", "admit-caseworker", "admit-family", "admit-grantor", "revoke-grantor", "ask", "figures", "verify", "released", "residences", "mandate give", "mandate change", "mandate purposes", "mandate withdraw", "erase grounds", "erase ask", "erase list", "erase decide", "erase receipt", "retention preview", "retention list", "retention keep", "retention let-go", "retention decide", "retention end", "retention run", "baseline freeze", "baseline list", "intervention mark", "intervention withdraw", "intervention list", "geometry"), NOTHING),
    "caseworker": {"show": MANDATE, "watch": MANDATE},
    "family": {"card": MANDATE, "log": MANDATE, "says": MANDATE},
    "officer": dict.fromkeys(("step", "reasons", "requests"), NOTHING) | dict.fromkeys(("ask", "approve", "open"), TWO),
    "operator": dict.fromkeys(("make", "run", "close-month", "preview", "rebuild", "topics", "restore", "replay", "log show", "log verify", "order admit-operator", "order first-load", "order turn", "order progress", "order sign", "order place", "keys scalar", "keys list", "keys new", "keys destroy", "keys section", "keys authority", "keys certificates", "keys wrapping", "keys root", "keys public-root", "backup write", "backup show", "backup restore", "officers admit", "officers leave", "officers begin", "officers sign", "officers list"), NOTHING) | {"dump": ZONE},
}  # fmt: skip
PATHS = {
    "/v1/look": MANDATE, "/v1/log/own": MANDATE,
    **dict.fromkeys(("/v1/naming/ask", "/v1/naming/approve", "/v1/naming/open", "/v1/naming/part", "/v1/naming/end"), TWO),
    **dict.fromkeys(("/v1/identities", "/v1/officers", "/v1/officers/begin", "/v1/officers/say", "/v1/naming"), NOTHING),
    **dict.fromkeys((
        "/v1/evaluate", "/v1/turn", "/v1/turn/end", "/v1/orders", "/v1/person-keys", "/v1/log/lines", "/v1/log/head", "/v1/mandates/withdraw", "/v1/keys/voprf", "/v1/keys/voprf/next", "/v1/keys", "/v1/keys/section/turn", "/v1/keys/section/settled",
        "/v1/placement-keys", "/v1/placement-keys/private", "/v1/year-keys", "/v1/year-keys/destroy", "/v1/erase", "/v1/erasures/receipt", "/v1/keys/receipts", "/v1/keys/section",
    ), NOTHING),
}  # fmt: skip
API_PATHS = {
    "",
    "/openapi.json",
    "/snapshots",
    "/snapshots/{epoch}",
    "/areas",
    "/groups",
    "/cells",
    "/concentration",
    "/figures/{epoch}/{area}/{group}/{year}",
    "/{rest:anything}",
}
"""All of released figures; the last one says that an address does not exist."""
HOUSEHOLD_TOPICS = {"household.{gm}.v1"}


def commands_of(group: Any, before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            found |= commands_of(command, f"{before}{name} ")
        else:
            found[before + name] = command
    return found


def test_every_command_is_on_the_list_and_who_sees_a_household_names_a_mandate() -> None:
    doors = typer.main.get_command(app)
    assert set(DOORS) == {*COMMANDS, "town", "demo", "bench", "receipt"}, (
        "those invent what they show, and a receipt names nobody"
    )
    for door, expected in COMMANDS.items():
        made = commands_of(doors.get_command(None, door))  # type: ignore[attr-defined]
        assert set(made) == set(expected), door
        for name, what in expected.items():
            if what == MANDATE:
                takes = {p.name for p in made[name].params}
                assert "handle" in takes, f"{door} {name}"
                assert not takes & {"bsn", "person", "household", "address", "postcode", "area", "query", "all"}


def test_every_path_of_the_keyvault_is_on_the_list() -> None:
    vault = Vault(InMemoryVaultStore(), InMemoryAccessLog(), lambda _: [], VaultMetrics())
    board = Board(vault, InMemoryOfficerStore(), lambda *_: None, lambda *_: None, lambda _: False)
    assert {r.path for r in routes(vault, naming=Naming(vault, board))} == set(PATHS)


def test_one_family_of_topics_has_households_and_its_keys_are_random_handles() -> None:
    named = {t.name for t in topics.TABLE if "household" in t.what or "household" in t.name or "live mandate" in t.what}
    assert named == HOUSEHOLD_TOPICS


def test_the_page_answers_these_addresses_and_none_knows_a_household() -> None:
    page: Any = build_app(None, ready=lambda: True)  # type: ignore[arg-type]
    views = {"/", "/verloop", "/vergelijk", "/postcodes", "/health", "/static", "/export/{name}"}
    assert {r.path for r in page.routes} == views | {f"/api/v1{path}" for path in API_PATHS}


def test_the_municipalitys_own_pages_are_on_a_list_and_none_knows_a_household() -> None:
    pages: Any = None
    own = {(r.path, m) for r in (*story_router(pages).routes, *baseline_router(pages).routes) for m in r.methods}  # type: ignore[attr-defined]
    notes = {"/verhalen/nieuw", "/verhalen/{note}/herzien", "/verhalen/{note}/vrijgeven", "/verhalen/{note}/intrekken"}
    reading = {"/verhalen", "/verhalen/{note}", "/nulmeting", "/nulmeting/{baseline}"}
    assert own == {(path, "GET") for path in notes | reading} | {(path, "POST") for path in notes}
