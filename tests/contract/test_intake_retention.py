"""Intake lets a preview stand before anybody goes whose retention period has passed, on a real PostgreSQL: who is named meanwhile stays."""

from __future__ import annotations

import numpy as np
import pytest
from erasure_builders import REQUEST, a_decision, signed
from retention_builders import IDENTITY, IDENTITY_ID, PREVIEW, SINCE, a_notice, a_standing, a_use, key_of
from test_intake_erasure import ANNE, BRAM, Heard, Placing, PostgresHopStore, lives, placing, rows, store, who

from producers.packing import identity_of
from schemas import codec
from schemas.frames import PLACEMENT_ROW
from schemas.retention import FRESH_DAYS, request_of
from schemas.sealing import box_public_key, seal_to
from streams import intake_store
from streams.intake_erasure import ErasureDesk
from streams.intake_retention import named

pytestmark = pytest.mark.servers
__all__ = ["placing", "store"]
CHECKED = SINCE + PREVIEW + 1


def say(store: PostgresHopStore, *said: bytes, on: int, gemeente: int = 9901) -> Heard:
    identity = identity_of(erasures_decided=list(said))
    with store.transaction() as tx:
        return ErasureDesk(gemeente, key_of, on, {IDENTITY_ID: IDENTITY}).hear(tx, identity, [], {})


def code(store: PostgresHopStore, said: bytes, *, on: int = CHECKED, gemeente: int = 9901) -> str:
    (row,) = say(store, said, on=on, gemeente=gemeente).rows
    return str(row["code"])


def test_who_is_due_goes_when_the_preview_has_stood_and_leaves_no_row(
    store: PostgresHopStore, placing: Placing
) -> None:
    (anne,) = who(store, ANNE)
    lives(store, placing, anne)
    early, ripe = a_notice(anne, checked_on=SINCE), a_notice(anne)
    use = a_use(ripe)
    assert code(store, use) == "retention-waits", "nobody could look at it"
    assert code(store, early, on=SINCE) == "0200"
    assert code(store, a_use(early)) == "retention-notice"
    assert rows(store, anne)["elements"] == 1
    (row,) = say(store, use, on=CHECKED).rows
    assert (row["code"], row["person"], row["decision"], row["request"]) == ("0200", anne, use, request_of(anne))
    assert rows(store, anne) == {}
    (again,) = say(store, use, on=CHECKED).rows
    assert again == row, "said again it is the same, for the ledger to hear"
    assert code(store, early, on=SINCE) == "retention-notice", "no preview of someone who is gone"
    assert who(store, ANNE) != [anne]


def test_the_preview_counts_from_when_intake_heard_of_it_not_from_what_a_municipality_says(
    store: PostgresHopStore,
) -> None:
    (anne,) = who(store, ANNE)
    say(store, a_notice(anne, checked_on=SINCE + 2), on=SINCE + 2)
    assert code(store, a_use(a_notice(anne))) == "retention-waits"
    assert code(store, a_notice(anne), on=CHECKED) == "0200", "said again it does not begin anew"
    assert code(store, a_use(a_notice(anne, checked_on=SINCE + 2 + PREVIEW))) == "0200"


def test_who_gets_care_in_between_stays_and_the_preview_begins_anew(store: PostgresHopStore) -> None:
    anne, bram = who(store, ANNE, BRAM)
    say(store, a_notice(anne, checked_on=SINCE), a_notice(bram, checked_on=SINCE), on=SINCE)
    with store.transaction() as tx:
        named(tx, {anne})
    assert [code(store, a_use(a_notice(p))) for p in (anne, bram)] == ["retention-waits", "0200"]
    assert rows(store, anne) == {"elements": 1}
    say(store, a_notice(anne), on=CHECKED)
    assert code(store, a_use(a_notice(anne))) == "retention-waits"


def test_a_refused_request_and_an_open_one_go_first(store: PostgresHopStore) -> None:
    (anne,) = who(store, ANNE)
    say(store, a_notice(anne, checked_on=SINCE), on=SINCE)
    asked = identity_of(erasures_asked=[{"subject": 0, "request": REQUEST}])
    with store.transaction() as tx:
        ErasureDesk(9901, key_of, SINCE, {}).hear(tx, asked, [anne], {})
    assert code(store, a_use(a_notice(anne))) == "retention-kept"
    assert code(store, signed(a_decision(granted=False))) == "0200"
    assert code(store, a_use(a_notice(anne))) == "retention-kept"
    assert rows(store, anne) == {"elements": 1}


def test_only_the_municipality_it_is_for_while_the_person_lives_there(
    store: PostgresHopStore, placing: Placing
) -> None:
    (anne,) = who(store, ANNE)
    say(store, a_notice(anne, checked_on=SINCE), on=SINCE)
    assert code(store, a_notice(anne), gemeente=9902) == "retention-notice"
    assert code(store, a_use(a_notice(anne)), gemeente=9902) == "retention-notice"
    assert code(store, a_use(a_notice(anne)), on=CHECKED + FRESH_DAYS + 1) == "retention-notice", (
        "nobody kept it for later"
    )
    assert code(store, a_use(a_notice(anne)), on=CHECKED - 2) == "retention-notice", "the projector's clock is ahead"
    assert code(store, a_notice(anne), on=CHECKED - 2) == "retention-notice"
    lives(store, placing, anne)  # in 9901
    with store.transaction() as tx:
        moved = np.frombuffer(intake_store.placement(tx, anne), PLACEMENT_ROW).copy()
        moved["area"] = 9902_01_01_03
        tx.execute("UPDATE placements SET packed = %s WHERE person = %s", (moved.tobytes(), anne))
    assert code(store, a_use(a_notice(anne))) == "erasure-elsewhere"


def test_a_standing_decision_that_was_ended_counts_no_more_and_another_does(store: PostgresHopStore) -> None:
    (anne,) = who(store, ANNE)
    say(store, a_notice(anne, checked_on=SINCE), on=SINCE)
    ended = codec.encode("retention_ended", {"decision": b"d" * 16})
    assert code(store, ended, gemeente=9902) == "0200"
    assert code(store, ended) == "0200"
    assert code(store, a_use(a_notice(anne))) == "retention-decision"
    assert code(store, a_use(a_notice(anne), a_standing(id=b"e" * 16))) == "0200"  # type: ignore[arg-type]


def test_a_notice_that_holds_somebody_else_or_that_nobody_sealed_for_intake_is_refused(store: PostgresHopStore) -> None:
    anne, bram = who(store, ANNE, BRAM)
    for notice, expected in (
        (a_notice(anne, sealed=seal_to(box_public_key(IDENTITY), bram)), "retention-notice"),
        (a_notice(anne, identity_key_id="intake-2"), "retention-notice"),
        (a_notice(anne, sealed=b"x" * 64), "part"),
    ):
        assert code(store, notice) == expected
    assert code(store, a_use(a_notice(anne))) == "retention-waits"
