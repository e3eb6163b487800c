"""The turn of the section key, broken off before each command and each record: every live mandate's newest record opens at any moment.

An operator orders it at the keyvault, the projector seals every live record anew, the keyvault destroys the key before it. Each round
turns once more, and is broken off one step later than the round before.
"""

from __future__ import annotations

import contextlib
import itertools
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from broken_off import AT_EACH, InOneProcess, Steps, Where
from ledger_builders import TODAY, a_mandate, a_row, rows, sixteen
from whole_road import GEMEENTE, ROLES, SENDER, Road, address_book, envelope, network

from deploy.certificates import Authority
from keyvault.access_log import first_break
from keyvault.mutual_tls import Caller
from producers.packing import identity_of
from schemas import codec
from schemas.errors import Refused, Unavailable
from schemas.household_record import open_section

pytestmark = pytest.mark.servers
READER, BSNS = "caseworker-gm9901-1", ("999900006", "999900018")
HANDLES = [sixteen(f"mandate {n}") for n in range(len(BSNS))]


@pytest.fixture
def road(fresh_database: Callable[[str], str], tmp_path: Path) -> Iterator[Road]:
    """Two households that a caseworker may see."""
    made = network()
    road = Road({r: fresh_database(f"{r}_turning") for r in ROLES}, made, address_book(tmp_path, 2), Steps())
    road.start()
    subjects = [
        {"handle": sixteen(b), "bsn": b, "address": {"postcode": "1234AB", "number": n + 1, "suffix": ""}, "as_of": TODAY - 90, "born": None}
        for n, b in enumerate(BSNS)
    ]  # fmt: skip
    frame = rows(*(a_row(n, subject=n, cents=100 + n, from_day=TODAY - 60) for n in range(2)))
    mandates = made.content_part(mandates=[a_mandate(f"mandate {n}", subject=n) for n in range(2)])
    identity = identity_of(subjects=subjects)
    road.put(envelope(made, 1, sender=SENDER, identity=identity, content=made.content_part(frame)), sender=SENDER)
    road.put(envelope(made, 1, identity=identity, content=mandates))
    road.run()
    with road.steps.watched():
        yield road
    road.stop()


@pytest.fixture
def reader(authority: Authority, tmp_path: Path) -> Callable[[Road], InOneProcess]:
    """The caseworker with certificate, at the keyvault of now."""
    files = authority.issue(READER, tmp_path / READER)
    caller = Caller(READER, ssl.PEM_cert_to_DER_cert(files.cert.read_text()), "127.0.0.1")

    def at(road: Road) -> InOneProcess:
        made = InOneProcess(READER, road.steps, lambda: road.routes)
        made.caller, made.key_file = caller, files.key
        return made

    return at


def newest(road: Road) -> dict[bytes, dict[str, Any]]:
    """The last record of each live mandate on the topic."""
    lanes = road.topics[f"household.{GEMEENTE}.v1"].values()
    last = {key: value for lane in lanes for key, value in lane}
    return {key: codec.decode("household_record", value) for key, value in last.items() if value is not None}


def all_open(road: Road, reader: InOneProcess, where: str) -> None:
    found = newest(road)
    assert set(found) == set(HANDLES)
    for record in found.values():
        try:
            keys = reader.look(record)
        except Refused as refused:
            pytest.fail(f"{where}: a live record does not open: {refused.code}")
        opened = open_section(secret=keys[0], record=record, index=0)  # type: ignore[arg-type]
        assert opened["members"] == 1


def keys_of(road: Road) -> dict[str, list[tuple[str, int]]]:
    """State -> id and length of each section key."""
    found: dict[str, list[tuple[str, int]]] = {}
    with psycopg.connect(road.dsns["keyvault"]) as c:
        for state, key_id, size in c.execute(
            "SELECT state, key_id, length(wrapped) FROM named_keys WHERE use = 'section'"
        ):
            found.setdefault(state, []).append((key_id, size))
    return found


def turned(road: Road, before: str) -> None:
    """What an operator and the projector's rounds do, as far as it is not done."""
    if keys_of(road)["active"][0][0] == before:
        with contextlib.suppress(Unavailable):
            road.clients["operator"].turn_section_key()
    for _ in range(3):
        road.tick()


@AT_EACH
def test_the_section_key_turns_wherever_it_is_broken_off_and_no_live_record_is_shut_for_a_moment(
    where_to: Where, road: Road, reader: Callable[[Road], InOneProcess]
) -> None:
    where_to.set(road.steps)
    for n in itertools.count():
        old, kept = keys_of(road)["active"][0][0], newest(road)
        killed = road.steps.broken_off(lambda before=old: turned(road, before), at=where_to.step(n))  # type: ignore[misc]
        where = f"before step {where_to.step(n)}, {road.steps.names[-1]}"
        if killed:
            if not where_to.alone:
                road.start()
            all_open(road, reader(road), where)
            turned(road, old)
        all_open(road, reader(road), where)
        keys = keys_of(road)
        assert {state: len(found) for state, found in keys.items()} == {"active": 1, "destroyed": n + 1}, where
        assert keys["active"][0][0] != old
        assert {size for _, size in keys["destroyed"]} == {0}, f"{where}: a destroyed key has no bytes"
        with pytest.raises(Refused) as shut:
            reader(road).look(kept[HANDLES[n % 2]])
        assert shut.value.code == "part", f"{where}: what was kept from before the turn opens no more"
        if not killed:
            break
    assert where_to.step(n) > where_to.least(commits=30, commands=60, keyvault=10), "a turn has steps"
    lines = road.log.whole()
    assert first_break(lines) is None
    for action in ("turn", "turn-end"):
        assert sum(r["action"] == action and r["result"] == "given" for r in lines) >= n + 1
