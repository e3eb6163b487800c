"""What tests of erasures ask, decide and look up in the databases of a zone."""

from __future__ import annotations

import time

import psycopg
from runs import typed
from typer.testing import CliRunner

from deploy.cli import app
from deploy.zone import Zone
from streams.config import RoleConfig
from streams.rebuild import rebuild

GM, GRANTORS = "gm9901", ("grantor-gm9901-erika", "grantor-gm9901-frits")


def refused(*words: str, bsn: str = "") -> str:
    result = CliRunner().invoke(app, words, input=f"{bsn}\n")
    assert result.exit_code == 1, result.output
    return result.output


def asked(zone: Zone, bsn: str, *, ground: str = "jeugdwet-7.3.9") -> str:
    words = ("municipality", "erase", "ask", "GM9901", "--ground", ground, "--data", str(zone.folder.path))
    result = CliRunner().invoke(app, words, input=f"{bsn}\n")
    assert result.exit_code == 0, result.output
    assert bsn not in result.output
    return result.output.split()[1].rstrip(".")


def decided(zone: Zone, request: str, *how: str) -> str:
    said = ""
    for name in GRANTORS:
        said = typed(
            "municipality",
            "erase",
            "decide",
            "GM9901",
            request,
            "--as",
            name,
            *how,
            "--yes",
            "--data",
            str(zone.folder.path),
        )
    return said


def rows(zone: Zone, role: str, query: str, *values: object) -> list[tuple]:
    with psycopg.connect(zone.postgres.create_role_database(role)) as c:
        return c.execute(query, values).fetchall()


def persons(zone: Zone) -> set[bytes]:
    return {bytes(p) for (p,) in rows(zone, "projector", "SELECT DISTINCT person FROM bookings")}


def cells(zone: Zone) -> list[tuple]:
    return rows(zone, "projector", "SELECT area, care_type, extract(year FROM date '1970-01-01' + service_day), epoch, sum(cents) "
                "FROM bookings WHERE kind = 0 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4")  # fmt: skip


def wait_for(zone: Zone, count: int) -> None:
    """Wait until so many deliveries are booked."""
    until = time.monotonic() + 30
    while rows(zone, "projector", "SELECT coalesce(sum(count), 0) FROM bookings WHERE kind = 0") != [(count,)]:
        assert time.monotonic() < until, "the projector does not come along"
        time.sleep(0.1)


def rebuilt(zone: Zone) -> bool:
    return rebuild(RoleConfig.load(zone.role_config("projector"))).equal
