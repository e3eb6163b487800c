"""Whatever is typed behind the API's and the downloads' addresses: an answer or a sentence, never a failure, never what was typed."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from municipality_page_builders import usual
from municipality_served import ask

from portals.municipality.app import build_app
from portals.municipality.downloads import FILES

APP = build_app(usual(), ready=lambda: True)
NAMES = ["epoch", "group", "year", "level", "area", "limit", "offset", "lang", "maand", "groep", "jaar", "x"]
VALUES = [
    "2025-06",
    "2025-05",
    "total",
    "wmo",
    "begeleiding",
    "2025",
    "buurt",
    "BU99010101",
    "1",
    "2000",
    "nl",
    "en",
    "0",
    "-1",
    "",
]
typed = st.one_of(st.sampled_from(VALUES), st.text(max_size=40), st.from_regex(r"[0-9]{1,25}", fullmatch=True))
queries = st.lists(st.tuples(st.sampled_from(NAMES), typed), max_size=5)
parts = st.lists(typed, min_size=1, max_size=5)
MARK = "zq7"
"""Put into each free text: it must not come back."""


def said(query: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in query)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(["cells", "areas", "groups", "snapshots", "openapi.json", ""]), query=queries)
def test_any_query_gets_an_answer_or_a_problem(path: str, query: list[tuple[str, str]]) -> None:
    marked = [(name, value if value in VALUES else value + MARK) for name, value in query]
    answer = ask(f"/api/v1/{path}?{said(marked)}".replace("/?", "?"), app=APP)
    assert answer.status_code in (200, 404, 414, 422)
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(answer.json()) <= {"type", "title", "status", "detail", "allowed", "see"}
    assert MARK not in answer.text


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(path=parts)
@example(path=["\n"])
def test_any_address_gets_an_answer_or_a_problem(path: list[str]) -> None:
    answer = ask(
        "/api/v1/figures/" + "/".join(quote(p + MARK if p not in VALUES else p, safe="") for p in path), app=APP
    )
    assert answer.status_code in (200, 404)
    if answer.status_code == 404:
        assert answer.headers["content-type"] == "application/problem+json"
    assert MARK not in answer.text


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(FILES)), query=queries)
def test_any_choice_of_a_download_gets_a_whole_file_or_a_sentence(name: str, query: list[tuple[str, str]]) -> None:
    marked = [(n, value if value in VALUES else value + MARK) for n, value in query]
    answer = ask(f"/export/{name}?{said(marked)}", app=APP)
    assert answer.status_code in (200, 422)
    if answer.status_code == 422:
        assert answer.headers["content-type"].startswith("text/plain")
        assert MARK not in answer.text
    else:
        assert len(answer.content) > 1_000
