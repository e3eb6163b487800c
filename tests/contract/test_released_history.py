"""A whole history of released topics, made by release itself, is verified with public keys alone: each way to spoil it is found and said."""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.released_files import AREAS, CELLS, check_free, groups, write
from projections.release.history import TopicHistory, across, checked, ends_with
from projections.release.signing import signed
from schemas import codec
from schemas.errors import SettingsWrong
from schemas.sealing import sha256, verify_key_of
from schemas.secrets import SigningKey
from schemas.values import Month
from tests.contract.release_world import (
    CLUSTERS,
    FIRST,
    KEY,
    MACRO,
    MESO,
    OTHER_KEY,
    World,
    at,
    care_of,
    geography,
    one,
)

pytestmark = pytest.mark.servers
Records = list[tuple[bytes, int]]
THIN = CLUSTERS[-1]
"""A cluster that is released in March, and held in June: one household outweighs the rest of it then."""


@pytest.fixture(scope="module")
def whole(postgres: Any) -> dict[str, Records]:
    """Topic -> (value, when Kafka took it in) of March 2026 (in two goes) to June 2026, and of January and February 2027."""
    dsn = {name: postgres.create_role_database(name) for name in ("release_history", "books_history")}
    world = World(dsn["release_history"], dsn["books_history"])
    world.book([row for epoch in range(4) for row in care_of(epoch)])
    world.book(one(9_999, area=THIN, epoch=4, year=2026, cents=90_000_00))
    for day in ("2026-02-20", "2026-03-20", "2026-04-01", "2026-04-09", "2026-04-16", "2026-07-20"):
        world.now = at(day)
        world.work()
    world.areas = geography(name="Nieuwe naam")
    for day in ("2026-08-20", "2027-01-20", "2027-03-20"):
        world.now = at(day)
        world.work()
    return {t: [(r.value, r.appended_ms) for r in world.topics.lying[t]] for t in (MACRO, MESO)}


def history(records: Records, topic: str = MACRO, *keys: SigningKey) -> TopicHistory:
    public = [verify_key_of(k) for k in keys or (KEY,)]
    return checked(topic, records, lambda _: public)


def payload(record: tuple[bytes, int]) -> bytes:
    return bytes(codec.decode("signed_release", record[0])["payload"])


def numbers_of(records: Records) -> list[int]:
    """Places of the epochs among all records."""
    return [i for i, r in enumerate(records) if codec.name_of(payload(r)) == "released_epoch"]


def rewritten(
    records: Records, change: Callable[[dict[str, Any]], None], *, at_place: int, key: SigningKey = KEY
) -> Records:
    """The history as a release with its key could have written it: one record says something else, and each that follows names the one before it."""
    out, last = [], bytes(32)
    for place, record in enumerate(records):
        body = payload(record)
        if codec.name_of(body) == "released_epoch":
            datum = codec.decode("released_epoch", body)
            if place == at_place:
                change(datum)
            body = codec.encode("released_epoch", datum | {"previous": last})
        last = sha256(body)
        out.append((signed(key, body), record[1]))
    return out


def place_of(records: Records, month: Month, *, awaits: bool = False) -> int:
    """Where a month's record lies."""
    for place in numbers_of(records):
        datum = codec.decode("released_epoch", payload(records[place]))
        if (datum["epoch"], datum["awaits_quarter"]) == (month.index, awaits):
            return place
    raise AssertionError(month)


def cell_of(datum: dict[str, Any], area: str, group: str = "total", year: int = 2026) -> dict[str, Any]:
    return next(c for c in datum["cells"] if (c["area"], c["group"], c["service_year"]) == (area, group, year))  # type: ignore[no-any-return]


# --- what release wrote --------------------------------------------------------------------------------------------------


def test_what_release_wrote_is_whole_over_quarters_years_and_changed_areas(whole: dict[str, Records]) -> None:
    macro, meso = history(whole[MACRO]), history(whole[MESO], MESO)
    assert (macro.faults, meso.faults, across(macro, meso)) == ([], [], [])
    months = [FIRST.plus(i).index for i in range(14)]
    assert [d["epoch"] for d in macro.epochs] == sorted([*months, Month(2026, 3).index])
    assert len(macro.geographies) == 2
    held = cell_of(meso.epochs[place_of(whole[MESO], Month(2026, 6)) - 1], "BU99010202.02")
    assert (held["decision"], Month.from_index(held["known_until"])) == ("held", Month(2026, 3)), (
        "a held cell keeps its value and its date"
    )
    assert held["euros"] is not None
    assert {c["service_year"] for c in macro.epochs[-1]["cells"]} == {2026, 2027}
    assert ends_with(macro).startswith(f"{MACRO}: 17 records, the last epoch ")
    assert "2027-02, version 15, published on 2027-03-20" in ends_with(macro)


# --- bytes and records that were tampered with, without release's key ----------------------------------------------------------


@pytest.mark.parametrize("topic", [MACRO, MESO])
def test_a_flipped_byte_anywhere_in_a_record_is_found(whole: dict[str, Records], topic: str) -> None:
    place = place_of(whole[topic], Month(2026, 4))
    value, when = whole[topic][place]
    for flipped in sorted(
        {*range(0, len(value), max(1, len(value) // 60)), 0, 9, 10, 12, len(value) - 1, len(value) - 64}
    ):
        broken = bytearray(value)
        broken[flipped] ^= 1
        found = history([*whole[topic][:place], (bytes(broken), when), *whole[topic][place + 1 :]], topic).faults
        assert f"Record {place + 1} of {topic} is not signed by release, or a byte of it was changed." in found


def test_every_record_but_the_last_is_missed_when_it_is_deleted(whole: dict[str, Records]) -> None:
    for topic in (MACRO, MESO):
        for place in range(len(whole[topic]) - 1):
            left = [*whole[topic][:place], *whole[topic][place + 1 :]]
            assert any("is not there" in f for f in history(left, topic).faults), place
    cut = {t: r[:-1] if t == MESO else r for t, r in whole.items()}
    assert across(history(cut[MACRO]), history(cut[MESO], MESO)) == [f"Only one of {MACRO} and {MESO} has 2027-02."]


def test_a_record_that_lies_there_twice_is_found_wherever_it_was_put(whole: dict[str, Records]) -> None:
    records = whole[MACRO]
    for place, where in ((0, 1), (3, 4), (3, len(records)), (1, 9), (0, len(records))):
        faults = history([*records[:where], records[place], *records[where:]]).faults
        assert f"Record {where + 1} of {MACRO} repeats record {place + 1}." in faults


def test_two_records_in_each_others_place_are_found(whole: dict[str, Records]) -> None:
    records = whole[MACRO]
    for place in range(len(records) - 1):
        swapped = [*records[:place], records[place + 1], records[place], *records[place + 2 :]]
        faults = history(swapped).faults
        assert any("out of order" in f or "lies further on" in f for f in faults), place


def test_records_of_a_stranger_or_of_another_topic_are_found(whole: dict[str, Records]) -> None:
    records = whole[MACRO]
    last = codec.decode("released_epoch", payload(records[-1]))
    forged = (
        signed(OTHER_KEY, codec.encode("released_epoch", last | {"version": last["version"] + 1})),
        records[-1][1],
    )
    assert history([*records, forged]).faults == [
        f"Record {len(records) + 1} of {MACRO} is not signed by release, or a byte of it was changed."
    ]
    assert history([*records, whole[MESO][-1]]).faults == [
        f"Record {len(records) + 1} of {MACRO} belongs to another municipality or level."
    ]
    assert history([(b"", 0)]).faults == [f"Record 1 of {MACRO} is not signed by release, or a byte of it was changed."]


# --- what release itself may never do, even with its key ---------------------------------------------------------------------------


def spoiled(
    whole: dict[str, Records],
    month: Month,
    change: Callable[[dict[str, Any]], None],
    *,
    topic: str = MACRO,
    awaits: bool = False,
) -> list[str]:
    place = place_of(whole[topic], month, awaits=awaits)
    return history(rewritten(whole[topic], change, at_place=place), topic).faults


def test_the_way_these_histories_are_rewritten_makes_no_fault_by_itself(whole: dict[str, Records]) -> None:
    assert spoiled(whole, Month(2026, 5), lambda _: None) == []


@pytest.mark.parametrize("version", [4, 6, 7])
def test_a_version_that_does_not_follow_is_found(whole: dict[str, Records], version: int) -> None:
    faults = spoiled(whole, Month(2026, 4), lambda d: d.update(version=version))
    assert any(f"has version {version}, and 5 follows" in f for f in faults)


@pytest.mark.parametrize(
    "change",
    [
        {"euros": 1_000},
        {"known_until": Month(2026, 5).index},
        {"euros": None, "known_until": None},
        {"households": 995},
    ],
)
def test_a_held_cell_whose_value_or_date_changes_is_found(whole: dict[str, Records], change: dict[str, Any]) -> None:
    faults = spoiled(whole, Month(2026, 6), lambda d: cell_of(d, "BU99010202.02").update(change), topic=MESO)
    assert any(
        "changes BU99010202.02 total of 2026 though it is held: a held cell keeps its last published value and date"
        in f
        for f in faults
    )


def test_a_figure_that_is_restated_later_is_found(whole: dict[str, Records]) -> None:
    def restate(datum: dict[str, Any]) -> None:
        cell_of(datum, "BU99010101").update(euros=1_000)

    faults = spoiled(whole, Month(2026, 4), restate)
    assert any("restates BU99010101 total of 2026: a figure that was published never changes" in f for f in faults)


def test_a_wijk_that_changes_between_the_month_and_its_quarter_is_found(whole: dict[str, Records]) -> None:
    faults = spoiled(whole, Month(2026, 3), lambda d: cell_of(d, "WK990101").update(euros=1_000))
    assert any("restates WK990101 total of 2026" in f for f in faults)


def test_a_figure_that_is_not_due_is_found(whole: dict[str, Records]) -> None:
    april = Month(2026, 4)
    faults = spoiled(whole, april, lambda d: cell_of(d, "BU99010101").update(known_until=april.index))
    assert any("gives BU99010101 total of 2026 a new figure, which is not due in this epoch" in f for f in faults)
    faults = spoiled(whole, april, lambda d: cell_of(d, "BU99010101").update(decision="held"))
    assert any("holds BU99010101 total of 2026, which is not due in this epoch" in f for f in faults)


def test_a_cell_that_goes_away_comes_twice_or_is_released_without_a_figure_is_found(whole: dict[str, Records]) -> None:
    faults = spoiled(whole, Month(2026, 4), lambda d: d["cells"].remove(cell_of(d, "WK990101", "wmo")))
    assert any("lacks WK990101 wmo of 2026, which was there before" in f for f in faults)
    faults = spoiled(whole, Month(2026, 4), lambda d: d["cells"].append(copy.copy(cell_of(d, "WK990101", "wmo"))))
    assert any("has WK990101 wmo of 2026 twice" in f for f in faults)
    faults = spoiled(
        whole, Month(2026, 6), lambda d: cell_of(d, "BU99010202.02").update(decision="released"), topic=MESO
    )
    assert any("calls BU99010202.02 total of 2026 released and gives no figure of this epoch" in f for f in faults)


@pytest.mark.parametrize(("year", "state"), [(2025, "closed"), (2028, "still to come")])
def test_a_closed_year_that_is_touched_is_found(whole: dict[str, Records], year: int, state: str) -> None:
    def touch(datum: dict[str, Any]) -> None:
        datum["cells"].append(cell_of(datum, "WK990101") | {"service_year": year})

    faults = spoiled(whole, Month(2027, 2), touch)
    assert any(f"changes WK990101 total of {year}, a year that is {state}" in f for f in faults)


def test_months_days_rules_and_areas_that_do_not_fit_are_found(whole: dict[str, Records]) -> None:
    april = Month(2026, 4)
    said = {
        "is of 2026-06, and 2026-04 follows": {"epoch": april.plus(2).index}, "was published before 2026-04 was over": {"published_on": 20_500},
        "published on an earlier day than the record before": {"published_on": 20_500}, "names other areas": {"geometry_hash": bytes(32)},
        "looser than it says it gave up": {"parameters": json.dumps({"least_contributors": 5})}, "does not name its rules' numbers": {"parameters": "5"},
        "awaits a quarter that does not end with its month": {"awaits_quarter": True},
    }  # fmt: skip
    for words, change in said.items():
        faults = spoiled(whole, april, lambda d, change=change: d.update(change))  # type: ignore[misc]
        assert any(words in f for f in faults), words
    faults = spoiled(whole, Month(2026, 3), lambda d: d.update(ledger_hash=bytes(32)))
    assert any("says the same month ended elsewhere in the ledger" in f for f in faults)


def test_two_levels_that_say_different_things_of_one_epoch_are_found(whole: dict[str, Records]) -> None:
    place = place_of(whole[MESO], Month(2027, 2))
    other = history(rewritten(whole[MESO], lambda d: d.update(ledger_hash=bytes(32)), at_place=place), MESO)
    assert other.faults == []
    assert across(history(whole[MACRO]), other) == [f"{MACRO} and {MESO} say different things of 2027-02: ledger_hash."]


def test_of_many_faults_in_one_record_five_are_told_and_the_rest_is_counted(whole: dict[str, Records]) -> None:
    faults = spoiled(whole, Month(2026, 4), lambda d: d.update(cells=[]))
    of_record = [f for f in faults if f.startswith(f"Record {place_of(whole[MACRO], Month(2026, 4)) + 1} ")]
    assert len(of_record) == 6
    assert "more faults of this kind" in of_record[-1]


# --- written out -----------------------------------------------------------------------------------------------------------


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_that_was_released_is_written_as_a_reader_has_it(whole: dict[str, Records], tmp_path: Path) -> None:
    histories = [history(whole[MACRO]), history(whole[MESO], MESO)]
    out = tmp_path / "new" / "out"
    count = write(out, histories)
    assert sorted(p.name for p in out.iterdir() if p.suffix == ".csv") == [
        "areas.csv",
        "cells.csv",
        "concentration.csv",
        "groups.csv",
        "streets.csv",
    ]
    assert (
        len(list(out.glob("manifest-GM9901-macro-*.json"))) == len(list(out.glob("manifest-GM9901-meso-*.json"))) == 15
    )
    assert (out / "cells.csv").read_text().splitlines()[
        0
    ] == "gemeente,level,area,group,service_year,epoch,version,cents,households,decision,published_on,known_until"
    cells = table(out / "cells.csv")
    assert count == len(cells) == sum(len(d["cells"]) for h in histories for d in h.epochs)
    assert tuple(cells[0]) == CELLS
    held = [c for c in cells if (c["area"], c["epoch"], c["decision"]) == ("BU99010202.02", "2026-06", "held")]
    assert [(c["known_until"], int(c["cents"]) % 100_000, c["published_on"]) for c in held] == [
        ("2026-03", 0, "2026-07-20")
    ]
    assert {c["level"] for c in cells} == {"gemeente", "placed", "wijk", "buurt", "cluster"}
    areas = {a["area"]: (a["parent"], a["level"]) for a in table(out / "areas.csv")}
    assert tuple(table(out / "areas.csv")[0]) == AREAS
    assert areas["GM9901P"] == ("", "placed")
    assert areas["WK990101"] == ("GM9901P", "wijk")
    assert areas["BU99010101.01"] == ("BU99010101", "cluster")
    assert {c["area"] for c in cells} <= set(areas)
    assert {g: dict(groups())[g] for g in ("total", "wmo", "overig")} == {
        "total": "",
        "wmo": "total",
        "overig": "total",
    }
    assert {p for g, p in groups() if p not in ("", "total")} <= {"wmo", "jeugdwet", "participatiewet"}
    assert {c["group"] for c in cells} == {g["group"] for g in table(out / "groups.csv")}
    manifest = json.loads((out / "manifest-GM9901-macro-0003.json").read_text())
    assert (manifest["epoch"], manifest["published_on"], manifest["awaits_quarter"]) == ("2026-03", "2026-04-09", True)
    assert manifest["payload_sha256"] == histories[0].hashes[2].hex()
    following = json.loads((out / "manifest-GM9901-macro-0004.json").read_text())
    assert following["previous"] == manifest["payload_sha256"]
    again = tmp_path / "again"
    write(again, histories)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {p.name: p.read_bytes() for p in again.iterdir()}


def test_a_folder_that_is_not_empty_is_refused_and_a_writing_that_fails_leaves_nothing(
    whole: dict[str, Records], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "file").touch()
    for taken in ("full", "file"):
        with pytest.raises(SettingsWrong, match="not an empty folder; name another one"):
            check_free(tmp_path / taken)
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))

    def full(*_: object) -> list[tuple[object, ...]]:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("deploy.released_files.groups", full)
        with pytest.raises(SettingsWrong, match="is the disk full"):
            write(tmp_path / "empty", [history(whole[MACRO])])
    assert sorted(tmp_path.rglob("*")) == before
    write(tmp_path / "empty", [history(whole[MACRO])])
    assert (tmp_path / "empty" / "cells.csv").exists()
