"""The ledger on a real PostgreSQL: records of intake in, sealed events and receipts out, books that outlive the process."""

from __future__ import annotations

from dataclasses import replace

import pytest
from three_roots import two_of

from schemas import codec, topics
from schemas.directory import sign_entry
from schemas.errors import Unavailable
from schemas.frames import Kind
from schemas.sealing import partition_of
from schemas.secrets import BoxKey, SigningKey
from streams.hop_store import PostgresHopStore
from tests.integration.ledger_in_postgres import ANNE, BRAM, SENDER, Ledger, codes, letters, person_events, receipts
from tests.unit.ledger_builders import ALWAYS_HOME, a_row, a_withdrawal, sixteen


@pytest.fixture
def ledger(fresh_database) -> Ledger:
    made = Ledger(fresh_database("ledger"))
    yield made
    made.store.close()


def test_each_persons_rows_travel_in_one_piece_under_that_persons_key(ledger) -> None:
    sent = ledger.take(ledger.deliver(a_row("R1"), a_row("R2", subject=1), a_row("R3", cents=1)))
    opened = ledger.opened(sent)
    assert opened[ANNE]["cents"].tolist() == [12_500, 1]
    assert opened[BRAM]["cents"].tolist() == [12_500]
    for row in sent:
        if row.topic == "ledger.v1":
            fields = codec.decode("person_events", codec.decode("hop_record", row.value)["body"])
            assert {partition_of(e["person"], topics.ROAD_PARTITIONS) for e in fields["events"]} == {row.partition}


def test_the_receipt_comes_last_and_says_what_counts(ledger) -> None:
    sent = ledger.take(ledger.deliver(a_row("R1"), a_row("R1"), a_row("R2", care_type=99), number=7))
    assert [row.final for row in sent] == [False] * (len(sent) - 1) + [True]
    (receipt,) = receipts(sent)
    assert (receipt["number"], receipt["kind"], receipt["code"]) == (7, "final", "0200")
    assert (receipt["accepted"], receipt["duplicates"]) == (1, 1)
    assert receipt["refused"] == [{"position": 2, "reference": sixteen("R2"), "code": "category"}]
    assert sent[-1].topic == f"receipts.{SENDER}.v1"
    assert ledger.metric("events_refused_total", code="category") == 1


def test_references_outlive_the_process(ledger) -> None:
    ledger.take(ledger.deliver(a_row("R1", assignment="T1")))
    ledger.restart()
    sent = ledger.take(
        ledger.deliver(
            a_row("R1", assignment="T1"), a_row("R1", cents=1), a_row("R2", assignment="T1"), a_withdrawal("R1")
        )
    )
    assert receipts(sent)[0]["duplicates"] == 1
    assert codes(sent) == ["8021", "9389"]
    ledger.restart()
    sent = ledger.take(ledger.deliver(a_withdrawal("R1"), a_withdrawal("R1", "C2"), a_row("R2", assignment="T1")))
    assert receipts(sent)[0]["duplicates"] == 1
    assert codes(sent) == ["9390"]
    assert ledger.opened(sent)[ANNE]["cents"].tolist() == [12_500]


def test_a_changed_grant_takes_the_one_before_back_also_in_another_process(ledger) -> None:
    def grant(reference: str, volume: int) -> bytes:
        return ledger.deliver(a_row(reference, kind=Kind.GRANTED, assignment="T1", frequency=2, volume=volume))

    first = ledger.opened(ledger.take(grant("G1", 400)))[ANNE]
    ledger.restart()
    sent = ledger.take(grant("G2", 200))
    rows = ledger.opened(sent)[ANNE]
    assert rows["kind"].tolist() == [Kind.GRANT_ENDED, Kind.GRANTED]
    assert rows["volume"].tolist() == [400, 200]
    assert rows[0]["reference"] == first[0]["reference"]
    assert receipts(sent)[0]["accepted"] == 1
    assert ledger.opened(ledger.take(grant("G3", 100)))[ANNE]["volume"].tolist() == [200, 100]


def test_a_debit_and_its_credit_in_one_window_leave_the_slot_free(ledger) -> None:
    ledger.take(ledger.deliver(a_row("R1", assignment="T1")), ledger.deliver(a_withdrawal("R1")))
    sent = ledger.take(ledger.deliver(a_row("R2", assignment="T1")), ledger.deliver(a_row("R3", assignment="T1")))
    assert codes(sent) == ["9389"]


def test_a_window_done_again_after_a_crash_before_the_commit_gives_the_same(ledger) -> None:
    def broken(_tx, _outputs):
        raise Unavailable("PostgreSQL is away.")

    honest = PostgresHopStore.add_outputs
    body = ledger.deliver(a_row("R1", assignment="T1"))
    try:
        PostgresHopStore.add_outputs = lambda _self, tx, outputs: broken(tx, outputs)
        with pytest.raises(Unavailable):
            ledger.take(body)
    finally:
        PostgresHopStore.add_outputs = honest
    ledger.count = 0
    assert receipts(ledger.take(body))[0]["accepted"] == 1


def test_a_content_that_was_exchanged_goes_to_the_dead_letters_and_the_stream_goes_on(ledger) -> None:
    honest, other = ledger.deliver(a_row("R1")), ledger.deliver(a_row("R2"))
    forged = codec.decode("rekeyed_envelope", honest) | {"content": codec.decode("rekeyed_envelope", other)["content"]}
    sent = ledger.take(codec.encode("rekeyed_envelope", forged), other)
    (letter,) = letters(sent)
    assert (letter["reason"], letter["topic"], letter["offset"]) == ("signature", "rekeyed.v1", 0)
    assert [r["accepted"] for r in receipts(sent)] == [1]


@pytest.mark.parametrize("field", ["header", "identity_hash", "content", "signature"])
def test_a_flipped_byte_in_what_was_signed_is_refused(ledger, field) -> None:
    fields = codec.decode("rekeyed_envelope", ledger.deliver(a_row("R1")))
    spoiled = bytearray(fields[field])
    spoiled[-1] ^= 1
    sent = ledger.take(codec.encode("rekeyed_envelope", fields | {field: bytes(spoiled)}))
    assert [row.topic for row in sent] == ["dead-letters.v1"]


def test_another_providers_signature_is_refused(ledger) -> None:
    sent = ledger.take(ledger.deliver(a_row("R1"), signing=SigningKey.generate()))
    assert [row.topic for row in sent] == ["dead-letters.v1"]


def test_random_bytes_in_place_of_a_record_of_intake_stop_nothing(ledger) -> None:
    sent = ledger.take(b"", b"\xc3\x01random", ledger.deliver(a_row("R1")))
    assert [row.topic for row in sent if row.topic == "dead-letters.v1"] == ["dead-letters.v1"] * 2
    assert receipts(sent)[0]["accepted"] == 1


def test_a_sender_the_directory_has_not_heard_of_is_awaited_once(ledger) -> None:
    late, secret = "p87654321", SigningKey.generate()

    def learn() -> None:
        ledger.learned.clear()
        ledger.network.signing[late] = secret
        ledger.network.admit_with(late, secret)

    ledger.learned.append(learn)
    assert receipts(ledger.take(ledger.deliver(a_row("R1"), sender=late, signing=secret)))[0]["accepted"] == 1


def test_a_content_under_an_unknown_key_is_refused_whole_with_a_receipt(ledger) -> None:
    body = ledger.deliver(a_row("R1"))
    ledger.engine.role.content_keys.clear()
    sent = ledger.take(body)
    (receipt,) = receipts(sent)
    assert (receipt["code"], receipt["accepted"]) == ("unknown-key", 0)
    assert [x["reason"] for x in letters(sent)] == ["unknown-key"]


def test_a_content_sealed_to_someone_else_is_refused_whole_with_a_receipt(ledger) -> None:
    ledger.engine.role.content_keys["c1"] = BoxKey.generate()
    sent = ledger.take(ledger.deliver(a_row("R1")))
    assert (receipts(sent)[0]["code"], letters(sent)[0]["reason"]) == ("part", "part")


def test_rows_that_are_cut_off_are_refused_whole_with_a_receipt(ledger) -> None:
    content = ledger.network.content_part(a_row("R1"))
    body = ledger.network.rekeyed(content | {"rows": content["rows"][:-1]}, [ANNE])
    sent = ledger.take(body)
    assert (receipts(sent)[0]["code"], letters(sent)[0]["reason"]) == ("unreadable", "unreadable")


@pytest.mark.parametrize("spoil", [{"signing": SigningKey.generate()}, {}])
def test_a_placement_goes_on_unopened_whatever_becomes_of_the_content(ledger, spoil) -> None:
    placement = ledger.network.placed(ANNE, ALWAYS_HOME)
    (events,) = person_events(ledger.take(ledger.deliver(a_row("R1", cents=-1), placements=[placement], **spoil)))
    assert events["placements"] == [placement]
    assert events["events"] == []


def test_rows_of_someone_whose_key_is_gone_are_refused_and_the_rest_goes_on(ledger) -> None:
    ledger.keys.gone.add(BRAM)
    sent = ledger.take(ledger.deliver(a_row("R1"), a_row("R2", subject=1)))
    assert codes(sent) == ["gone"]
    assert set(ledger.opened(sent)) == {ANNE}


def test_no_key_is_made_for_a_person_no_row_names(ledger) -> None:
    ledger.take(ledger.deliver(a_row("R1")))
    assert ledger.keys.asked == [ANNE]


def test_a_municipality_sends_no_rows(ledger) -> None:
    assert codes(ledger.take(ledger.deliver(a_row("R1"), sender="gm9901"))) == ["kind"]


@pytest.mark.parametrize("day", [2**31 - 1, -1])
def test_a_header_of_a_day_no_calendar_has_stops_nothing(ledger, day) -> None:
    sent = ledger.take(ledger.deliver(a_row("R1"), day=day), ledger.deliver(a_row("R1")))
    assert [row.topic for row in sent] == ["dead-letters.v1", *[r.topic for r in sent[1:]]]
    assert receipts(sent)[0]["accepted"] == 1


def test_what_was_appended_with_a_revoked_key_is_refused_again_and_what_was_appended_before_is_taken(ledger) -> None:
    before, after = ledger.deliver(a_row("R1"), appended_ms=-1), ledger.deliver(a_row("R2"), appended_ms=0)
    network = ledger.network
    entry = network.directory.sender_key(SENDER, f"{SENDER}-1")
    network.directory.learn(sign_entry(two_of(network.root), replace(entry, revoked_at_ms=0, version=2)))
    sent = ledger.take(before, after)
    assert [r["accepted"] for r in receipts(sent)] == [1]
    assert [letter["reason"] for letter in letters(sent)] == ["revoked-key"]
