"""Mandates and closed months through the ledger on a real PostgreSQL."""

from __future__ import annotations

import pytest

from schemas import codec
from schemas.frames import ZERO16
from schemas.sealing import open_events
from schemas.values import Month, day_of
from streams.hop_store import OutboxRow
from streams.ledger_envelope import sender_key_id
from tests.integration.ledger_in_postgres import ANNE, BRAM, SENDER, Ledger, codes, person_events, receipts
from tests.unit.ledger_builders import PAYER, PROVIDER, TODAY, KeysInMemory, sixteen


@pytest.fixture
def ledger(fresh_database) -> Ledger:
    made = Ledger(fresh_database("ledger"))
    yield made
    made.store.close()


def test_a_mandate_is_written_once_and_withdrawn_later_under_its_persons_key(ledger) -> None:
    mandate = {
        "subject": 0, "handle": sixteen("H"), "reader": "caseworker-gm9901-1", "purpose": "coordination", "ground": "wmo-2.3.2",
        "valid_from": TODAY, "valid_until": TODAY + 30,
    }  # fmt: skip
    given = ledger.network.rekeyed(ledger.network.content_part(mandates=[mandate]), [ANNE], sender="gm9901")
    changes = changes_in(ledger.take(given))
    assert [(p, c["given"], c["municipality"]) for p, c in changes] == [(ANNE, True, PAYER)]
    ledger.restart()
    again = ledger.take(given)
    assert (changes_in(again), receipts(again)[0]["duplicates"]) == ([], 1)
    back = ledger.network.content_part(mandates_withdrawn=[sixteen("H")])
    withdrawn = ledger.take(ledger.network.rekeyed(back, [], sender="gm9901"))
    assert [(p, c["given"]) for p, c in changes_in(withdrawn)] == [(ANNE, False)]
    assert receipts(withdrawn)[0]["accepted"] == 1


def changes_in(sent: list[OutboxRow]) -> list[tuple[bytes, dict]]:
    return [
        (m["person"], codec.decode("mandate_change", open_events(KeysInMemory().keys([m["person"]])[m["person"]], m["person"],
                                                                 "mandate", m["sealed"])))
        for fields in person_events(sent) for m in fields["mandates"]
    ]  # fmt: skip


def test_closed_months_travel_under_the_senders_own_key(ledger) -> None:
    month = {"payer": PAYER, "stream": "wmo", "month": Month.of(day_of(TODAY)).index, "nothing_delivered": True}
    (fields,) = person_events(ledger.take(ledger.network.rekeyed(ledger.network.content_part(months=[month]), [])))
    own = sender_key_id(SENDER)
    (sealed,) = fields["months"]
    assert sealed["person"] == own != ZERO16
    opened = codec.decode(
        "months_closed", open_events(KeysInMemory().keys([own])[own], own, "months", sealed["sealed"])
    )
    assert opened == {"provider": PROVIDER, "months": [month]}


def test_how_many_are_under_live_mandates_outlives_the_process_and_frees_with_a_withdrawal(ledger) -> None:
    def give(handle: str, subject: int, *, last: int = 30) -> list[str]:
        mandate = {
            "subject": subject, "handle": sixteen(handle), "reader": "caseworker-gm9901-1", "purpose": "coordination", "ground": "wmo-2.3.2",
            "valid_from": TODAY, "valid_until": TODAY + last,
        }  # fmt: skip
        return codes(
            ledger.take(
                ledger.network.rekeyed(ledger.network.content_part(mandates=[mandate]), [ANNE, BRAM], sender="gm9901")
            )
        )

    assert give("H1", 0) == []
    ledger.restart()
    assert give("H2", 1) == ["mandate-limit"], "one household of so few"
    assert ledger.metric("events_refused_total", code="mandate-limit") == 1
    back = ledger.network.content_part(mandates_withdrawn=[sixteen("H1")])
    assert codes(ledger.take(ledger.network.rekeyed(back, [], sender="gm9901"))) == []
    assert give("H3", 1) == []
