"""The invented town: the same seed the same bytes, shapes that tile, shares as the statistics have them, books that close."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from producers.town.commands import app
from producers.town.files import EXAMPLE_BSNS, invent, make_town
from producers.town.oracle import example_household, expected_cells, expected_households
from producers.town.people import test_bsns as all_test_bsns
from producers.town.worlds import WORLDS
from schemas.errors import SettingsWrong
from schemas.secrets import passes_eleven_test
from streams.release_geography import LEVELS
from streams.release_geography import read as read_geography


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    make_town(folder, seed=2, months=4, addresses=1500)
    return folder


@pytest.fixture(scope="module")
def big():
    return invent(seed=1, months=3, addresses=20_000)


def rows(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines, delimiter=delimiter))


def digest(folder: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return found.hexdigest()


def area_of(ring: list) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring)) / 2


def size(feature: dict) -> float:
    shape = feature["geometry"]
    rings = shape["coordinates"] if shape["type"] == "Polygon" else [p[0] for p in shape["coordinates"]]
    return sum(map(area_of, rings))


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        make_town(tmp_path / name, seed=seed, months=2, addresses=400)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_every_number_of_nine_digits_beside_a_bsn_is_a_test_number_or_fails_the_eleven_test(town) -> None:
    tests = set(all_test_bsns())
    seen, wrong = set(), set()
    for path in (town / "providers").rglob("*.xml"):
        for bsn in re.findall(r"Bsn>(\d+)<", path.read_text("utf-8")):
            (seen if bsn in tests else wrong).add(bsn)
    for path in [*town.rglob("residences.csv"), *town.rglob("leveringen*.csv")]:
        seen |= {r["BSN"] for r in rows(path, ";")}
    assert seen <= tests
    assert len(seen) > 500
    assert wrong
    assert not any(passes_eleven_test(bsn) for bsn in wrong)


def test_there_are_9091_test_numbers() -> None:
    assert len(all_test_bsns()) == 9091


def test_nobody_shares_a_number_and_a_town_of_20000_addresses_uses_all(big) -> None:
    assert len({p.bsn for p in big.people}) == len(big.people) == 9091


@pytest.mark.parametrize("gemeente", ["GM9901", "GM9902"])
def test_shapes_tile_each_level_exactly(town, gemeente) -> None:
    features = json.loads((town / gemeente / "geography.geojson").read_text("utf-8"))["features"]
    total = {f["properties"]["code"]: size(f) for f in features}
    children = defaultdict(float)
    for f in features:
        children[f["properties"]["parent"]] += total[f["properties"]["code"]]
    children.pop(None)
    assert len(children) > 3
    for code, area in children.items():
        assert area == pytest.approx(total[code])
    assert min(total.values()) > 0


def test_release_reads_the_geography_and_every_cluster_has_its_buurt(town) -> None:
    areas = read_geography(town / "GM9901", 9901, year=2025)["areas"]
    assert {a["level"] for a in areas} == set(LEVELS)
    codes = {a["code"] for a in areas}
    assert all(a["parent"] in codes for a in areas if a["level"] != "gemeente")


def test_clusters_have_200_addresses_of_the_register_unless_their_buurt_has_fewer(big) -> None:
    for municipality in big.municipalities:
        for buurt in municipality.buurten:
            counts = Counter(cluster for cluster, _, _ in {(h.cluster, h.postcode, h.number) for h in buurt.homes})
            assert len(counts) == buurt.clusters == max(counts)
            assert len(counts) == 1 or min(counts.values()) >= 200


def test_a_postcode_and_number_lie_in_one_buurt_though_some_postcodes_lie_in_two(big) -> None:
    houses, postcodes = defaultdict(set), defaultdict(set)
    for municipality in big.municipalities:
        for home in municipality.homes:
            houses[home.postcode, home.number].add(home.buurt)
            postcodes[home.postcode].add(home.buurt)
    assert {len(b) for b in houses.values()} == {1}
    assert max(len(b) for b in postcodes.values()) == 2
    assert len({(h.postcode, h.number, h.suffix) for m in big.municipalities for h in m.homes}) == 20_000


def test_the_business_park_has_hardly_anyone_and_there_are_special_addresses(big) -> None:
    kinds = Counter(h.kind for m in big.municipalities for h in m.homes)
    assert kinds["instelling"] > 5
    assert kinds["gedeeld"] > 50
    assert all(len(m.buurten[-1].homes) < 10 for m in big.municipalities)


def test_households_with_wmo_are_about_119_per_1000_and_most_have_one_service(big) -> None:
    wmo = defaultdict(int)
    for person in big.people:
        wmo[person.home.id] += sum(a.care.startswith("wmo") for a in person.arrangements)
    with_wmo = [n for n in wmo.values() if n]
    assert 0.10 < len(with_wmo) / 20_000 < 0.14
    assert 0.48 < sum(n == 1 for n in with_wmo) / len(with_wmo) < 0.65


def test_about_a_third_of_those_with_wmo_are_75_or_older(big) -> None:
    with_wmo = [p.birth_year for p in big.people if any(a.care.startswith("wmo") for a in p.arrangements)]
    assert 0.25 < sum(year <= 1950 for year in with_wmo) / len(with_wmo) < 0.45


def test_three_percent_of_the_households_have_about_half_of_the_money() -> None:
    households = Counter()
    for line, spot in invent(seed=1, months=6, addresses=5_000).books.standing.values():
        households[spot.household] += line.cents
    amounts = sorted(households.values(), reverse=True)
    assert 0.38 < sum(amounts[: round(0.03 * len(amounts))]) / sum(amounts) < 0.65


def test_a_tenth_of_the_youth_in_care_has_a_stay(big) -> None:
    youth = [p for p in big.people if p.youth and p.arrangements]
    with_stay = [p for p in youth if any(a.care in ("jw-43", "jw-44") for a in p.arrangements)]
    assert 800 < len(youth) < 1700
    assert 0.07 < len(with_stay) / len(youth) < 0.13


def test_some_25_providers_serve_all_streams_and_one_leads_in_wijkverpleging(big, town) -> None:
    described = json.loads((town / "town.json").read_text("utf-8"))
    assert 20 <= len(described["providers"]) <= 30
    assert {s for p in described["providers"] for s in p["streams"]} == {
        "wmo",
        "jeugdwet",
        "participatiewet",
        "zvw",
        "wlz",
    }
    assert sum(len(p["municipalities"]) == 2 for p in described["providers"]) >= 8
    first = next(p for p in described["providers"] if p["agb"] == "98000001")
    assert first["municipalities"] == [9901]
    assert set(first["streams"]) == {"wmo", "jeugdwet", "participatiewet", "zvw", "wlz"}
    nursing = Counter(x.provider.agb for x in big.history.lines if x.care == "zvw-wijkverpleging")
    assert nursing.most_common(1)[0][1] > 0.45 * nursing.total()


def test_the_history_nets_to_the_truth(town) -> None:
    net, stands = Counter(), Counter()
    for r in rows(town / "history.csv"):
        net[r["household"], r["area"], r["provider"], r["care_type"], r["service_year"]] += int(r["cents"])
    for r in rows(town / "truth.csv"):
        stands[r["household"], r["area"], r["provider"], r["care_type"], r["service_year"]] += int(r["cents"])
    assert {k: v for k, v in net.items() if v} == dict(stands)


def test_history_has_withdrawals_and_rebookings_and_each_rebooking_is_a_pair(town) -> None:
    kinds = Counter()
    pairs = Counter()
    for r in rows(town / "history.csv"):
        kinds[r["kind"]] += 1
        if r["kind"] == "rebooked":
            pairs[r["service"], r["epoch"]] += int(r["cents"])
    assert kinds["withdrawn"] > 5
    assert kinds["rebooked"] > 5
    assert set(pairs.values()) == {0}


def test_cells_sum_to_households(town) -> None:
    cells = sum(cents for cents, _ in expected_cells(town / "history.csv").values())
    households = sum(n * sum(v for *_, v in h) for h, n in expected_households(town / "truth.csv").items())
    assert cells == households > 0


def test_the_example_files_are_about_people_of_the_first_municipality(town) -> None:
    assert example_household(town, 9901) == EXAMPLE_BSNS[0]
    residents = {r["BSN"] for r in rows(town / "GM9901" / "2025-01" / "residences.csv", ";")}
    assert set(EXAMPLE_BSNS) <= residents


def test_a_folder_with_something_in_it_is_left_alone_but_an_interrupted_try_is_not_in_the_way(tmp_path) -> None:
    (tmp_path / ".making" / "providers").mkdir(parents=True)
    make_town(tmp_path, seed=1, months=1, addresses=400)
    before = digest(tmp_path)
    with pytest.raises(SettingsWrong, match="not empty"):
        make_town(tmp_path, seed=2, months=1, addresses=400)
    assert digest(tmp_path) == before


def test_a_strangers_file_beside_an_interrupted_try_is_not_removed(tmp_path) -> None:
    (tmp_path / ".making").mkdir()
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SettingsWrong, match="not empty"):
        make_town(tmp_path, seed=1, months=1, addresses=400)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_town_without_examples_is_refused_in_a_sentence(tmp_path) -> None:
    with pytest.raises(SettingsWrong, match="no example household"):
        example_household(tmp_path, 9901)


@pytest.mark.parametrize("world", WORLDS)
def test_every_world_can_be_made(world) -> None:
    assert len(invent(seed=6, months=2, addresses=400, world=world).books.standing) > 100


def test_each_buurt_of_that_world_has_an_institution_with_people_in_it() -> None:
    made = invent(seed=1, months=3, addresses=1500, world="institutions")
    for municipality in made.municipalities:
        for buurt in municipality.buurten:
            houses = {h.id for h in buurt.homes if h.kind == "instelling"}
            assert houses
        assert sum(p.home.kind == "instelling" and p.home.gemeente == municipality.number for p in made.people) >= 8 * (
            len(municipality.buurten) - 1
        )
    rest = [spot for line, spot in made.books.standing.values() if line.care == "wlz-verblijf" and spot.address]
    assert rest
    assert {spot.buurt for spot in rest} == {""}


def test_where_nursing_dominates_one_provider_has_nearly_all_insured_care_that_is_not_mental_health() -> None:
    made = invent(seed=1, months=3, addresses=1500, world="dominant-nursing")
    insured = Counter()
    for line, _ in made.books.standing.values():
        if line.care.startswith(("zvw-", "wlz-")) and not line.care.endswith("ggz"):
            insured[line.provider.agb] += line.cents
    assert insured["98000020"] == insured.total()


def test_the_poor_street_has_one_household_of_half_a_million() -> None:
    made = invent(seed=1, months=12, addresses=1000, world="poor-street")
    buurt, sums = Counter(), Counter()
    for line, spot in made.books.standing.values():
        buurt[spot.buurt] += line.cents
        sums[spot.buurt, spot.household] += line.cents
    (place, _), most = sums.most_common(1)[0]
    assert 30_000_000 < most < 70_000_000
    assert most > 0.5 * buurt[place]


def test_compare_says_so_and_fails_when_the_dump_is_wrong(town, tmp_path) -> None:
    cells = [(*cell, *found) for cell, found in expected_cells(town / "history.csv").items()]
    people = [
        (n, *row) for n, h in enumerate(expected_households(town / "truth.csv").elements()) for row in h
    ]  # fmt: skip
    for name, head, data in (
        ("cells", "area,group,service_year,epoch,cents,households", cells),
        ("households", "household,group,service_month,cents", people),
    ):
        with (tmp_path / f"{name}.csv").open("w", newline="") as out:
            csv.writer(out).writerows([head.split(","), *data])
    right = CliRunner().invoke(app, ["compare", "--dump", str(tmp_path), "--town", str(town)])
    assert right.exit_code == 0, right.output
    text = (tmp_path / "households.csv").read_text()
    (tmp_path / "households.csv").write_text(text.replace(f",{people[0][3]}", f",{people[0][3] + 1}", 1))
    wrong = CliRunner().invoke(app, ["compare", "--dump", str(tmp_path), "--town", str(town)])
    assert wrong.exit_code == 1
    assert "household" in wrong.output
