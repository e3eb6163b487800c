"""Keys of people turn and are revoked on a real zone: grantors' and operators'; what was signed before stands, what a thief signs does not count."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pytest
from erasing import GM, asked, persons, rows, wait_for
from runs import told, typed
from typer.testing import CliRunner

from deploy.admission import admit_reader, grantor_folder
from deploy.cli import app
from deploy.order_commands import operator_key, place_order
from deploy.zone import Zone
from producers.municipal_erasures import Requests, decide
from producers.municipal_mandates import Grantor, change_mandate, new_terms, publish_mandate
from producers.profile import Profile
from schemas.errors import Refused
from schemas.mandate_terms import MandateTerms
from schemas.orders import Order, add_signature, signed_order
from schemas.values import MandateHandle
from tests.integration.road_by_hand import TODAY, Road, Sender, a_delivery, admitted

PROVIDER = "p98555551"
LENA, MILO, NORA = (f"grantor-gm9901-{name}" for name in ("lena", "milo", "nora"))
KAAT, RUBEN = "999900304", "999900316"


def admit_grantor(zone: Zone, name: str, *how: str) -> Grantor:
    typed("municipality", "admit-grantor", name, *how, "--data", str(zone.folder.path))
    return Grantor(name, grantor_folder(zone, name))


def gives(profile: Profile, grantor: Grantor, zone: Zone, reader: str) -> MandateTerms:
    """A mandate for Ruben, signed as this grantor. Raises `Refused`."""
    admit_reader(zone, reader, gm=GM)
    terms = new_terms(
        grantor, municipality=9901, reader=reader, purpose="coordination", ground="wmo-2.3.2", valid_from=TODAY,
        valid_until=TODAY + dt.timedelta(days=30),
    )  # fmt: skip
    publish_mandate(profile, grantor, terms, bsn=RUBEN)
    return terms


def erased(zone: Zone) -> int:
    return int(rows(zone, "keyvault", "SELECT count(*) FROM erased_persons")[0][0])


def test_a_grantors_key_turns_and_is_revoked_and_no_mandate_and_no_decision_of_the_thief_counts(
    zone: Zone, road: Road, municipality: Profile, tmp_path: Path
) -> None:
    data, sender = str(zone.folder.path), Sender(admitted(road.demo, PROVIDER))
    booked = int(rows(zone, "projector", "SELECT coalesce(sum(count), 0) FROM bookings WHERE kind = 0")[0][0])
    assert told(road, sender, sender.sealed(1, a_delivery("P1", bsn=RUBEN))) == ("0200", 1)
    wait_for(zone, booked + 1)
    brought = f"SELECT DISTINCT person FROM bookings WHERE provider = {PROVIDER.removeprefix('p')}"
    before = set(rows(zone, "projector", brought))  # whom others brought before may be anybody
    assert told(road, sender, sender.sealed(2, a_delivery("P2", bsn=KAAT))) == ("0200", 1)
    wait_for(zone, booked + 2)
    ((kaat,),) = set(rows(zone, "projector", brought)) - before
    lena, milo = admit_grantor(zone, LENA), admit_grantor(zone, MILO)
    thief = Grantor(LENA, Path(shutil.copytree(lena.folder, tmp_path / "stolen")))
    given = gives(municipality, lena, zone, "caseworker-gm9901-k1")

    lena = admit_grantor(zone, LENA, "--renew")
    assert lena.key_id != thief.key_id
    assert thief.key().reveal() not in [p.read_bytes() for p in lena.folder.glob("*.key")]
    gives(municipality, lena, zone, "caseworker-gm9901-k2")
    longer = TODAY + dt.timedelta(days=31)
    changed = change_mandate(municipality, lena, MandateHandle(given.handle), valid_until=longer)
    assert (changed.revision, changed.key_id) == (2, lena.key_id), "what the key before signed stands, and goes on"
    gives(municipality, thief, zone, "caseworker-gm9901-k3")  # a further key alone stops no thief

    revoke = ("municipality", "revoke-grantor", LENA, thief.key_id, "--data", data)
    assert f"Would be revoked: {thief.key_id}" in typed(*revoke, "--dry-run")
    answered_no = CliRunner().invoke(app, revoke, input="n\n")
    assert (answered_no.exit_code, lena.key_id in answered_no.output) == (1, False)
    gives(municipality, thief, zone, "caseworker-gm9901-k4")
    assert f"Revoked: {thief.key_id}" in typed(*revoke, "--yes")
    assert f"Revoked: {thief.key_id}" in typed(*revoke), "typed again it is told again, and nothing is asked"
    # Whoever takes a mandate of one who was admitted afterwards has heard what was told before.
    gives(municipality, admit_grantor(zone, NORA), zone, "caseworker-gm9901-k5")
    with pytest.raises(Refused) as not_taken:
        gives(municipality, thief, zone, "caseworker-gm9901-k6")
    assert not_taken.value.code == "mandate-grantor"
    thief.keep(changed)
    with pytest.raises(Refused) as not_changed:
        change_mandate(municipality, thief, MandateHandle(given.handle), valid_until=TODAY)
    assert not_changed.value.code == "mandate-grantor"
    gives(municipality, lena, zone, "caseworker-gm9901-k7")

    request, requests, done = asked(zone, KAAT), Requests.of(municipality), erased(zone)
    one = requests.read(request)
    decision = one.decided(municipality=9901, refusal="", on=TODAY)
    requests.sign(one, decision, thief)
    signed, signers = requests.sign(one, decision, milo)
    assert set(signers) == {LENA, MILO}
    with pytest.raises(Refused) as not_decided:
        decide(municipality, one, signed)
    assert not_decided.value.code == "erasure-signatures"
    vault = zone.vault("projector")
    try:
        with pytest.raises(Refused) as not_destroyed:
            vault.erase(kaat, signed)  # also asked straight away, with the projector's own certificate
    finally:
        vault.close()
    assert not_destroyed.value.code == "erasure-signatures"
    assert (erased(zone), kaat in persons(zone)) == (done, True)
    decided = ("municipality", "erase", "decide", "GM9901", request, "--as", LENA, "--grant", "--yes", "--data", data)
    assert "Last day on which a backup" in typed(*decided), "signed again with the new key it counts"
    assert (erased(zone), kaat in persons(zone)) == (done + 1, False)

    assert lena.key_id in typed("municipality", "revoke-grantor", LENA, "--yes", "--data", data), (
        "and all of one who leaves"
    )
    assert "--renew" in CliRunner().invoke(app, ["municipality", "admit-grantor", LENA, "--data", data]).output
    listed = typed("operator", "keys", "list", "--data", data)
    states = {line.split()[2]: line.split()[3] for line in listed.splitlines() if line.startswith(f"{LENA} signing")}
    assert states == {thief.key_id: "revoked", lena.key_id: "revoked"}
    for name in (f"{MILO} signing", "officer-", f"{PROVIDER} signing"):
        assert name in listed
    assert "whole and in order" in typed("operator", "log", "verify", "--data", data)


def test_an_order_signed_with_an_operators_old_key_alone_is_refused_after_the_keyvaults_next_start(zone: Zone) -> None:
    data = str(zone.folder.path)
    anne, bob = sorted(zone.folder.operators())[:2]
    order = signed_order(Order.first_load(number=3, until=TODAY, why="a turn of a key").encoded(), {})
    old = add_signature(add_signature(order, anne, operator_key(zone, anne)), bob, operator_key(zone, bob))
    renew = ("operator", "order", "admit-operator", anne, "--renew", "--data", data)
    assert "once the keyvault was started again" in typed(*renew).lower()
    assert "already" in typed(*renew), "typed twice is once"
    zone.supervisor.stop(["keyvault"])
    zone.start_role("keyvault")
    zone.supervisor.wait_ready(["keyvault"])
    with pytest.raises(Refused) as not_placed:
        place_order(zone, old)
    assert not_placed.value.code == "signature"
    place_order(zone, add_signature(old, anne, operator_key(zone, anne)))
    assert f"operator {anne}" in typed("operator", "keys", "list", "--data", data)
