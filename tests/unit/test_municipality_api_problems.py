"""What the API says when it can't give what was asked: which status, what is possible, and nothing of what was typed."""

from __future__ import annotations

import pytest
from municipality_api_reading import fits
from municipality_page_builders import geography, record, released
from municipality_served import ask

PATTERNS = {
    "/api/v1/cells": "/api/v1/cells",
    "/api/v1/areas": "/api/v1/areas",
    "/api/v1/snapshots": "/api/v1/snapshots/{epoch}",
}


@pytest.mark.parametrize(
    ("asked", "status", "allowed"),
    [
        ("/api/v1/cells?group=ggz", 422, "total"),
        ("/api/v1/cells?epoch=1999-01", 422, "2025-06"),
        ("/api/v1/cells?epoch=juni", 422, "2025-06"),
        ("/api/v1/cells?level=straat", 422, "buurt"),
        ("/api/v1/cells?year=1999", 422, "2025"),
        ("/api/v1/cells?year=x", 422, "YYYY"),
        ("/api/v1/cells?limit=0", 422, "1 - 2000"),
        ("/api/v1/cells?limit=2001", 422, "1 - 2000"),
        ("/api/v1/cells?limit=1e9", 422, "1 - 2000"),
        ("/api/v1/cells?offset=-1", 422, "0 - 10000000"),
        ("/api/v1/cells?offset=99999999999999999999", 422, "0 - 10000000"),
        ("/api/v1/cells?lang=de", 422, "nl"),
        ("/api/v1/cells?huishouden=1", 422, "group"),
        ("/api/v1/cells?group=wmo&group=total", 422, "group"),
        ("/api/v1/areas?area=x", 422, "level"),
        ("/api/v1/snapshots/2024-01", 404, "2025-06"),
    ],
)
def test_what_is_unknown_is_refused_with_what_is_allowed(asked: str, status: int, allowed: str) -> None:
    answer = ask(asked)
    assert answer.status_code == status
    path = asked.partition("?")[0]
    problem = fits(answer, PATTERNS.get(path, "/api/v1/snapshots/{epoch}"))
    assert problem["status"] == status
    assert allowed in problem["allowed"]
    assert allowed in problem["detail"]


@pytest.mark.parametrize(
    ("asked", "see"),
    [
        ("/api/v1/cells?area=BU00000000", "/api/v1/areas?epoch=2025-06"),
        ("/api/v1/figures/2025-06/BU00000000/total/2025", "/api/v1/cells?epoch=2025-06"),
        ("/api/v1/figures/2025-06/BU99010101/ggz/2025", "/api/v1/cells?epoch=2025-06"),
        ("/api/v1/figures/2025-06/BU99010101/total/1999", "/api/v1/cells?epoch=2025-06"),
        ("/api/v1/figures/2025-06/BU99010101/total/2025%00", "/api/v1/cells?epoch=2025-06"),
        ("/api/v1/nothing", "/api/v1"),
        ("/api/v1/nothing%0Ahere", "/api/v1"),
        ("/api/v1/%0D%0A", "/api/v1"),
        ("/api/v1/figures/2025-06", "/api/v1"),
    ],
)
def test_an_unknown_area_or_address_says_where_the_known_ones_are(asked: str, see: str) -> None:
    answer = ask(asked)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["see"] == see
    assert ask(see).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_it_can_only_be_read(method: str) -> None:
    answer = ask("/api/v1/cells", method=method)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.headers["content-type"] == "application/problem+json"


def test_nothing_that_was_typed_comes_back() -> None:
    for asked in (
        "cells?group=zeldzaam",
        "cells?zeldzaam=1",
        "cells?limit=zeldzaam",
        "zeldzaam",
        "figures/zeldzaam/a/b/c",
        "cells?area=zeldzaam",
    ):
        answer = ask(f"/api/v1/{asked}")
        assert answer.status_code in (404, 422)
        assert "zeldzaam" not in answer.text


def test_an_address_that_is_too_long_is_refused() -> None:
    assert ask("/api/v1/cells?area=" + "B" * 1_000).status_code == 414
    assert ask("/api/v1/cells?area=" + "B" * 900).status_code == 422


def test_before_all_was_read_and_before_anything_was_released_it_says_so() -> None:
    for path in (
        "/api/v1/cells",
        "/api/v1/snapshots",
        "/api/v1/figures/2025-06/GM9901P/total/2025",
        "/export/figures.csv",
    ):
        answer = ask(path, ready=False)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert ask(path, released(record(geography()))).status_code == 404


def test_a_problem_names_its_place_on_that_page() -> None:
    assert ask("/api/v1/cells?group=ggz").json()["type"] == "/api/v1#unknown-value"


def test_a_file_of_a_month_that_is_not_there_names_the_parameter_that_was_typed() -> None:
    answer = ask("/export/figures.csv?maand=1999-01")
    assert answer.status_code == 422
    assert answer.text.startswith("De waarde van maand kan hier niet.")
