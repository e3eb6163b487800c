"""The JSON API over signed releases, without a broker: cells as on the topics, one address per figure, problems that say what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from municipality_api_reading import DESCRIBED, fits
from municipality_page_builders import (
    HELD_BUURT,
    HELD_EVER_BUURT,
    JUNE,
    geography,
    record,
    released,
    released_epoch,
    usual,
)
from municipality_served import ask
from openapi_spec_validator import OpenAPIV31SpecValidator

from portals.municipality.api import AT_MOST
from portals.municipality.app import build_app
from portals.municipality.problem import PROBLEMS
from portals.municipality.words import HELD
from schemas.values import Month


def cells(query: str = "", page: Any = None) -> dict[str, Any]:
    return fits(ask(f"/api/v1/cells{query}", page), "/api/v1/cells")


def on_the_topics(epoch: int = JUNE) -> dict[tuple[str, str, int], dict[str, Any]]:
    both = [*released_epoch(epoch)["cells"], *released_epoch(epoch, level="meso")["cells"]]
    return {(c["area"], c["group"], c["service_year"]): c for c in both}


def test_the_document_is_openapi_3_1_and_names_every_address() -> None:
    OpenAPIV31SpecValidator(DESCRIBED).validate()
    app: Any = build_app(usual(), ready=lambda: True)
    served = {r.path for r in app.routes if r.path.startswith("/api/") and getattr(r, "include_in_schema", False)}
    assert set(DESCRIBED["paths"]) == served
    assert DESCRIBED["openapi"].startswith("3.1")
    assert all(set(methods) == {"get"} for methods in DESCRIBED["paths"].values())


@pytest.mark.parametrize("epoch", [JUNE - 1, JUNE])
def test_cells_are_those_of_the_topics(epoch: int) -> None:
    found = cells(f"?epoch={Month.from_index(epoch)}&limit={AT_MOST}")
    told = on_the_topics(epoch)
    assert found["total"] == len(found["cells"]) == len(told)
    assert found["next"] is None
    for fact in found["cells"]:
        cell = told.pop((fact["area"], fact["group"], fact["service_year"]))
        assert (fact["decision"], fact["euros"], fact["households"]) == (
            cell["decision"],
            cell["euros"],
            cell["households"],
        )
        assert fact["level"] == cell["area_level"]
        known = cell["known_until"]
        assert fact["known_until"] == (None if known is None else str(Month.from_index(known)))
        assert fact["note"] == (f"{HELD['nl']}." if cell["decision"] == "held" else "")
        assert cell["decision"] == "held" or fact["around"] is None
    assert told == {}


def test_every_answer_says_snapshot_date_and_completeness() -> None:
    found = cells("?limit=1")["snapshot"]
    assert (found["epoch"], found["macro_version"], found["meso_version"]) == ("2025-06", 1, 1)
    assert found["warning"].startswith("Voorlopige bescherming")
    assert {"group": "jeugdwet", "months_closed": 9, "months_asked": 12} in found["completeness"]
    assert not [c for c in found["completeness"] if c["group"] == "overig"]
    assert found["geometry_sha256"] == released_epoch()["geometry_hash"].hex()


@pytest.mark.parametrize(
    ("query", "keeps"),
    [
        ("?group=wmo", lambda c: c["group"] == "wmo"),
        ("?level=buurt", lambda c: c["area_level"] == "buurt"),
        ("?area=WK990101", lambda c: c["area"] == "WK990101"),
        ("?year=2025", lambda _: True),
        (f"?area={HELD_BUURT}&group=total&level=buurt", lambda c: c["area"] == HELD_BUURT and c["group"] == "total"),
        ("?area=WK990101&level=buurt", lambda _: False),
    ],
)
def test_filters_keep_what_they_say(query: str, keeps: Any) -> None:
    found = {(c["area"], c["group"], c["service_year"]) for c in cells(query)["cells"]}
    assert found == {cell_id for cell_id, c in on_the_topics().items() if keeps(c)}


@pytest.mark.parametrize("limit", [1, 7, 500])
def test_parts_together_are_the_whole_and_stay_in_one_snapshot(limit: int) -> None:
    found, address = [], f"/api/v1/cells?limit={limit}"
    while address:
        part = fits(ask(address), "/api/v1/cells")
        found += [c["url"] for c in part["cells"]]
        address = part["next"]
        assert address is None or "epoch=2025-06" in address
    assert len(found) == len(set(found)) == len(on_the_topics())


@pytest.mark.parametrize("cell_id", on_the_topics())
def test_each_figure_has_an_address_of_its_own(cell_id: tuple[str, str, int]) -> None:
    area, group, year = cell_id
    url = f"/api/v1/figures/2025-06/{area}/{group}/{year}"
    found = fits(ask(f"{url}?lang=en"), "/api/v1/figures/{epoch}/{area}/{group}/{year}")
    cell = on_the_topics()[cell_id]
    assert found["figure"]["url"] == url
    assert found["figure"]["euros"] == cell["euros"]
    assert found["snapshot"]["epoch"] == "2025-06"
    assert [c["group"] for c in found["completeness"]] == {
        "total": ["wmo", "jeugdwet", "participatiewet"], "overig": [], "begeleiding": ["wmo"],
    }.get(group, [group])  # fmt: skip
    assert found["completeness_note"]
    assert (found["figure"]["note"] == f"{HELD['en']}.") == (cell["decision"] == "held")


def test_a_held_area_names_what_is_around_it_and_has_nothing_of_it() -> None:
    ever = ask(f"/api/v1/figures/2025-06/{HELD_EVER_BUURT}/total/2025").json()["figure"]
    assert (ever["euros"], ever["households"], ever["known_until"]) == (None, None, None)
    assert ever["around"] == {
        "area": "WK990102",
        "area_name": "Buitenwijk & Polder",
        "euros": 2_200_000,
        "known_until": "2025-06",
    }


def test_snapshots_areas_and_groups() -> None:
    found = fits(ask("/api/v1/snapshots"), "/api/v1/snapshots")["snapshots"]
    assert [s["epoch"] for s in found] == [str(Month.from_index(e)) for e in reversed(usual().epochs())]
    assert fits(ask(found[1]["url"]), "/api/v1/snapshots/{epoch}") == found[1]
    areas = fits(ask("/api/v1/areas"), "/api/v1/areas")["areas"]
    assert {a["code"] for a in areas} == {"GM9901P"} | {
        a["code"] for a in geography()["areas"] if a["level"] != "gemeente"
    }
    assert {a["level"] for a in fits(ask("/api/v1/areas?level=cluster"), "/api/v1/areas")["areas"]} == {"cluster"}
    groups = fits(ask("/api/v1/groups?lang=en"), "/api/v1/groups")["groups"]
    assert {g["code"]: g["parent"] for g in groups} == {
        "total": None, "wmo": "total", "jeugdwet": "total", "participatiewet": "total", "overig": "total", "begeleiding": "wmo",
    }  # fmt: skip


def test_a_reader_that_has_the_answer_gets_none_again_until_the_snapshot_changes() -> None:
    first = ask("/api/v1/cells")
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = ask("/api/v1/cells", if_none_match=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert ask("/api/v1/cells", if_none_match='"x"').content == first.content
    corrected = released(
        record(geography()),
        record(released_epoch()),
        record(released_epoch(version=2)),
        meso=(record(released_epoch(level="meso")),),
    )
    assert ask("/api/v1/cells", corrected, if_none_match=tag).status_code == 200


def test_a_later_version_is_what_is_given_at_once() -> None:
    page = usual()
    app = build_app(page, ready=lambda: True)
    before = ask("/api/v1/cells?area=GM9901P&group=total", app=app).json()
    assert before["cells"][0]["euros"] == 4_400_000
    later = released_epoch(version=2)
    for cell in later["cells"]:
        if cell["area"] == "GM9901P":
            cell["euros"] = 1_000
    page.macro.take(record(later), 0)
    after = ask("/api/v1/cells?area=GM9901P&group=total", app=app).json()
    assert (after["cells"][0]["euros"], after["snapshot"]["macro_version"]) == (1_000, 2)
    assert b";1000;" in ask("/export/figures.csv", app=app).content


def test_a_value_that_was_never_published_changes_no_answer() -> None:
    epoch = released_epoch()
    for cell in epoch["cells"]:
        if cell["area"] == HELD_EVER_BUURT:
            cell |= {"euros": 777_000, "households": 15, "known_until": None}
    page = released(record(geography()), record(epoch), meso=(record(released_epoch(level="meso")),))
    usual_page = released(record(geography()), record(released_epoch()), meso=(record(released_epoch(level="meso")),))
    for path in ("/api/v1/cells", f"/api/v1/figures/2025-06/{HELD_EVER_BUURT}/total/2025", "/api/v1/snapshots"):
        assert ask(path, page).content == ask(path, usual_page).content


@pytest.mark.parametrize("lang", ["nl", "en"])
def test_the_page_about_the_api_loads_nothing_from_elsewhere(lang: str) -> None:
    answer = ask(f"/api/v1?lang={lang}")
    assert answer.status_code == 200
    for path, methods in DESCRIBED["paths"].items():
        assert f"<code>{path}</code>" in answer.text
        assert methods["get"]["summary"] in answer.text
        assert {f"<code>{p['name']}</code>" for p in methods["get"]["parameters"]} <= set(
            re.findall(r"<code>\w+</code>", answer.text)
        )
    for kind in PROBLEMS:
        assert f'id="{kind}"' in answer.text
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert "<script" not in answer.text
    assert "style=" not in answer.text
