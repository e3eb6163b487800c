"""The downloads beside the page: each under an address that says what it is of, whole or not at all."""

from __future__ import annotations

import concurrent.futures
import re
import threading
import time
from pathlib import Path

import pytest
from municipality_page_builders import JUNE, geography, record, released, released_epoch
from municipality_served import ask

from portals.municipality.downloads import FILES
from portals.municipality.exports.csv_file import csv_bytes
from portals.municipality.exports.geojson import geojson_bytes
from portals.municipality.exports.shelf import Shelf
from portals.municipality.exports.snapshot import Snapshot


def expected(epoch: int = JUNE) -> Snapshot:
    return Snapshot(released_epoch(epoch), released_epoch(epoch, level="meso"), geography())


@pytest.mark.parametrize("name", FILES)
def test_each_file_comes_as_what_it_is_with_its_month_in_the_name(name: str) -> None:
    answer = ask(f"/export/{name}?maand=2025-05")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == FILES[name].media_type
    stem, _, ending = name.partition(".")
    assert answer.headers["content-disposition"] == f'attachment; filename="zorgstroom-GM9901-2025-05-{stem}.{ending}"'
    assert ask(f"/export/{name}?maand=2025-05", if_none_match=answer.headers["etag"]).status_code == 304
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_the_address_chooses_month_group_year_and_language() -> None:
    assert ask("/export/figures.csv?maand=2025-05&lang=en").content == csv_bytes(expected(JUNE - 1), "en")
    assert ask("/export/figures.csv").content == csv_bytes(expected(), "nl")
    made = ask("/export/areas.geojson?groep=wmo&jaar=2025").content
    assert made == geojson_bytes(expected(), "nl", group="wmo", year=2025)


def test_the_pages_other_choices_change_nothing() -> None:
    plain = ask("/export/figures.xlsx").content
    assert ask("/export/figures.xlsx?gebied=BU99010101&volgorde=euro&maat=inwoner&groep=wmo").content == plain


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ("figures.xlsx?maand=1999-01", 422, "2025-06, 2025-05"), ("areas.geojson?groep=ggz", 422, "total, wmo"), ("figures.csv?jaar=1999", 422, "2025"),
        ("everything.zip", 404, "/export/figures.xlsx"), ("..%2Fapp.py", 404, ""), ("figures.xlsx%00", 404, "/export/figures.xlsx"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_a_sentence(asked: str, status: int, says: str) -> None:
    answer = ask(f"/export/{asked}")
    assert answer.status_code == status
    assert says in answer.text
    assert "Traceback" not in answer.text


def test_the_links_on_the_page_carry_its_choice() -> None:
    text = ask("/?maand=2025-05&groep=wmo&jaar=2025&lang=en").text
    for name in FILES:
        (link,) = {part.split('"')[0] for part in text.split('href="')[1:] if part.startswith(f"/export/{name}")}
        assert "maand=2025-05" in link
        assert "groep=wmo" in link
        assert ask(link.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [*(f"/export/{name}" for name in FILES), "/api/v1/cells", "/api/v1/groups", "/api/v1/areas", "/api/v1/snapshots"],
)
@pytest.mark.parametrize("ground", [True, False])
def test_an_epoch_without_any_cell_can_be_asked_for_too(path: str, ground: bool) -> None:
    bare = record(released_epoch(cells=[], completeness=[]))
    answer = ask(path, released(record(geography()), bare) if ground else released(bare))
    assert answer.status_code == 200
    assert len(answer.content) > 50


def test_a_file_is_made_once_however_many_wait_and_a_failure_is_not_kept() -> None:
    shelf, made, entered = Shelf(), [], threading.Barrier(20)

    def make() -> bytes:
        time.sleep(0.05)
        made.append(1)
        if len(made) == 1:
            raise ValueError
        return b"whole"

    def take(_: int) -> bytes | None:
        entered.wait(10)
        try:
            return shelf.take(snapshot, "file", make).data
        except ValueError:
            return None

    snapshot = expected()
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        found = list(threads.map(take, range(20)))
    assert found.count(b"whole") == 19
    assert len(made) == 2


def test_the_shelf_forgets_what_was_asked_for_longest_ago() -> None:
    shelf, snapshot, made = Shelf(), expected(), []
    for n in (*range(60), 59, 0):
        shelf.take(snapshot, n, lambda n=n: made.append(n) or b"x")  # type: ignore[func-returns-value]
    assert made == [*range(60), 0]


def test_every_address_in_the_documentation_answers() -> None:
    text = (Path(__file__).parents[2] / "docs" / "municipality-api.md").read_text("utf-8")
    addresses = set(re.findall(r"`(/(?:export|api)/[^`]*)`", text))
    assert len(addresses) > len(FILES) + 6
    for address in addresses:
        assert ask(address).status_code == 200, address
    assert {f"/export/{name}" for name in FILES} <= {address.partition("?")[0] for address in addresses}
