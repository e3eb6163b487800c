"""What the keyvault takes: pseudonyms with their proof, person keys on loan, and a look whose log line is acknowledged first."""

from __future__ import annotations

import datetime as dt
import os
import statistics
import time
from dataclasses import replace
from typing import Any, Final

from confluent_kafka import Producer

from deploy.admission import admit_grantor
from deploy.key_register import KeyRegister
from deploy.zone import Zone
from keyvault import group, voprf
from keyvault.client import VaultClient
from producers.municipal_mandates import new_terms
from schemas import codec
from schemas.confidentiality import Confidentiality
from schemas.errors import Refused
from schemas.household_record import COMMON_SECTION, Layout, seal_record
from schemas.secrets import SigningKey
from schemas.values import MandateHandle

_ELEMENTS, _PERSONS, _LOOKS, _SECONDS = 4_000, 50_000, 300, 60
_READER: Final = "caseworker-gm9901-bench"
_GRANTOR: Final = "grantor-gm9901-signs"


def vault(zone: Zone) -> dict[str, Any]:
    """Evaluations and keys per second, and a look in milliseconds (median and 99th of 300), beside one scalar multiplication."""
    intake, ledger = zone.vault("intake"), zone.vault("ledger")
    pinned = intake.public_key("voprf")
    intake.elements([b"warm"], pinned)
    evaluated = _per_second(_ELEMENTS, lambda: intake.elements([os.urandom(9) for _ in range(_ELEMENTS)], pinned))
    persons = [os.urandom(16) for _ in range(_PERSONS)]
    made = _per_second(_PERSONS, lambda: ledger.person_keys(persons))
    lent = _per_second(_PERSONS, lambda: ledger.person_keys(persons))
    floor = multiplications()
    looks = sorted(_looks(zone))
    for client in (intake, ledger):
        client.close()
    return {
        "multiplications_per_second_and_core": round(floor), "evaluations_per_second": round(evaluated),
        "of_multiplication_floor": round(evaluated / floor, 3), "person_keys_made_per_second": round(made),
        "person_keys_lent_per_second": round(lent), "look_median_ms": round(1000 * statistics.median(looks), 1),
        "look_p99_ms": round(1000 * looks[int(len(looks) * 0.99)], 1),
    }  # fmt: skip


def _per_second(count: int, work: Any) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def multiplications() -> float:
    """Multiplications of a point per second and core: the floor of all that is done with pseudonyms."""
    scalar = group.random_scalar()
    element = voprf.public_key(scalar)
    return _per_second(_ELEMENTS, lambda: [group.multiply(scalar.reveal(), element) for _ in range(_ELEMENTS)])


def _looks(zone: Zone) -> list[float]:
    """Seconds of each look of one reader at one record, mandate and record made by hand."""
    handle = os.urandom(16)
    _mandate(zone, handle)
    projector = zone.vault("projector")
    _, public = projector.public_key("section")
    projector.close()
    signing = SigningKey(KeyRegister.of(zone.folder).current_secret("projector", "signing"))
    card = codec.encode("household_card", {"known_on": 1, "epoch": 24_300, "members": 1, "subject": 1, "lines": []})
    sealed = seal_record(
        handle=MandateHandle(handle), version=1, sections={COMMON_SECTION: card}, vault_public=public, signing=signing,
        layout=Layout.fitting([], classes=Confidentiality().codes), household=os.urandom(16),
    )  # fmt: skip
    record = codec.decode("household_record", sealed)
    reader = zone.vault(_READER, zone.reader_certificate(_READER))
    _wait(reader, record)
    taken = []
    for _ in range(_LOOKS):
        began = time.perf_counter()
        reader.look(record)
        taken.append(time.perf_counter() - began)
    reader.close()
    return taken


def _mandate(zone: Zone, handle: bytes) -> None:
    today = dt.datetime.now(dt.UTC).date()
    grantor = admit_grantor(zone, _GRANTOR)
    terms = new_terms(
        grantor, municipality=9901, reader=_READER, purpose="coordination", ground="wmo-2.3.2", valid_from=today,
        valid_until=today + dt.timedelta(days=1),
    )  # fmt: skip
    state = {"person": os.urandom(16), "given": True, **replace(terms, handle=handle).signed(grantor.key())}
    producer = Producer(zone.kafka.client(zone.certificate("projector")) | {"acks": "all"})
    producer.produce("mandates.v1", codec.encode("mandate_state", state), partition=0)
    producer.flush(20)


def _wait(reader: VaultClient, record: dict[str, Any]) -> None:
    """Until the keyvault has read the mandate."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            reader.look(record)
        except Refused:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
