"""Streets from release's decision to what a stranger reads: on the meso topic, verified with public keys, and in files."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from deploy.released_files import write
from projections.release.history import checked
from schemas.sealing import verify_key_of
from schemas.values import Month
from tests.contract.release_world import CLUSTERS, GM, KEY, MACRO, MESO, World, at, care_of, geography
from tests.contract.test_released_history import cell_of, history, place_of, rewritten

pytestmark = pytest.mark.servers
THIRD = CLUSTERS[1] + 1
GROUND = [*CLUSTERS, THIRD]
CODE, CLUSTER_CODES = "BU99010101.01_02", ("BU99010101.01", "BU99010101.02")


def ground(*others: str) -> dict[str, Any]:
    """A long street over two of the three clusters of a buurt; `others`: streets that run through the second of them too."""
    pairs = [("Lange laan", CLUSTER_CODES[0]), ("Lange laan", CLUSTER_CODES[1]), ("Plein", "BU99010101.03")]
    pairs += [(name, CLUSTER_CODES[1]) for name in others]
    return geography(GROUND) | {"streets": [{"name": n, "cluster": c} for n, c in sorted(pairs)]}


@pytest.fixture(scope="module")
def world(postgres: Any) -> World:
    """March and June 2026; after that another street comes into one of the clusters, and September."""
    dsn = {name: postgres.create_role_database(name) for name in ("release_streets", "books_streets")}
    made = World(dsn["release_streets"], dsn["books_streets"], areas=ground())
    made.book([row for epoch in range(9) for row in care_of(epoch, clusters=GROUND)])
    for day in ("2026-04-20", "2026-07-20"):
        made.now = at(day)
        made.work()
    made.areas = ground("Nieuw pad")
    made.now = at("2026-10-20")
    made.work()
    return made


def records(world: World, topic: str = MESO) -> list[tuple[bytes, int]]:
    return [(r.value, r.appended_ms) for r in world.topics.lying[topic]]


def street_of(world: World, month: Month) -> dict[str, Any]:
    return next(cell_of(d, CODE) for d in world.released(MESO) if d["epoch"] == month.index)


def test_a_street_is_published_with_the_clusters_it_is_the_sum_of(world: World) -> None:
    for month, quarters in ((Month(2026, 3), 1), (Month(2026, 6), 2)):
        found = street_of(world, month)
        assert (found["area_level"], found["decision"], found["known_until"]) == ("street", "released", month.index)
        assert found["euros"] == 2 * 18 * 3_000 * quarters, (
            "two clusters of eighteen households, EUR 1,000 a month each"
        )
        assert found["households"] is None
    assert not [c for d in world.released(MACRO) for c in d["cells"] if c["area_level"] == "street"]


def test_a_street_that_is_none_any_more_stays_as_it_stood_and_the_history_is_whole(world: World) -> None:
    last = street_of(world, Month(2026, 9))
    assert last == street_of(world, Month(2026, 6))
    assert cell_of(world.released(MESO)[-1], CLUSTER_CODES[1])["known_until"] == Month(2026, 9).index
    assert (world.history(MACRO).faults, world.history(MESO).faults) == ([], [])


def test_a_street_that_is_due_and_gets_no_figure_is_a_fault_of_its_record(world: World) -> None:
    lying, june = records(world), Month(2026, 6)

    def left_as_it_was(datum: dict[str, Any]) -> None:
        cell_of(datum, CODE).update(euros=street_of(world, Month(2026, 3))["euros"], known_until=Month(2026, 3).index)

    found = history(rewritten(lying, left_as_it_was, at_place=place_of(lying, june)), MESO).faults
    assert any(f"calls {CODE} total of 2026 released and gives no figure of this epoch" in f for f in found)


def test_a_stranger_finds_the_clusters_of_a_streets_figures_by_its_area(world: World, tmp_path: Path) -> None:
    write(tmp_path / "out", [checked(t, records(world, t), lambda _: [verify_key_of(KEY)]) for t in (MACRO, MESO)])

    def table(name: str) -> list[dict[str, str]]:
        with (tmp_path / "out" / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    clusters = defaultdict(set)
    for row in table("streets.csv"):
        clusters[row["street"]].add(row["cluster"])
    cells = [c for c in table("cells.csv") if c["level"] == "street"]
    assert {c["area"] for c in cells} == {CODE}
    assert {c["gemeente"] for c in cells} == {f"GM{GM}"}
    assert clusters[CODE] == set(CLUSTER_CODES)
    assert clusters["Lange laan"] == set(CLUSTER_CODES)
    figures = {
        (c["area"], c["known_until"]): int(c["cents"]) for c in table("cells.csv") if c["group"] == "total" and c["cents"] and c["service_year"] == "2026"
    }  # fmt: skip
    known = sorted({until for area, until in figures if area == CODE})
    assert known == ["2026-03", "2026-06"]
    for until in known:
        assert abs(figures[CODE, until] - sum(figures[c, until] for c in clusters[CODE])) <= 50_000 * 3
    assert {a["level"] for a in table("areas.csv")} == {"gemeente", "placed", "wijk", "buurt", "cluster"}
