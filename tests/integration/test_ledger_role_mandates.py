"""Mandates and closed months through the ledger on a real PostgreSQL."""

from __future__ import annotations

import pytest
import structlog
import structlog.testing

from schemas import codec
from schemas.frames import ZERO16
from schemas.mandate_terms import MandateTerms
from schemas.sealing import open_events, unpadded
from schemas.values import Month, day_of
from streams.hop_store import OutboxRow
from streams.ledger_envelope import CLOSED_MONTHS
from tests.integration.ledger_in_postgres import ANNE, BRAM, Ledger, codes, person_events, receipts
from tests.unit.ledger_builders import (
    PAYER,
    PROVIDER,
    TODAY,
    KeysInMemory,
    a_mandate,
    a_mandate_change,
    sixteen,
)


@pytest.fixture
def ledger(fresh_database) -> Ledger:
    made = Ledger(fresh_database("ledger"))
    yield made
    made.store.close()


def test_a_mandate_is_written_once_and_withdrawn_later_under_its_persons_key(ledger) -> None:
    given = ledger.network.rekeyed(ledger.network.content_part(mandates=[a_mandate("H")]), [ANNE], sender="gm9901")
    changes = changes_in(ledger.take(given))
    assert [(p, c["given"], terms_in(c).municipality) for p, c in changes] == [(ANNE, True, PAYER)]
    ledger.restart()
    again = ledger.take(given)
    assert (changes_in(again), receipts(again)[0]["duplicates"]) == ([], 1)
    change = ledger.network.content_part(mandates_changed=[a_mandate_change("H", valid_until=TODAY + 3)])
    changed = ledger.take(ledger.network.rekeyed(change, [], sender="gm9901"))
    assert [(p, c["given"], terms_in(c).valid_until) for p, c in changes_in(changed)] == [(ANNE, True, TODAY + 3)]
    ledger.restart()
    assert receipts(ledger.take(ledger.network.rekeyed(change, [], sender="gm9901")))[0]["duplicates"] == 1
    back = ledger.network.content_part(mandates_withdrawn=[sixteen("H")])
    withdrawn = ledger.take(ledger.network.rekeyed(back, [], sender="gm9901"))
    assert [(p, c["given"], terms_in(c).revision) for p, c in changes_in(withdrawn)] == [(ANNE, False, 2)]
    assert receipts(withdrawn)[0]["accepted"] == 1


def terms_in(change: dict) -> MandateTerms:
    return MandateTerms.decode(change["terms"])


def changes_in(sent: list[OutboxRow]) -> list[tuple[bytes, dict]]:
    return [
        (m["person"], codec.decode("mandate_change", open_events(KeysInMemory().keys([m["person"]])[m["person"]], m["person"],
                                                                 "mandate", m["sealed"])))
        for fields in person_events(sent) for m in fields["mandates"]
    ]  # fmt: skip


def test_closed_months_travel_under_one_key_and_name_no_sender(ledger) -> None:
    month = {"payer": PAYER, "stream": "wmo", "month": Month.of(day_of(TODAY)).index, "nothing_delivered": True}
    (fields,) = person_events(ledger.take(ledger.network.rekeyed(ledger.network.content_part(months=[month]), [])))
    own = CLOSED_MONTHS
    (sealed,) = fields["months"]
    assert sealed["person"] == own != ZERO16
    packed = open_events(KeysInMemory().keys([own])[own], own, "months", sealed["sealed"])
    assert len(packed) == 512
    opened = codec.decode("months_closed", unpadded(packed))
    assert opened == {"provider": PROVIDER, "months": [month]}


def test_a_mandate_that_is_refused_is_a_line_of_the_log_that_names_nobody(ledger) -> None:
    with structlog.testing.capture_logs() as lines:
        given = ledger.network.content_part(mandates=[a_mandate("H1", ground="no code")])
        assert codes(ledger.take(ledger.network.rekeyed(given, [ANNE], sender="gm9901", number=7))) == [
            "mandate-ground"
        ]
    (line,) = [x for x in lines if x["event"] == "refused"]
    assert (line["code"], line["sender"], line["number"], line["position"]) == ("mandate-ground", "gm9901", 7, 0)
    assert ANNE.hex() not in str(line)


def test_how_many_are_under_live_mandates_outlives_the_process_and_frees_with_a_withdrawal(ledger) -> None:
    def give(handle: str, subject: int) -> list[str]:
        mandate = a_mandate(handle, subject=subject)
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
