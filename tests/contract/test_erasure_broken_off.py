"""An erasure broken off before each command to a database and each record to a topic: the next processes finish it, and all is as undisturbed.

From intake's unlinking to the receipt; each round erases one more person, and is broken off one step later than the round before.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from broken_off import AT_EACH, Steps, Where
from erasure_builders import a_decision, signed
from ledger_builders import TODAY, a_mandate, a_row, rows, sixteen
from three_roots import pinned
from two_worlds import Worlds, books, parted, rebuilt, the_same, told_once, total
from whole_road import DAY, GEMEENTE, ROLES, SENDER, Network, Road, address_book, envelope, network

from deploy.embedded_postgres import EmbeddedPostgres
from keyvault.access_log import first_break
from producers.packing import identity_of
from schemas import codec
from schemas.erasure_receipt import checked
from schemas.secrets import passes_eleven_test
from schemas.values import day_number

pytestmark = pytest.mark.servers
MOST = 400
BSNS = tuple(itertools.islice((b for n in range(999_900_006, 10**9) if passes_eleven_test(b := f"{n:09d}")), MOST))
LAST_YEAR = day_number(DAY.replace(year=DAY.year - 1))


def subject(n: int) -> dict[str, Any]:
    address = {"postcode": "1234AB", "number": n + 1, "suffix": ""}
    return {"handle": sixteen(BSNS[n]), "bsn": BSNS[n], "address": address, "as_of": LAST_YEAR, "born": None}


def request_of(n: int) -> bytes:
    return sixteen(f"request {n}")


def asked(made: Network, n: int) -> bytes:
    """Somebody may see a household, and asks that its member is erased."""
    identity = identity_of(subjects=[subject(n)], erasures_asked=[{"subject": 0, "request": request_of(n)}])
    return envelope(made, 2 * n + 1, identity=identity, content=made.content_part(mandates=[a_mandate(f"mandate {n}")]))


def decided(made: Network, n: int) -> bytes:
    decision = signed(a_decision(request_of(n)))
    return envelope(made, 2 * n + 2, identity=identity_of(erasures_decided=[decision]), content=made.content_part())


def is_settled_on_topic(road: Road, person: bytes) -> bool:
    """Whether the ledger's topic has taken what a person left."""
    for lane in road.topics["ledger.v1"].values():
        for _, value in reversed(lane):
            body = codec.decode("hop_record", value or b"")["body"]
            if codec.name_of(body) == "erasure_settled":
                if any(p["person"] == person for p in codec.decode("erasure_settled", body)["persons"]):
                    return True
                break
    return False


@pytest.fixture
def worlds(fresh_database: Callable[[str], str], postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Worlds]:
    made, book = network(), address_book(tmp_path, MOST)
    struck = Road({r: fresh_database(f"{r}_struck") for r in ROLES}, made, book, Steps())
    struck.start()
    for partition in range(8):
        struck.vault_store.year_keys(partition, [0, DAY.year - 1, DAY.year], DAY)
    frame = rows(
        *(a_row((n, d), subject=n, cents=1000 + n, from_day=d) for n in range(MOST) for d in (LAST_YEAR, TODAY - 60))
    )
    subjects = identity_of(subjects=[subject(n) for n in range(MOST)])
    struck.put(envelope(made, 1, sender=SENDER, identity=subjects, content=made.content_part(frame)), sender=SENDER)
    struck.run()
    with parted(struck, postgres) as both:
        yield both


@AT_EACH
def test_an_erasure_broken_off_before_any_command_or_record_ends_as_one_that_was_not(
    where_to: Where, worlds: Worlds, fresh_database: Callable[[str], str]
) -> None:
    road, still = worlds.struck, worlds.still
    made, totals = road.network, total(road)
    where_to.set(road.steps)
    for n in itertools.count():
        for data in (ask := asked(made, n), decide := decided(made, n)):
            still.put(data)
        road.put(ask)
        road.run()
        road.put(decide)
        killed = road.steps.broken_off(road.run, at=where_to.step(n))
        where = f"before step {where_to.step(n)}, {road.steps.names[-1]}"
        assert total(road) == totals, where
        done = road.vault_store.erasure(request_of(n))
        assert done is None or is_settled_on_topic(road, done.person), (
            f"{where}: the key went before what is left was safe"
        )
        if killed and not where_to.alone:
            road.start()
            road.run()
        finished(road, n, where)
        if not killed:
            break
    assert where_to.step(n) > where_to.least(commits=60, commands=150, keyvault=10), "an erasure has steps"
    still.run()
    assert total(still) == total(road) == totals
    the_same(worlds)
    assert first_break(road.log.whole()) is None
    one_each(road, 2 * (n + 1))
    for k in range(n + 1):
        assert {**receipt(road, k), **ITS_LINE} == {**receipt(still, k), **ITS_LINE}
    for lanes in (road.topics["ledger.v1"], road.topics["rekeyed.v1"]):
        told_once(lanes)
    assert rebuilt(road, fresh_database("rebuilt")) == books(road.dsns["projector"])


ITS_LINE = {"log_sequence": 0, "log_hash": b""}


def finished(road: Road, n: int, where: str) -> None:
    """Nothing is half done about the nth person: no key, no card, one receipt, on a line that is there."""
    done = road.vault_store.erasure(request_of(n))
    assert done is not None, where
    assert road.vault_store.person_keys([done.person], make=True, today=DAY) == [None], where
    handle = sixteen(f"mandate {n}")
    cards = [value for lane in road.topics[f"household.{GEMEENTE}.v1"].values() for key, value in lane if key == handle]
    assert cards[0] is not None
    assert cards[-1] is None, where
    found = receipt(road, n)
    (line,) = [r for r in road.log.lines if r["sequence"] == found["log_sequence"]][-1:]
    assert (line["hash"], line["action"], line["handle"], line["result"]) == (
        found["log_hash"],
        "erase",
        request_of(n),
        "given",
    ), where
    told = codec.decode("receipt", road.topics[f"receipts.{GEMEENTE}.v1"][0][-1][1] or b"")
    assert (told["number"], told["code"], told["accepted"]) == (2 * n + 2, "0200", 1), where


def one_each(road: Road, numbers: int) -> None:
    """One receipt for each envelope, however often it was sent."""
    told = {v for _, v in road.topics[f"receipts.{GEMEENTE}.v1"][0]}
    assert sorted(codec.decode("receipt", v or b"")["number"] for v in told) == list(range(1, numbers + 1))


def receipt(road: Road, n: int) -> dict[str, Any]:
    signed_receipt = road.clients[GEMEENTE].erasure_receipt(request_of(n))
    return checked(signed_receipt, pinned(road.network.root)).fields
