"""One role's database is stolen, or two roles': what follows stands on docs/stolen.md, and each of its cells is tried here.

The thief has every row of every table, the numbers of transactions, in turn also a copy of ledger.v1 and the roles' secrets, the short list of all
persons there are, and the code; every value found serves as a key. What the page says follows must succeed, and all else must fail.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from deploy.demo import Demo
from keyvault import group, voprf
from keyvault.officers import sharing
from projections.subscribers import HouseholdSubscriber
from schemas import codec, topics
from schemas.envelope import Envelope, Header, open_identity
from schemas.frames import Kind
from schemas.secrets import BoxKey
from schemas.values import day_number
from streams.ledger_envelope import persons_in
from tests.attacks.keyvault.stolen_findings import Theft, found, joined
from tests.attacks.keyvault.stolen_locks import Public, try_all, unwrapped
from tests.attacks.keyvault.stolen_loot import (
    ROLES,
    Loot,
    address_hash,
    everything,
    hashes_of,
    ledger_rows,
    neighbours,
    residents,
    scraps,
    secrets_of,
    town_of,
    truth,
)
from tests.attacks.topic_bytes import records

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs" / "stolen.md").read_text("utf-8")
ALSO: Final = {"alone": (False, False), "topic": (True, False), "secrets": (False, True), "both": (True, True)}
"""Column of the page -> whether the thief also has ledger.v1, and the secrets."""


def rows(text: str, columns: int) -> list[list[str]]:
    """Cells of the tables' rows that have so many columns, without their heads."""
    lines = [[c.strip() for c in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| ")]
    return [cells for cells in lines if len(cells) == columns][1:]


WORDS: Final = {word.strip("*"): meaning for word, meaning in rows(PAGE, 2)}


@dataclass(frozen=True, slots=True)
class Said:
    """A row of the page: which roles' databases, the words that follow per column, and those that do not in any."""

    roles: tuple[str, ...]
    follows: dict[str, set[str]]
    never: set[str]
    turn: str


def _words(cell: str) -> set[str]:
    return set() if cell in ("nothing", "-") else {w.strip() for w in cell.split(",")}


def _said(cells: list[str]) -> Said:
    stolen, alone, topic, secrets, both, never, turn = cells
    own = _words(alone)
    follows = {"alone": own, "topic": own | _words(topic), "secrets": own | _words(secrets)}
    follows["both"] = follows["topic"] | follows["secrets"] | _words(both)
    for column, words in follows.items():
        if "clients" in words:
            follows[column] = words - {"some clients"}
    return Said(tuple(w for w in re.split(r", | and ", stolen) if w != "no database"), follows, _words(never), turn)


SAID: Final = [_said(cells) for cells in rows(PAGE, 7)]


@pytest.fixture(scope="module")
def theft(demo: Demo) -> Theft:
    """The whole loot, tried on every lock once, after a caseworker looked once."""
    begun = int(time.time() * 1000)
    reader, _ = demo.zone.folder.members().readers[0]
    look(demo, reader)
    ended = int(time.time() * 1000)
    loot, town = everything(demo), town_of(demo)
    wrapping = demo.zone.folder.secret_file("keyvault", "wrapping").read_bytes()
    opened = unwrapped(loot.rows, [wrapping])
    pseudonym = next(k for n, k in opened.items() if n.startswith(b"named_keys/voprf/"))
    people, so = residents(town), truth(demo, town, pseudonym)
    delivered = records(demo, "intake", "delivered.v1")
    public = Public(public_keys(demo), delivered)
    locks = try_all(loot, people, public, opened)
    examples = json.loads((demo.town / "town.json").read_text("utf-8"))["examples"]
    mandates = frozenset((f"caseworker-{gm.lower()}-1", so.person_of[e["bsn"]]) for gm, e in examples.items())
    looked = next(person for name, person in mandates if name == reader)
    providers = sorted(int(p[1:]) for p in demo.zone.folder.members().providers)
    names = {digest: n for n in providers for digest in hashes_of(f"p{n:08d}".encode())}
    return Theft(
        loot,
        people,
        neighbours(town),
        providers,
        names,
        public,
        opened,
        locks,
        so,
        mandates,
        (reader, looked, begun, ended),
    )


def look(demo: Demo, name: str) -> None:
    """One look of a caseworker at the household of the mandate."""
    files, gm = demo.zone.reader_certificate(name), name.split("-")[1]
    handle = bytes.fromhex(json.loads(demo.mandate_file(name).read_text())["handle"])
    reader = HouseholdSubscriber(
        demo.zone.kafka.client(files), f"{name}.test", int(gm[2:]), handle, demo.zone.vault(name, files)
    )
    deadline = time.monotonic() + 120
    while reader.look() is None:
        assert time.monotonic() < deadline, "no record to look at"
        reader.poll(0.5)
    reader.close()


def public_keys(demo: Demo) -> dict[str, set[bytes]]:
    """Public keys of the roles by use, as the root signed them."""
    found_keys: dict[str, set[bytes]] = {}
    for data in json.loads((demo.zone.folder.path / "directory.json").read_text()).values():
        entry = codec.decode("directory_entry", codec.decode("signed_entry", bytes.fromhex(data))["payload"])
        found_keys.setdefault(entry["use"], set()).add(entry["public_key"])
    return found_keys


def of(theft: Theft, demo: Demo, roles: tuple[str, ...], column: str) -> Theft:
    """The theft of some roles' databases, with what the column adds."""
    topic, secrets = ALSO[column]
    return replace(
        theft,
        loot=Loot(
            theft.loot.of(roles), theft.loot.topic if topic else (), secrets_of(demo, roles) if secrets else frozenset()
        ),
    )


@pytest.mark.parametrize("column", ALSO)
@pytest.mark.parametrize("said", SAID, ids=lambda s: "+".join(s.roles) or "no database")
def test_what_the_page_says_follows_and_nothing_else(demo: Demo, theft: Theft, said: Said, column: str) -> None:
    stolen = of(theft, demo, said.roles, column)
    follows = found(stolen)
    if len(said.roles) == 2 and joined(stolen.loot.of(said.roles[:1]), stolen.loot.of(said.roles[1:])):
        follows.add("joined")
    assert follows == said.follows[column]


def test_the_page_has_a_row_for_each_database_and_each_two_and_every_word_in_one_place() -> None:
    wanted = [(), *((r,) for r in ROLES), *itertools.combinations(ROLES, 2)]
    assert [s.roles for s in SAID] == wanted
    for said in SAID:
        ever = set().union(*said.follows.values())
        assert ever <= set(WORDS)
        ever |= {"some clients"} if "clients" in ever else set()
        ever |= {"joined"} if len(said.roles) < 2 else set()
        assert said.never == set(WORDS) - ever - ({"some clients"} if "clients" not in ever else set()), said.roles


def test_each_key_to_turn_has_a_turn() -> None:
    page = (ROOT / "docs" / "keys.md").read_text("utf-8")
    turning = {name for cells in rows(page, 5) if cells[2] for name in cells[0].split(", ")}
    named = {
        key for s in SAID for key in re.split(r"; with secrets: |^with secrets: |, ", s.turn) if key and key != "none"
    }
    assert named
    assert named <= turning


def test_with_intakes_and_the_keyvaults_secrets_everybody_is_found_by_number(demo: Demo, theft: Theft) -> None:
    both = of(theft, demo, ("intake", "keyvault"), "secrets")
    keys, _ = both.in_hand()
    fit = next(f for f in theft.locks.fits["elements"] if f <= keys)
    scalar = group.product(*fit)
    person_of = {r["element"]: r["person"] for r in both.loot.rows["intake.elements"]}
    named = {
        r.bsn: person
        for r in theft.people
        if (person := person_of.get(group.multiply(scalar, voprf.hash_to_group(r.bsn.encode()))))
    }
    assert len(named) == len(person_of)
    assert named == {bsn: theft.truth.person_of[bsn] for bsn in named}


def test_what_never_opened_would_have_opened_with_the_right_value(demo: Demo, theft: Theft) -> None:
    """The locks that no theft opens are no walls: two officers' shares, a sender's handle or an unkeyed hash in a row do open them."""
    shares = {
        n: next((demo.zone.folder.path / "officers" / o / "shares").iterdir()).read_bytes()
        for n, o in ((1, "dora"), (2, "eli"))
    }
    joint = bytes(32)
    for number, weight in sharing.weights([1, 2]).items():
        joint = group.total(joint, group.product(weight, shares[number]))
    secret = demo.zone.folder.secret_file("intake", "cache").read_bytes()
    row_keys = []
    for data in theft.public.delivered:
        e = Envelope.decode(data)
        identity = BoxKey(demo.zone.folder.secret_file("intake", "identity").read_bytes())
        subjects = open_identity(secret=identity, header=e.header_bytes, sealed=e.identity)["subjects"]
        row_keys += [
            hmac.digest(secret, b"row|" + e.header.sender.text.encode() + b"|" + s["handle"], "sha256")
            for s in subjects
        ]
    one, two = theft.people[:2]
    planted = {
        "sealed numbers": joint, "hashed numbers": hashlib.sha256(one.bsn.encode()).digest(),
        "addresses": address_hash(bytes(32), two.address),
    }  # fmt: skip
    rows_with = [{"planted": value} for value in (*planted.values(), *row_keys)]
    loot = replace(theft.loot, rows={**theft.loot.rows, "release.planted": rows_with})
    fits = try_all(loot, theft.people, theft.public, theft.opened).fits
    assert {name for name in (*planted, "cache") if fits[name]} == {*planted, "cache"}
    assert {name for name in (*planted, "cache") if theft.locks.fits[name]} == {"addresses"}, (
        "that one fits intake's own key"
    )
    assert all(fit & theft.loot.secrets for fit in theft.locks.fits["addresses"])


def test_a_provider_finds_its_own_clients_in_the_ledgers_rows(demo: Demo, theft: Theft) -> None:
    town, number = town_of(demo), theft.providers[0]
    own: dict[str, set[tuple[int, int]]] = defaultdict(set)
    for line, _ in town.books.standing.values():
        if int(line.provider.agb) == number:
            own[line.person.bsn].add((day_number(line.first), line.cents))
    held: dict[bytes, set[tuple[int, int]]] = defaultdict(set)
    for r in ledger_rows([r | {"row": r["row"][:80]} for r in theft.loot.rows["ledger.known_references"]], "row"):
        if r["provider"] == number and r["kind"] == Kind.DELIVERED:
            held[r["person"]].add((r["from_day"], r["cents"]))
    fitting = {bsn: [p for p, rows_of in held.items() if services <= rows_of] for bsn, services in own.items()}
    alone = {bsn: persons[0] for bsn, persons in fitting.items() if len(persons) == 1}
    assert len(alone) > len(own) / 2
    assert all(theft.truth.person_of[bsn] == person for bsn, person in alone.items())


def test_intakes_secrets_beside_the_projectors_database_give_amounts_per_address(demo: Demo, theft: Theft) -> None:
    projector = of(theft, demo, ("projector",), "alone")
    assert "addresses" not in found(projector)
    both = replace(projector, loot=replace(projector.loot, secrets=secrets_of(demo, ["intake"])))
    assert {"addresses", "amounts"} <= found(both)


def test_rekeyed_shows_in_the_clear_which_sender_named_whom(demo: Demo, theft: Theft) -> None:
    said: dict[bytes, set[int]] = defaultdict(set)
    for data in records(demo, "ledger", "rekeyed.v1"):
        envelope = codec.decode("rekeyed_envelope", codec.decode("hop_record", data)["body"])
        sender = Header.decode(envelope["header"]).sender
        if not sender.is_municipality:
            for person in persons_in(envelope["persons"]):
                said[person].add(sender.number)
    clients = theft.truth.providers
    assert sum(own <= said[person] for person, own in clients.items()) > 0.9 * len(clients)
    rekeyed = next(t for t in topics.TABLE if t.name == "rekeyed.v1")
    assert rekeyed.retention_ms == 90 * topics.DAY_MS


def test_of_a_figure_held_back_release_has_no_amount(theft: Theft) -> None:
    decisions = theft.loot.rows["release.decisions"]
    held = [r for r in decisions if not r["released"]]
    assert any(r["euros"] is not None for r in decisions)
    assert held
    assert {(r["euros"], r["households"]) for r in held} == {(None, None)}


def test_projector_and_release_know_which_households_are_under_a_mandate_and_no_reader(theft: Theft) -> None:
    under = {r["household"] for r in theft.loot.rows["projector.mandates"] if r["given"]}
    assert under
    assert under & {r["household"] for r in theft.loot.rows["release.mandated"]}
    held = scraps(
        {name: r for name, r in theft.loot.of(("projector", "release")).items() if not name.endswith("outbox")}
    )
    assert not [v for v in held if any(reader.encode() in v for reader, _ in theft.mandates)]
