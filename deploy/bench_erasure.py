"""How long an erasure takes: from the request leaving the municipality until the keyvault signs its receipt; one by one, and many at once."""

from __future__ import annotations

import datetime as dt
import os
import statistics
import time
from typing import Any, Final

from deploy.admission import admit_grantor, admit_here
from deploy.bench_load import NewBookings
from deploy.zone import Zone
from keyvault.client import VaultClient
from producers.deliveries import Delivery
from producers.municipal_erasures import pack_asked
from producers.municipal_mandates import Grantor
from producers.packing import Packed, content_of, identity_of
from producers.profile import Profile
from producers.publisher import Publisher
from producers.town.clients import deliveries_of
from schemas.erasure import Decision, with_signature
from schemas.errors import Refused, Unavailable
from schemas.values import day_number

_MUNICIPALITY, _PROVIDER, _PER_PERSON, _CLIENTS, _SECONDS = "gm9901", "p90000091", 12, 800, 120.0
_GRANTORS: Final = ("grantor-gm9901-bench-a", "grantor-gm9901-bench-b")


def erasure(zone: Zone, *, one_by_one: int, at_once: int) -> dict[str, Any]:
    """Seconds from request to receipt of so many persons, each with a year of deliveries in the books."""
    profile = Profile.load(admit_here(zone, _MUNICIPALITY, name="Benchmark", municipalities=[9901]))
    signers = [admit_grantor(zone, name) for name in _GRANTORS]
    bsns = _delivered(zone, one_by_one + at_once)
    vault = zone.vault(_MUNICIPALITY, zone.reader_certificate(_MUNICIPALITY))
    try:
        with Publisher(profile) as publisher:
            alone = [_erased(publisher, vault, [bsn], signers) for bsn in bsns[:one_by_one]]
            together = _erased(publisher, vault, bsns[one_by_one:], signers)
    finally:
        vault.close()
    return {
        "persons_one_by_one": one_by_one, "median_seconds": round(statistics.median(alone), 2), "longest_seconds": round(max(alone), 2),
        "persons_at_once": at_once, "seconds_until_the_last": round(together, 2),
    }  # fmt: skip


def _delivered(zone: Zone, persons: int) -> list[str]:
    """Have so many persons in the books; their BSNs."""
    found: dict[str, list[Delivery]] = {}
    for item in deliveries_of(_PER_PERSON * _CLIENTS):
        found.setdefault(item.bsn.reveal(), []).append(item)
    chosen = dict(list(found.items())[:persons])
    items = [item for own in chosen.values() for item in own]
    books = NewBookings(zone.postgres.create_role_database("projector"))
    with Publisher(Profile.load(admit_here(zone, _PROVIDER, name="Benchmark", municipalities=[9901]))) as publisher:
        for item in items:
            publisher.publish(item)
        publisher.flush()
        books.wait(len(items))
    books.close()
    return list(chosen)


def _erased(publisher: Publisher, vault: VaultClient, bsns: list[str], signers: list[Grantor]) -> float:
    """Ask for and decide on each; seconds until the last receipt is signed."""
    today = day_number(dt.datetime.now(dt.UTC).date())
    requests = [os.urandom(16) for _ in bsns]
    decisions = []
    for request in requests:
        signed: Decision | bytes = Decision(
            request, 9901, granted=True, ground="avg-17", refusal="", asked_on=today, decided_on=today
        )
        for grantor in signers:
            signed = with_signature(signed, grantor.name, grantor.key_id, grantor.key())
        decisions.append(signed)
    began = time.perf_counter()
    for request, bsn in zip(requests, bsns, strict=True):
        publisher.publish_packed(pack_asked(request, bsn, publisher.profile.handle_key()), file="asked")
    publisher.publish_packed(
        Packed(identity_of(erasures_decided=decisions), content_of(), len(decisions)), file="decided"
    )
    for request in requests:
        _wait(vault, request)
    return time.perf_counter() - began


def _wait(vault: VaultClient, request: bytes) -> None:
    until = time.monotonic() + _SECONDS
    while True:
        try:
            vault.erasure_receipt(request)
        except Refused as not_yet:
            if time.monotonic() > until:
                msg = "The keyvault signs no receipt."
                raise Unavailable(msg) from not_yet
            time.sleep(0.01)
        else:
            return
