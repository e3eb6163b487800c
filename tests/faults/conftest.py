"""One zone whose keys are turned, for the tests of this folder that turn them one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from command_steps import template as template  # noqa: PLC0414 - a fixture
from command_steps import worlds as worlds  # noqa: PLC0414 - a fixture
from erasing import GM, GRANTORS, with_todays_keys

from deploy.admission import admit_grantor, admit_here
from deploy.bench_load import bench_zone
from deploy.zone import Zone
from producers.profile import Profile
from tests.integration.road_by_hand import Road, admitted, road_of


@pytest.fixture(scope="package")
def zone() -> Iterator[Zone]:
    """Stays until the last test of this folder."""
    with bench_zone() as made:
        yield made


@pytest.fixture
def road(request: pytest.FixtureRequest, zone: Zone) -> Iterator[Road]:
    """The road by hand, for the provider that a test's file names as PROVIDER."""
    demo: Any = SimpleNamespace(zone=zone)
    yield from road_of(demo, admitted(demo, request.module.PROVIDER))


@pytest.fixture(scope="module")
def municipality(zone: Zone) -> Profile:
    """The municipality of the zone as a sender on this machine, with two who sign."""
    folder = admit_here(zone, GM, name="Proefgemeente", municipalities=[9901])
    for name in GRANTORS:
        admit_grantor(zone, name)
    with_todays_keys(zone, Profile.load(folder))
    return Profile.load(folder)
