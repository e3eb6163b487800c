"""`zorgstroom municipality geometry`: from files of CBS to the folder that intake and release read, kept for five years."""

from __future__ import annotations

import ast
import csv
import hashlib
import shutil
from pathlib import Path

import pytest
from geometry_builders import (
    BUURTEN,
    GEMEENTE,
    SIDE,
    SOUTH,
    WEST,
    YEAR,
    Files,
    addresses,
    boundaries,
    collection,
    extract,
    feature,
    population,
    postcode,
    register,
    spots,
    square,
)  # fmt: skip
from shapely.geometry import shape

from schemas.geography import area_code
from schemas.values import Address
from streams import release_geography
from streams.address_book import AddressBook

SINGLE = BUURTEN[0]


@pytest.fixture
def files(tmp_path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def placed(files) -> Files:
    files.write("places.csv", extract(spots(addresses())))
    files.write("population.csv", population())
    return files


def digest(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()
    }


def test_intake_and_release_read_the_folder_and_every_address_has_its_cluster(placed) -> None:
    assert placed.run().exit_code == 0
    datum = release_geography.read(placed.out, GEMEENTE, year=1999)
    assert (datum["year"], datum["population_year"], datum["name"]) == (YEAR, YEAR, "Lindermonde")
    whole = next(a for a in datum["areas"] if a["level"] == "gemeente")
    assert (whole["inhabitants"], whole["under_18"], whole["aged_75_and_over"], whole["households"]) == (
        4800,
        960,
        480,
        2400,
    )
    book = AddressBook.read([placed.out])
    clusters = {a["code"] for a in datum["areas"] if a["level"] == "cluster"}
    for code, number, buurt in addresses():
        found = book.locate(Address.parse(code, str(number), ""))
        assert found is not None
        assert area_code(found.area) in clusters
        assert found.area // 100 == buurt
    assert {area_code(a) for a in book.per_area()} == clusters
    assert {s["cluster"] for s in datum["streets"]} == clusters


def test_clusters_have_200_addresses_hang_together_and_fill_their_buurt(placed) -> None:
    assert placed.run().exit_code == 0
    features = {f["properties"]["code"]: f for f in placed.geojson()["features"]}
    for buurt in BUURTEN:
        own = [f for f in features.values() if f["properties"]["parent"] == f"BU{buurt:08d}"]
        assert len(own) == 3
        assert all(f["properties"]["addresses"] >= 200 for f in own)
        shapes = [shape(f["geometry"]) for f in own]
        assert all(s.geom_type == "Polygon" for s in shapes), "neighbours make one piece"
        assert sum(s.area for s in shapes) == pytest.approx(SIDE * SIDE, abs=50)


def test_a_cluster_is_called_by_its_streets_and_each_name_is_there_once(placed) -> None:
    assert placed.run().exit_code == 0
    names = [f["properties"]["name"] for f in placed.geojson()["features"] if f["properties"]["level"] == "cluster"]
    assert all("Laan" in n for n in names)
    assert len(set(names)) == len(names)


def test_without_a_third_file_postcodes_go_by_alphabet_are_listed_and_no_street_is_named(files) -> None:
    result = files.run()
    assert result.exit_code == 0
    assert "listed and not drawn" in result.output
    drawn = files.geojson()
    assert drawn["streets"] == []
    clusters = [f for f in drawn["features"] if f["properties"]["level"] == "cluster"]
    assert all(f["geometry"] is None for f in clusters)
    for one in clusters:
        own = one["properties"]["postcodes"]
        assert own == sorted(own)
        assert f"{own[0]}-{own[-1]}" in one["properties"]["name"]


def test_cbs_postcode_areas_draw_clusters_too(files) -> None:
    corners = {p: (x - x % 80 + 0, y - y % 80) for p, _, _, x, y in spots(addresses())}
    features = [
        {"type": "Feature", "properties": {"postcode6": p}, "geometry": square(x, y, 80)}
        for p, (x, y) in corners.items()
    ]
    files.write("places.geojson", collection(features))
    result = files.run()
    assert result.exit_code == 0
    assert "listed and not drawn" not in result.output
    assert "Streets: none known" in result.output


def test_a_buurt_with_fewer_addresses_is_one_cluster_and_one_without_has_none(files) -> None:
    files.write("register.csv", register(addresses({BUURTEN[0]: 5, BUURTEN[1]: 30})))
    assert files.run().exit_code == 0
    own = files.clusters()
    assert [c for c in own if c.startswith(f"BU{BUURTEN[0]:08d}")] == [f"BU{BUURTEN[0]:08d}.01"]
    assert not [c for c in own if c.startswith(f"BU{BUURTEN[2]:08d}")]


def test_the_same_files_in_another_order_give_the_same_bytes(placed, tmp_path) -> None:
    other = Files(tmp_path / "other")
    other.write("boundaries.geojson", collection([feature(b, n) for n, b in reversed(list(enumerate(BUURTEN)))]))
    other.write("register.csv", register(reversed(addresses())))
    other.write("places.csv", extract(reversed(spots(addresses()))))
    other.write("population.csv", population())
    assert placed.run().exit_code == other.run().exit_code == 0
    assert digest(placed.out) == digest(other.out)


def test_a_second_run_keeps_the_clusters_though_places_are_other_ones(placed) -> None:
    placed.run()
    before = placed.clusters()
    turned = [(p, n, s, 2 * WEST + 3 * SIDE - x, y) for p, n, s, x, y in spots(addresses())]
    placed.write("places.csv", extract(turned))
    result = placed.run("--yes")
    assert result.exit_code == 0
    assert placed.clusters() == before
    assert f"Kept as they were: {len(before)} clusters" in result.output
    assert f"boundaries of {YEAR + 5}" in result.output


def test_a_new_postcode_joins_a_neighbours_cluster_and_nothing_else_changes(placed) -> None:
    placed.run()
    before = placed.clusters()
    more = [*addresses(), ("9999ZZ", 1, SINGLE)]
    placed.write("register.csv", register(more))
    placed.write("places.csv", extract([*spots(addresses()), ("9999ZZ", 1, "Nieuwlaan", WEST + 10, SOUTH + 10)]))
    result = placed.run("--yes")
    assert "joined a neighbour's cluster: 1 (9999ZZ)" in result.output
    after = placed.clusters()
    beside = next(c for c, own in before.items() if postcode(0) in own)
    assert after == before | {beside: [*before[beside], "9999ZZ"]}


def test_a_cluster_that_fell_below_200_addresses_goes_up_whole_in_a_neighbour_and_its_number_is_never_given_again(
    placed,
) -> None:
    placed.run()
    before = placed.clusters()
    shrinking = f"BU{SINGLE:08d}.02"
    gone = set(before[shrinking][1:])
    placed.write("register.csv", register(r for r in addresses() if r[0] not in gone))
    result = placed.run("--yes")
    assert f"{shrinking} has fewer than 200 addresses now and went up in its neighbour" in result.output
    after = placed.clusters()
    assert shrinking not in after
    into = next(c for c, own in after.items() if before[shrinking][0] in own)
    assert after == {c: own for c, own in before.items() if c != shrinking} | {
        into: sorted([*before[into], before[shrinking][0]])
    }
    assert f"{shrinking};{into}" in (placed.out / "former_clusters.csv").read_text()
    placed.write("register.csv", register(addresses()))
    placed.run("--yes")
    assert shrinking not in placed.clusters()
    assert f"{shrinking};{into}" in (placed.out / "former_clusters.csv").read_text()


def test_clusters_are_drawn_anew_after_five_years_and_not_before_under_numbers_of_their_own(placed) -> None:
    placed.run()
    before = placed.clusters()

    def in_year(year: int) -> None:
        placed.write("boundaries.geojson", collection([feature(b, n, jaar=year) for n, b in enumerate(BUURTEN)]))
        placed.write("register.csv", register(addresses(), year))
        placed.write("population.csv", population(year))

    in_year(YEAR + 4)
    early = placed.run("--yes", "--anew")
    assert early.exit_code == 2
    assert f"boundaries of {YEAR + 5}" in " ".join(early.output.split())
    assert placed.run("--yes").exit_code == 0
    assert placed.clusters() == before
    in_year(YEAR + 5)
    assert placed.run("--yes", "--anew").exit_code == 0
    assert not set(placed.clusters()) & set(before)


def test_a_buurt_that_got_another_code_keeps_its_clusters(placed) -> None:
    placed.run()
    before = placed.clusters()
    other = 99010199
    renamed = [other if b == SINGLE else b for b in BUURTEN]
    placed.write("boundaries.geojson", collection([feature(b, n) for n, b in enumerate(renamed)]))
    placed.write("register.csv", register((p, n, other if b == SINGLE else b) for p, n, b in addresses()))
    (placed.folder / "population.csv").unlink()
    assert placed.run("--yes").exit_code == 0
    old = sorted(own for c, own in before.items() if c.startswith(f"BU{SINGLE:08d}"))
    assert sorted(own for c, own in placed.clusters().items() if c.startswith(f"BU{other:08d}")) == old


def test_special_addresses_are_kept_and_begun_empty(files) -> None:
    files.run()
    special = files.out / "special_addresses.csv"
    assert special.read_text().splitlines() == ["PC6;Huisnummer;Toevoeging;Soort"]
    special.write_text(special.read_text() + f"{postcode(0)};1;;instelling\n")
    files.write("register.csv", register(addresses()[1:]))
    assert files.run("--yes").exit_code == 0
    assert "instelling" in special.read_text()


def test_it_says_what_it_would_write_over_asks_and_leaves_nothing_beside(placed) -> None:
    assert "[y/N]" not in placed.run().output, "into an empty folder it just writes"
    placed.write("register.csv", register(addresses()[1:]))
    before = digest(placed.out)
    dry = placed.run("--dry-run")
    assert "would be written over" in dry.output
    assert "Nothing was written" in dry.output
    assert placed.run(answer="n\n").exit_code == 1
    assert digest(placed.out) == before
    assert placed.run(answer="y\n").exit_code == 0
    assert digest(placed.out) != before
    assert set(digest(placed.out)) == set(before)
    assert "[y/N]" not in placed.run().output, "nothing would change"


def test_the_drawing_shows_every_cluster_and_text_from_a_file_is_never_markup(placed) -> None:
    placed.write("boundaries.geojson", boundaries().replace("Lindermonde", "<script>alert(1)</script>"))
    placed.run()
    page = (placed.out / "geometry.html").read_text("utf-8")
    assert "<script" not in page
    assert page.count('<path class="cluster"') == len(placed.clusters())
    assert all(code in page for code in placed.clusters())


def test_the_register_written_is_the_municipalitys_own_part_of_a_national_one(files) -> None:
    elsewhere = [("1234AB", 1, 12345678)]
    files.write("register.csv", register([*elsewhere, *addresses()]))
    assert files.run().exit_code == 0
    with (files.out / "address_register.csv").open() as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    assert len(rows) == len(addresses()) + 1
    assert rows[0] == ["PC6", "Huisnummer", f"Buurt{YEAR}", f"Wijk{YEAR}", f"Gemeente{YEAR}"]


@pytest.mark.parametrize("at", range(6))
def test_broken_off_between_two_files_the_same_command_ends_with_the_same_folder(
    placed, tmp_path, monkeypatch, at
) -> None:
    placed.run()
    shrinking = set(placed.clusters()[f"BU{SINGLE:08d}.02"][1:])
    placed.write("register.csv", register([*(r for r in addresses() if r[0] not in shrinking), ("9999ZZ", 1, SINGLE)]))
    shutil.copytree(placed.out, tmp_path / "kept")
    assert placed.run("--yes").exit_code == 0
    whole = digest(placed.out)
    shutil.rmtree(placed.out)
    (tmp_path / "kept").rename(placed.out)
    replace, done = Path.replace, []

    def broken(path: Path, target: Path) -> Path:
        if len(done) == at:
            raise KeyboardInterrupt
        done.append(path.name)
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", broken)
        assert placed.run("--yes").exit_code == (1 if at < 5 else 0)
    assert len(done) == min(at, 5)
    (placed.out / ".drawing").mkdir(exist_ok=True)  # what kill -9 leaves
    assert placed.run("--yes").exit_code == 0
    assert digest(placed.out) == whole
    assert not (placed.out / ".drawing").exists()


def test_nothing_that_draws_knows_of_care() -> None:
    root = Path(__file__).parents[2]
    drawing = [
        *(root / "projections" / "geometry").glob("*.py"),
        root / "deploy" / "geometry_command.py",
        root / "deploy" / "geometry_folder.py",
    ]
    assert len(drawing) > 12
    own = {
        "projections.geometry",
        "deploy.geometry_folder",
        "deploy.commands_frame",
        "schemas.errors",
        "schemas.geography",
        "streams.address_book",
        "streams",
    }
    for path in drawing:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            if module and module.split(".")[0] in (
                "schemas",
                "producers",
                "keyvault",
                "projections",
                "streams",
                "deploy",
            ):
                assert module in own or module.startswith("projections.geometry."), f"{path.name}: {module}"
