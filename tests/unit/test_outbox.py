"""The outbox: numbers without gaps, nothing lost by kill -9, copies found out, full disks said, and no BSN in it."""

from __future__ import annotations

import base64
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provider_profiles import BSNS, admitted, deliveries, encodings, receipt

from deploy.certificates import Authority
from producers.outbox import Outbox
from producers.publisher import Publisher, PublishError
from producers.replacements import replacements
from schemas.envelope import Envelope
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.values import OutboxId

ROOT = Path(__file__).parents[2]


def numbered(outbox: OutboxId, number: int) -> bytes:
    return outbox.raw + number.to_bytes(8, "big")


def add(outbox: Outbox, *, file: str = "f.xml", references: dict[bytes, tuple[str, int]] | None = None) -> int:
    return outbox.add(numbered, events=1, file=file, references=references or {})


def final(outbox: bytes, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "outbox": outbox,
        "number": number,
        "code": "0200",
        "accepted": 1,
        "duplicates": 0,
        "refused": [],
        "log_sequence": number,
        "log_hash": bytes([number]) * 32,
    } | changes


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.sqlite")
    yield box
    box.close()


def test_numbers_begin_at_1_and_a_sealing_that_fails_uses_none(outbox: Outbox) -> None:
    def fails(_: OutboxId, __: int) -> bytes:
        raise Refused("unknown-key", "No key.")

    assert add(outbox) == 1
    with pytest.raises(Refused):
        outbox.add(fails, events=1, file="", references={b"h" * 16: ("R", 1)})
    assert add(outbox) == 2
    assert [w.sealed for w in outbox.waiting(after=0)] == [numbered(outbox.id, 1), numbered(outbox.id, 2)]
    assert outbox.withdrawn_references() == set()


def test_only_its_owner_may_read_it(outbox: Outbox, tmp_path: Path) -> None:
    del outbox
    if os.name == "posix":
        assert (tmp_path / "outbox.sqlite").stat().st_mode & 0o077 == 0


def test_a_receipt_ends_exactly_its_number_and_names_what_was_refused(outbox: Outbox) -> None:
    add(outbox, references={b"a" * 16: ("RN001", 12)})
    add(outbox)
    refused = [
        {"position": 0, "reference": b"a" * 16, "code": "8021"},
        {"position": 1, "reference": b"b" * 16, "code": "8017"},
    ]
    got = outbox.take_receipt(final(outbox.id.raw, 1, refused=refused), next_offset=7)
    assert got is not None
    assert [(r.reference, r.file, r.line, r.code) for r in got.refused] == [
        ("RN001", "f.xml", 12, "8021"),
        ("", "f.xml", 0, "8017"),
    ]
    assert [w.number for w in outbox.waiting(after=0)] == [2]
    assert outbox.take_receipt(final(outbox.id.raw, 1), next_offset=7) is None, "told twice"
    assert outbox.receipts() == [got]
    assert outbox.receipts_offset == 7


def test_a_receipt_of_another_outbox_ends_nothing(outbox: Outbox) -> None:
    add(outbox)
    assert outbox.take_receipt(final(b"x" * 16, 1), next_offset=1) is None
    assert outbox.waiting_count() == 1


def test_a_copy_restored_from_yesterday_begins_a_new_outbox_and_keeps_what_waits(tmp_path: Path) -> None:
    path, copy = tmp_path / "outbox.sqlite", tmp_path / "copy.sqlite"
    box = Outbox(path)
    [add(box) for _ in range(3)]
    box.close()
    shutil.copy(path, copy)
    box = Outbox(path)
    [add(box) for _ in range(2)]
    first = box.id
    box.close()
    shutil.move(copy, path)
    box = Outbox(path)
    assert add(box) == 4, "nobody can know yet"
    box.take_receipt(final(first.raw, 5), next_offset=5)
    assert box.id != first
    assert add(box) == 1
    assert [(w.outbox == first, w.number) for w in box.waiting(after=0)] == [
        (True, 1),
        (True, 2),
        (True, 3),
        (True, 4),
        (False, 1),
    ]
    box.close()


def test_a_lost_outbox_begins_at_1_under_another_id(tmp_path: Path) -> None:
    ids = []
    for _ in range(2):
        box = Outbox(tmp_path / "outbox.sqlite")
        assert add(box) == 1
        ids.append(box.id)
        box.close()
        for path in tmp_path.glob("outbox.sqlite*"):
            path.unlink()
    assert ids[0] != ids[1]


def test_a_second_program_is_told_in_one_sentence(outbox: Outbox, tmp_path: Path) -> None:
    add(outbox)
    with pytest.raises(SettingsWrong, match="in use by another program") as told:
        Outbox(tmp_path / "outbox.sqlite")
    assert "in gebruik door een ander programma" in told.value.text("nl")


@pytest.mark.parametrize("damage", [b"this is no database" * 100, b""])
def test_a_damaged_file_is_told_and_an_empty_one_is_a_new_outbox(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(damage)
    if damage:
        with pytest.raises(SettingsWrong, match="damaged"):
            Outbox(tmp_path / "outbox.sqlite")
    else:
        box = Outbox(tmp_path / "outbox.sqlite")
        assert add(box) == 1
        box.close()


def test_a_full_disk_is_one_sentence_loses_nothing_and_skips_no_number(outbox: Outbox) -> None:
    add(outbox)
    fill(outbox)
    with pytest.raises(Unavailable, match="disk full"):
        outbox.add(lambda o, n: numbered(o, n) * 10_000, events=1, file="", references={})
    assert outbox.last_number == 1
    make_room(outbox)
    assert add(outbox) == 2
    assert [w.number for w in outbox.waiting(after=0)] == [1, 2]


def fill(outbox: Outbox) -> None:
    """No page more than there are, and none of them free: what SQLite says then is what it says on a full disk."""
    (pages,) = outbox._db.execute("PRAGMA page_count").fetchone()
    outbox._db.execute(f"PRAGMA max_page_count = {pages + 5}")
    outbox._db.execute("CREATE TABLE filler (b BLOB)")
    for size in (4000, 400, 40, 4):
        with contextlib.suppress(sqlite3.OperationalError):
            while True:
                outbox._db.execute("INSERT INTO filler VALUES (zeroblob(?))", (size,))


def make_room(outbox: Outbox) -> None:
    outbox._db.execute("PRAGMA max_page_count = 1073741823")


def test_a_publisher_on_a_full_disk_says_so_and_keeps_what_it_was_given(tmp_path: Path) -> None:
    provider = admitted(tmp_path / "mine", Authority(tmp_path / "root"))
    with Publisher(provider.profile, batch_events=50, batch_seconds=600) as publisher:
        fill(publisher.outbox)
        given = deliveries(51)
        for delivery in given[:50]:
            publisher.publish(delivery)
        assert "disk full" in publisher.state()["waiting_for"]
        with pytest.raises(PublishError, match="disk full"):
            publisher.publish(given[50])
        make_room(publisher.outbox)
        publisher.publish(given[50])
        publisher.flush()
        sent = [provider.opened(w.sealed) for w in publisher.outbox.waiting(after=0)]
    assert [e.header.number for e, _, _ in sent] == [1, 2]
    assert [c for _, _, cents in sent for c in cents] == list(range(1, 52))


def test_a_missing_key_is_said_in_the_readers_language_and_nothing_is_lost(tmp_path: Path) -> None:
    provider = admitted(tmp_path / "mine", Authority(tmp_path / "root"), uses=["identity"])
    publisher = Publisher(provider.profile, batch_seconds=600)
    publisher.publish(deliveries(1)[0])
    with pytest.raises(PublishError, match="new admission file") as told:
        publisher.flush()
    assert "nieuw toelatingsbestand" in told.value.text("nl")
    with pytest.raises(PublishError):
        publisher.close()
    Outbox(tmp_path / "mine" / "outbox.sqlite").close()  # the file is free again


def test_no_byte_of_it_is_a_bsn_a_reference_may_be_read_by_its_owner_only(tmp_path: Path) -> None:
    provider = admitted(tmp_path / "mine", Authority(tmp_path / "root"))
    with Publisher(provider.profile) as publisher:
        publisher.publish_items(deliveries(900), file="f.csv")
    stored = b"".join(p.read_bytes() for p in (tmp_path / "mine").glob("outbox.sqlite*"))
    assert len(stored) > 100_000
    for bsn in BSNS[:900]:
        assert not any(form in stored for form in encodings(bsn))
    assert base64.b64encode(b"zz" + BSNS[0].encode())[4:12] in [*encodings(BSNS[0])], "the search would find one"
    assert b"De Linde" not in stored


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from producers.outbox import Outbox
box = Outbox(Path(sys.argv[1]))
while True:
    number = box.add(lambda o, n: o.raw + n.to_bytes(8, "big"), events=1, file="f", references={n.to_bytes(16, "big"): (f"R{n}", n) for n in range(box.last_number, box.last_number + 50)})
    sys.stdout.write(f"{number}\\n"); sys.stdout.flush()
"""


def test_kill_9_loses_no_number_that_was_given_and_leaves_no_gap(tmp_path: Path) -> None:
    path, chance = tmp_path / "outbox.sqlite", random.Random(7)
    given = 0
    for _ in range(6):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(path), str(ROOT)], stdout=subprocess.PIPE, cwd=ROOT)
        assert child.stdout is not None
        for _ in range(chance.randrange(3, 40)):
            given = int(child.stdout.readline())
        time.sleep(chance.random() / 50)
        child.send_signal(signal.SIGKILL)
        given = max([given, *(int(line) for line in child.stdout.read().split(b"\n")[:-1])])
        child.wait()
        child.stdout.close()
        box = Outbox(path)
        waiting = box.waiting(after=0, limit=10_000)
        assert [w.number for w in waiting] == list(range(1, len(waiting) + 1))
        assert all(w.sealed == numbered(box.id, w.number) for w in waiting)
        assert given <= len(waiting) <= given + 1
        box.close()


def test_a_line_taken_out_comes_back_under_the_next_reference(tmp_path: Path) -> None:
    provider = admitted(tmp_path / "mine", Authority(tmp_path / "root"))
    from producers.deliveries import Format, Reading

    def month(*which: int) -> Reading:
        items = tuple(deliveries(5)[i] for i in which)
        return Reading("m.csv", Format.CSV, items, tuple(range(len(items))))

    with Publisher(provider.profile) as publisher:
        sent = replacements(month(0, 1, 2), month(0, 1))
        publisher.publish_items(sent.items, file="m.csv", lines=sent.lines)
        taken_out = publisher.outbox.withdrawn_references()
        assert taken_out == {"R2"}
        again = replacements(month(0, 1), month(0, 1, 2), used=[(deliveries(1)[0].stream, r) for r in taken_out])
        assert [i.reference for i in again.items] == ["R2~2"]
        assert again == replacements(
            month(0, 1), month(0, 1, 2), used=[(deliveries(1)[0].stream, r) for r in taken_out]
        )


def test_the_builders_receipt_is_one_the_schema_takes(tmp_path: Path) -> None:
    from schemas import codec

    provider = admitted(tmp_path / "mine", Authority(tmp_path / "root"))
    with Publisher(provider.profile) as publisher:
        publisher.publish_items(deliveries(1), file="f")
        envelope = Envelope.decode(publisher.outbox.waiting(after=0)[0].sealed)
    assert codec.decode("receipt", codec.encode("receipt", receipt(envelope)))["number"] == 1


def test_begun_anew_it_forgets_what_waits_and_numbers_from_1(outbox: Outbox) -> None:
    before = outbox.id
    assert (add(outbox), add(outbox)) == (1, 2)
    assert outbox.begin_anew() == 2
    assert (outbox.waiting_count(), outbox.last_number) == (0, 0)
    assert outbox.id != before
    assert add(outbox) == 1
