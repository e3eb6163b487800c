"""Every view of the municipal page in a real Chromium, from a phone of 320 px to a wall screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from municipality_year_builders import LAST, a_year
from playwright.sync_api import Browser, Page, expect

import portals.municipality
from portals.municipality.released import Released
from portals.municipality.words import euros

pytestmark = pytest.mark.browser
SIZES = ((320, 640), (768, 1024), (1280, 900), (2560, 1440))
ON_DESKTOP = ("map", "trend of a buurt", "wrong address")
"""Views at which axe looks in both layouts there are; at the others on the phone only."""
VIEWS = {
    "map": "?lang=en", "rate": "?maat=inwoner&gebied=BU99010201", "quarter": "?periode=kwartaal&groep=jeugdwet&lang=en", "month": "?periode=maand",
    "trend": "verloop?groep=jeugdwet", "trend of a buurt": "verloop?gebied=BU99010101&jaar=2024&lang=en", "difference": "vergelijk?maat=huishouden",
    "years": "vergelijk?met=2024-06&metjaar=2024&lang=en", "postcodes": "postcodes", "wrong address": "?maand=1999-01&gebied=x", "no such page": "nergens",
}  # fmt: skip
STATIC = Path(portals.municipality.__file__).parent / "static"
NO_HTMX = pytest.mark.skipif(
    not (STATIC / "vendor" / "6-htmx.js").exists(), reason="htmx was not fetched; `make web-assets` fetches it"
)


@pytest.fixture(scope="module")
def page_of() -> Released:
    return a_year()


def amount(page_of: Released, area: str, group: str = "total", epoch: int = LAST) -> int:
    cells = page_of.macro.epochs[epoch]["cells"]
    return next(c["euros"] for c in cells if (c["area"], c["group"], c["service_year"]) == (area, group, 2025))


@pytest.mark.parametrize("view", [v for v in VIEWS if v != "no such page"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(visit: Callable[..., Page], view: str) -> None:
    page = visit(VIEWS[view])
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
        if width == 320 or (width == 1280 and view in ON_DESKTOP):
            found = Axe().run(page)
            assert found.violations_count == 0, (width, found.generate_report())


CUT_OFF = """() => [...document.querySelectorAll('.choices select')].filter(choice => {
  const style = getComputedStyle(choice), line = document.createElement('canvas').getContext('2d');
  line.font = style.font;
  const room = choice.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 20;
  const months = [...choice.options].map(o => line.measureText(o.text).width);
  return choice.id !== 'groep' && Math.max(...months) > room;
}).map(choice => choice.id)"""
"""Ids of choices whose longest option does not fit; care types with their examples may be longer than a phone is wide."""


@pytest.mark.parametrize(
    "view", ["?maand=2024-09&maat=inwoner", "verloop?maand=2024-09", "vergelijk?met=2024-09&metjaar=2024"]
)
def test_on_a_phone_no_chosen_month_or_measure_is_cut_off(visit: Callable[..., Page], view: str) -> None:
    page = visit(view)
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate(CUT_OFF) == []


def test_a_page_that_does_not_exist_is_clear_to_axe_too(chromium: Browser, address: str) -> None:
    page = chromium.new_page()
    page.goto(address + VIEWS["no such page"])
    expect(page.locator("h2")).to_have_text("Deze pagina is er niet")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("link", name="Kaart en tabel").click()
    expect(page.locator("#kaart")).to_be_visible()
    page.close()


def test_the_first_page_is_at_most_300_kb_on_the_wire(chromium: Browser, address: str) -> None:
    page = chromium.new_page()
    wire = page.context.new_cdp_session(page)
    received: list[float] = []
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda e: received.append(e["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    assert len(received) >= 4
    assert 5_000 < sum(received) <= 300_000, received
    page.close()


def test_the_four_views_lead_to_each_other_and_keep_what_was_chosen(visit: Callable[..., Page]) -> None:
    page = visit("?gebied=WK990102&groep=wmo&maand=2025-03")
    for name, heading in (("Verloop", "#sofar"), ("Voor en na", "#kaart1"), ("Kaart en tabel", "#kaart")):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator(heading)).to_be_visible()
        expect(page.locator("#groep")).to_have_value("wmo")
        expect(page.locator("#gebiedkeuze")).to_have_value("WK990102")
        expect(page.locator("#maand")).to_have_value("2025-03")
        expect(page.locator(".pages [aria-current]")).to_have_text(name)
    page.get_by_role("link", name="Waarom niet per postcode?").first.click()
    expect(page.locator("#waarom")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_reader_goes_from_total_to_buurt_to_rate_to_trend(
    visit: Callable[..., Page], page_of: Released, scripts: bool
) -> None:
    page = visit(java_script_enabled=scripts)
    expect(page.locator(".big")).to_have_text(euros(amount(page_of, "GM9901P"), "nl"))
    page.click("#rij-WK990101")
    expect(page.locator("#gebied")).to_have_text("Lindermonde-Dorp")
    expect(page.locator(".big")).to_have_text(euros(amount(page_of, "WK990101"), "nl"))
    page.select_option("#maat", "inwoner")
    page.click("#toon")
    expect(page.locator(".big")).to_have_text(re.compile(r"^€ \d[\d.]* per inwoner$"))
    page.get_by_role("link", name="Verloop", exact=True).click()
    expect(page.locator("#became")).to_contain_text("Lindermonde-Dorp")
    page.click("#maand-2025-02")
    expect(page.locator("#gebied")).to_have_text("Lindermonde-Dorp")
    expect(page.locator("#maand")).to_have_value("2025-02")


@NO_HTMX
def test_an_area_of_a_comparison_is_chosen_on_its_map_without_leaving_it(visit: Callable[..., Page]) -> None:
    page = visit("vergelijk?met=2025-03")
    page.evaluate("window.same = true")
    page.click("#kaart3-BU99010103 path")
    name = page.locator("#rij-BU99010103").inner_text()
    expect(page.locator("#gebied")).to_have_text(name)
    assert "/vergelijk?" in page.url
    assert "met=2025-03" in page.url
    assert page.evaluate("window.same")


def test_every_table_is_sorted_by_its_headings(visit: Callable[..., Page]) -> None:
    for query in ("", "verloop", "vergelijk"):
        page = visit(query)
        table = page.locator("section", has=page.locator("#tabel")).locator("table")
        for nth in range(table.locator("thead a").count()):
            for _ in range(2):
                table.locator("thead a").nth(nth).click()
                expect(table.locator("thead th[aria-sort]")).to_have_count(1)
            assert table.locator("thead th[aria-sort]").get_attribute("aria-sort") in ("ascending", "descending")
        names = table.locator("tbody th").all_inner_texts()
        table.locator("thead a").first.click()
        expect(table.locator("thead th").first).to_have_attribute("aria-sort", "ascending")
        assert sorted(names) == sorted(table.locator("tbody th").all_inner_texts())


@pytest.mark.parametrize("view", ["rate", "trend", "difference", "postcodes"])
def test_a_print_has_the_figures_their_address_and_no_buttons(visit: Callable[..., Page], view: str) -> None:
    page = visit(VIEWS[view])
    page.emulate_media(media="print")
    expect(page.locator("#toon")).to_be_hidden()
    expect(page.locator(".pages")).to_be_hidden()
    expect(page.locator("table").last).to_be_visible()
    expect(page.locator(".address")).to_contain_text("maand=2025-06")
    page.set_viewport_size({"width": 718, "height": 1_000})
    cut = "t => t.getBoundingClientRect().right > document.documentElement.clientWidth + 1"
    assert page.evaluate(f"[...document.querySelectorAll('table, svg')].filter({cut}).length") == 0, (
        "all of it is on A4"
    )
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_incomplete_months_are_told_apart_without_colour(visit: Callable[..., Page]) -> None:
    page = visit(VIEWS["trend"])
    fills = page.evaluate("[...document.querySelectorAll('.month')].map(e => getComputedStyle(e).fill)")
    assert [("url" in fill) for fill in fills] == [False] * 4 + [True] * 2
    dashes = page.evaluate("[...document.querySelectorAll('.line')].map(e => getComputedStyle(e).strokeDasharray)")
    assert [d != "none" for d in dashes] == [False] * 3 + [True] * 2


def test_hatching_is_over_a_held_area_and_its_words_are_read_out(visit: Callable[..., Page], page_of: Released) -> None:
    page = visit("?maat=inwoner")
    park = next(a["code"] for a in page_of.figures(LAST).areas if a["name"] == "Bedrijvenpark")
    area = page.locator(f"#kaart-{park}")
    assert "Achtergehouden om huishoudens te beschermen" in area.get_attribute("aria-label")
    assert "url" in area.locator(".hatching").evaluate("e => getComputedStyle(e).fill")
    assert page.locator(".hatching").count() < page.locator(".area").count() / 2
