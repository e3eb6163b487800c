"""A municipality's own topic: who signs, what counts, what a second person does, and that the same bytes give the same page."""

from __future__ import annotations

import pytest
from municipal_builders import (
    ANNE,
    BRAM,
    FROM,
    GM,
    JANUARY,
    MARCH,
    NOW,
    OTHERS,
    PAGE,
    REVOKED,
    UNTIL,
    frozen,
    keys,
    marked,
    note_released,
    own_pen,
    page_pen,
    reader,
    record,
    story,
    who,
    withdrawn,
    written,
)  # fmt: skip

from projections.municipal_events import Story, apply, replay
from projections.municipal_stories import Mark, marks, notes_for_export, released_notes
from schemas import codec, topics
from schemas.errors import Refused
from schemas.municipal_events import Event, Kind, Pen, verified_event, vouch_for_page
from schemas.sealing import signature_holds, verify_key_of
from schemas.topics import Operation

CLARA = ("clara", "Clara Voorbeeld")


def verified(data: bytes, number: int = GM, at: int = NOW) -> Event:
    return verified_event(keys(number), data, municipality=number, appended_ms=at)


def test_only_the_municipality_itself_reads_and_writes_its_topic() -> None:
    members = topics.Members(("p99000001",), ("gm9901", "gm9902"), (("caseworker-gm9901-1", "gm9901"),))
    name = topics.municipality_topic(GM)
    assert {(g.principal, g.operation) for g in topics.grants(members) if g.topic == name} == {
        ("gm9901", Operation.READ),
        ("gm9901", Operation.WRITE),
    }


@pytest.mark.parametrize("pen", [own_pen(), page_pen()], ids=["own", "page"])
def test_what_the_municipality_or_its_page_signed_is_read_back(pen) -> None:
    for event in (written(), note_released(), withdrawn(), marked(), frozen()):
        assert verified(record(event, pen)) == event


def test_every_flipped_byte_of_a_record_is_refused() -> None:
    data = record(written(), page_pen())
    for at in range(len(data)):
        broken = bytearray(data)
        broken[at] ^= 1
        with pytest.raises(Refused):
            verified(bytes(broken))


def test_what_somebody_else_signed_is_refused() -> None:
    other = own_pen(9902, OTHERS)
    with pytest.raises(Refused, match="not signed by it"):
        verified(record(written(), other))
    with pytest.raises(Refused, match="another municipality"):
        verified(record(Event(Kind.NOTE_WRITTEN, written().fields | {"municipality": 9902})))
    own, pages = (codec.decode("signed_municipal_event", record(written(), p)) for p in (own_pen(), page_pen()))
    forged = codec.encode("signed_municipal_event", own | {"signature": bytes(64)})
    with pytest.raises(Refused, match="not signed"):
        verified(forged)
    theirs = page_pen(9902, own=OTHERS).vouched
    vouched = {"page_key": theirs.page_key, "page_key_signature": theirs.page_key_signature}
    forged = codec.encode("signed_municipal_event", pages | vouched)
    with pytest.raises(Refused, match="not vouched"):
        verified(forged)


def test_a_pages_key_counts_from_one_moment_to_another_by_the_brokers_clock() -> None:
    data = record(written(), page_pen())
    assert verified(data, at=FROM) == verified(data, at=UNTIL - 1)
    for at in (FROM - 1, UNTIL):
        with pytest.raises(Refused, match="does not count"):
            verified(data, at=at)


def test_a_pages_key_vouches_for_nobody_and_signs_nothing_but_events() -> None:
    """Its signatures are made under the words of events, which envelopes and requests are not."""
    fields = codec.decode("signed_municipal_event", record(written(), page_pen()))
    for domain in ("zorgstroom data request 1", "zorgstroom page key 1", "zorgstroom release 1"):
        assert not signature_holds(page_pen().public_key, domain, fields["payload"], fields["signature"])
    bare = codec.encode("signed_municipal_event", fields | {"page_key": b"", "page_key_signature": b""})
    with pytest.raises(Refused, match="not signed by it"):
        verified(bare)
    second = vouch_for_page(signing=PAGE, public=verify_key_of(OTHERS), municipality=GM, from_ms=FROM, until_ms=UNTIL)
    with pytest.raises(Refused, match="not vouched"):
        verified(record(written(), Pen(GM, OTHERS, second)))


@pytest.mark.parametrize("pen", [own_pen(), page_pen(until_ms=REVOKED * 2)], ids=["own", "page"])
def test_with_a_revoked_key_nothing_new_counts_and_what_was_there_does(pen) -> None:
    data = record(written(), pen)
    assert verified(data, at=REVOKED - 1)
    with pytest.raises(Refused):
        verified(data, at=REVOKED)


def test_one_municipality_sees_nothing_of_the_others() -> None:
    ours, theirs = reader(), reader(9902)
    for data in (record(written()), record(frozen())):
        assert ours.take(data, NOW)
        assert not theirs.take(data, NOW)
    assert theirs.story == Story()
    assert theirs.refused == 2


def test_the_same_bytes_give_the_same_state_and_doubles_change_nothing() -> None:
    events = [
        written(), note_released(), written(revision=2, text="Beter"), marked(), frozen(), written("n2", by=BRAM),
        note_released(revision=2), withdrawn("n2"), Event(Kind.INTERVENTION_WITHDRAWN, who() | {"intervention": "i1"}),
    ]  # fmt: skip
    data = [record(e, page_pen()) for e in events]
    live, again, doubled = reader(), reader(), reader()
    for one in data:
        assert live.take(one, NOW)
    for one in data:
        again.take(one, NOW)
    for one in data:
        doubled.take(one, NOW)
        assert not doubled.take(one, NOW), "once is enough"
    assert live.story == again.story == doubled.story == replay(events)


def test_nothing_is_shown_before_a_second_person_released_it() -> None:
    waiting = story(written())
    assert waiting.notes["n1"].shown is None
    assert released_notes(waiting) == []
    assert [r.text for _, r in released_notes(story(written(), note_released()))] == ["Tekst 1"]


@pytest.mark.parametrize(
    "events",
    [
        (written(by=ANNE), note_released(by=ANNE)),
        (written(by=ANNE), written(revision=2, by=BRAM), note_released(revision=2, by=ANNE)),
        (written(by=ANNE), written(revision=2, by=BRAM), note_released(revision=2, by=BRAM)),
    ],
    ids=["the writer", "the first writer", "who revised it"],
)
def test_a_writer_of_any_revision_never_releases_a_note_whatever_process_wrote_the_event(events) -> None:
    with pytest.raises(Refused, match="second person"):
        apply(replay(events[:-1]), events[-1])
    assert replay(events).notes["n1"].shown is None


def test_a_third_person_releases_what_two_wrote() -> None:
    both = (written(by=ANNE), written(revision=2, by=BRAM), note_released(revision=2, by=CLARA))
    assert replay(both).notes["n1"].shown.number == 2


def test_what_was_released_stays_while_a_revision_waits_and_all_revisions_are_kept() -> None:
    note = story(written(), note_released(), written(revision=2)).notes["n1"]
    assert note.shown.number == 1
    assert note.waits
    assert [r.number for r in note.revisions] == [1, 2]
    released = story(written(), note_released(), written(revision=2), note_released(revision=2)).notes["n1"]
    assert released.shown.number == 2
    assert not released.waits


def test_of_two_revisions_made_at_one_time_the_first_on_the_topic_counts() -> None:
    two = story(written(), written(revision=2, text="eerst"), written(revision=2, by=BRAM, text="later"))
    assert two.notes["n1"].latest.text == "eerst"
    with pytest.raises(Refused, match="in the meantime"):
        apply(two, note_released(revision=1, by=CLARA))


def test_a_withdrawn_note_is_shown_no_more_and_does_not_come_back() -> None:
    gone = story(written(), note_released(), withdrawn())
    assert gone.notes["n1"].shown is None
    for event in (written(revision=2), note_released(revision=1, by=CLARA), withdrawn()):
        with pytest.raises(Refused, match="withdrawn"):
            apply(gone, event)


@pytest.mark.parametrize(
    "other",
    [
        {"area": "BU99010101.01"}, {"area": "GM9901"}, {"area": "BU99020101"}, {"area": "3331AB"}, {"group": "Wmo 12"},
        {"first_month": MARCH, "last_month": JANUARY}, {"first_month": -1}, {"at_ms": -1}, {"at_ms": 10**15}, {"text": " "}, {"text": "x" * 4001},
        {"speaker": "client"}, {"consent": True}, {"revision": 2},
    ],
)  # fmt: skip
def test_a_note_that_breaks_a_rule_changes_nothing(other) -> None:
    with pytest.raises(Refused):
        apply(Story(), written(**other))


def test_a_client_speaks_with_consent() -> None:
    assert story(written(speaker="client", consent=True)).notes["n1"].latest.speaker == "client"


def test_a_revision_stays_beside_its_figure() -> None:
    with pytest.raises(Refused, match="same figure"):
        apply(story(written()), written(revision=2, area="BU99010102"))


def test_what_is_only_for_the_talk_with_providers_is_in_no_export() -> None:
    told = story(written(), note_released(), written("n2", audience="providers", text="Onder ons"), note_released("n2"))
    assert [r.text for _, r in released_notes(told, audience="providers")] == ["Onder ons"]
    assert [r.text for _, r in notes_for_export(told)] == ["Tekst 1"]
    assert notes_for_export(told, area="BU99010102") == []
    moved = replay([written(), note_released(), written(revision=2, audience="providers"), note_released(revision=2)])
    assert notes_for_export(moved) == []


def test_a_mark_counts_for_what_lies_in_its_area_and_one_of_the_total_for_every_group() -> None:
    told = story(
        marked(),
        marked("i2", area="WK990101", group="total", day=20_000, what="Eerder"),
        marked("i3", area="WK990102"),
    )
    assert [m.what for m in marks(told, area="BU99010101", group="wmo")] == ["Eerder", "Wijkteam begint"]
    assert [m.what for m in marks(told, area="BU99010101", group="jeugdwet")] == ["Eerder"]
    assert marks(told, area="GM9901P", group="wmo") == [Mark(24302, "2025-03-03", "Wijkteam begint", "GM9901P", "wmo")]


def test_a_mark_put_in_error_is_gone_and_stays_gone() -> None:
    gone = story(marked(), Event(Kind.INTERVENTION_WITHDRAWN, who() | {"intervention": "i1"}))
    assert marks(gone, area="GM9901P", group="wmo") == []
    with pytest.raises(Refused):
        apply(gone, marked())


def test_a_baseline_is_frozen_once_and_never_changed() -> None:
    with pytest.raises(Refused, match="frozen already"):
        apply(story(frozen()), frozen(name="Anders"))
    with pytest.raises(Refused):
        apply(Story(), frozen(epoch=12 * 2025 - 1))
