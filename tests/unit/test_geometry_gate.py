"""The ground in the zone: `operator make` takes the folder; the gate bears a buurt without clusters, and bookings of a cluster that is gone."""

from __future__ import annotations

from geometry_builders import Files
from release_builders import AREAS, CLUSTER, OTHER_CLUSTER, cell, held_too, some

from deploy.own_zone import make_zone
from deploy.zone_folder import ZoneFolder
from schemas.values import Month


def test_a_zone_is_made_of_the_folder(tmp_path) -> None:
    files = Files(tmp_path / "files")
    assert files.run().exit_code == 0
    assert make_zone(ZoneFolder(tmp_path / "zone"), {9901: files.out}, first_month=Month(2025, 1)) == 2160


def test_what_was_booked_in_a_cluster_that_went_up_in_another_stays_in_the_sums_above_it() -> None:
    contributions = some(20, area=CLUSTER) + some(20, first=100, area=OTHER_CLUSTER)
    with_it = held_too(contributions, areas=AREAS | {"cluster": [CLUSTER, OTHER_CLUSTER]})
    without = held_too(contributions, areas=AREAS)
    assert without == with_it
    assert without[cell("BU99010101")].euros == 4_000
    assert without[cell("BU99010101.02")].euros == 2_000


def test_a_buurt_without_a_cluster_is_decided_as_an_area_without_care() -> None:
    found = held_too(some(20), areas=AREAS | {"buurt": [99010101, 99010102]})
    empty = found[cell("BU99010102")]
    assert (empty.euros, empty.released) == (0, True)
    assert found[cell("WK990101")].euros == found[cell("BU99010101")].euros
