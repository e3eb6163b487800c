"""What tests of erasures ask, decide and look up in the databases of a zone."""

from __future__ import annotations

import time

import psycopg
import pytest
from confluent_kafka import Consumer, TopicPartition
from runs import typed
from typer.testing import CliRunner

from deploy.admission import admit_reader
from deploy.cli import app
from deploy.key_register import KeyRegister
from deploy.zone import Zone
from keyvault.client import VaultClient
from producers.profile import Profile
from producers.publisher import Publisher
from schemas import topics
from schemas.values import day_number
from streams.config import RoleConfig
from streams.rebuild import rebuild
from tests.integration.road_by_hand import TODAY

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


def a_mandate(zone: Zone, caseworker: str, bsn: str) -> tuple[bytes, Consumer, VaultClient]:
    """Give a caseworker a mandate; its handle, the household topic from the beginning and the keyvault, both with the caseworker's certificate."""
    files = admit_reader(zone, caseworker, gm=GM)
    give = ["municipality", "mandate", "give", "GM9901", caseworker, "--grantor", GRANTORS[0]]
    given = CliRunner().invoke(app, [*give, "--data", str(zone.folder.path)], input=f"{bsn}\n")
    assert given.exit_code == 0, given.output
    topic = Consumer(zone.kafka.client(files) | {"group.id": f"{caseworker}.test", "enable.auto.commit": False})
    topic.assign([TopicPartition(topics.household_topic(9901), p, 0) for p in range(4)])
    vault = VaultClient(zone.vault_url, cert=files.cert, key=files.key, ca=files.ca)
    return bytes.fromhex(given.output.split()[-1]), topic, vault


def next_of(topic: Consumer, handle: bytes) -> bytes | None:
    """The next record of a mandate; None for its tombstone."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        message = topic.poll(1)
        if message is not None and message.error() is None and message.key() == handle:
            value: bytes | None = message.value()
            return value
    pytest.fail("no record came")


def with_todays_keys(zone: Zone, profile: Profile) -> None:
    """The municipality may have been away while what it seals to was turned, and the key before destroyed."""
    register, until = KeyRegister.of(zone.folder), time.monotonic() + 30
    current = tuple(register.current(role, use).key_id for role, use in (("intake", "identity"), ("ledger", "content")))
    with Publisher(profile) as publisher:
        while True:
            known = publisher.profile.recipients(day_number(TODAY))
            if (known.identity_key_id, known.content_key_id) == current:
                break
            assert time.monotonic() < until
            time.sleep(0.1)
