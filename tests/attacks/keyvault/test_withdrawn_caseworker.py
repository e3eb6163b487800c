"""CR-16: a caseworker who kept everything, and whose mandate is withdrawn, opens nothing newer, whatever is tried and whenever.

What was opened before stays open to who kept the keys: a withdrawal takes nothing back.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from keyvault.access_log import first_break
from schemas import codec, topics
from schemas.errors import Refused
from schemas.household_record import COMMON_SECTION, claims_of, open_key_box, seal_record
from schemas.secrets import BoxKey, DataKey
from schemas.values import MandateHandle
from streams.projector import record_partition
from tests.attacks.keyvault.kept_by_a_caseworker import Caseworker, Wire, said_again
from tests.integration.test_keyvault_process import LAYOUT, PROJECTOR, READER, Process, a_state, process

pytestmark = pytest.mark.servers
__all__ = ["process"]
GM, COLLEAGUE = 9901, "caseworker-gm9901-2"
OWN, OTHERS, SECOND = (os.urandom(16) for _ in range(3))
"""The mandate that is withdrawn, a colleague's, and another of the same caseworker's that stays."""


def a_record(public: bytes, handle: bytes, version: int) -> bytes:
    """A household with as many members as the record's version says, sealed to the keyvault's section key."""
    card = codec.encode("household_card", {"known_on": 1, "epoch": 1, "members": version, "subject": 1, "lines": []})
    return seal_record(
        handle=MandateHandle(handle), version=version, sections={COMMON_SECTION: card}, layout=LAYOUT,
        vault_public=public, signing=PROJECTOR, household=handle,
    )  # fmt: skip


def publish(process: Process, version: int) -> None:
    """A round: a record for each mandate, the withdrawn one's too, as if the projector had not heard of it."""
    projector = process.as_("projector")
    _, public = projector.public_key("section")
    projector.close()
    files = process.authority.issue("projector", process.folder / "projector")
    producer, topic = Producer({**process.kafka.client(files), "acks": "all"}), topics.household_topic(GM)
    for handle in (OWN, OTHERS, SECOND):
        producer.produce(topic, a_record(public, handle, version), handle, partition=record_partition(handle, 4))
    assert producer.flush(20) == 0


@pytest.fixture
def wire(process: Process) -> Iterator[Wire]:
    process.give(
        a_state(OWN), a_state(SECOND), a_state(OTHERS, reader=COLLEAGUE),
    )  # fmt: skip
    process.start()
    made = Wire(process.config["port"])
    yield made
    made.close()


@pytest.fixture
def caseworker(process: Process, wire: Wire) -> Iterator[Caseworker]:
    """Three rounds were read and looked at, over a line that keeps every byte."""
    direct = process.url
    process.url = f"https://127.0.0.1:{wire.port}"
    made = Caseworker(READER, process.as_(READER))
    process.url = direct
    for version in (1, 2, 3):
        publish(process, version)
    made.read(process.kafka, process.authority, process.folder, gemeente=GM)
    for handle in (OWN, SECOND):
        for record in made.of(handle):
            made.look(record)
    assert [c["members"] for c in made.cards] == [1, 2, 3] * 2
    yield made
    made.client.close()


def refused(send: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as told:
        send()
    return told.value.code


def every_try(who: Caseworker, new: int) -> Iterator[tuple[str, str]]:
    """Everything that can be asked with what was kept, and the answer. `new`: the version that nobody may have opened."""
    for body in list(who.requests):
        handle = codec.decode("vault_look", codec.decode("vault_signed_look", body)["look"])["handle"]
        if handle == OWN:
            yield "a kept request, word for word", refused(lambda b=body: who.send(b))  # type: ignore[misc]
    for record in who.of(OWN):
        yield "a kept or a new record, a fresh key", refused(lambda r=record: who.send(who.asked(r)))  # type: ignore[misc]
    for once in who.one_time_keys[:3]:
        yield "the new record, a key that was used", refused(lambda k=once: who.send(who.asked(who.of(OWN)[-1], k)))  # type: ignore[misc]
    newest, old, seconds, others = who.of(OWN)[-1], who.of(OWN)[0], who.of(SECOND)[-1], who.of(OTHERS)[-1]
    assert {r["version"] for r in (newest, seconds, others)} == {new}
    for name, mixed in (
        ("new sections under an old signature", newest | {"signature": old["signature"], "version": old["version"]}),
        ("an old signature under the new version", newest | {"signature": old["signature"]}),
        ("the new record under the mandate that stays", newest | {"handle": SECOND}),
        ("new sections in the record of the mandate that stays", seconds | {"sections": newest["sections"]}),
        ("one section more in it", seconds | {"sections": [*seconds["sections"], *newest["sections"]]}),
        ("the new record under a colleague's mandate", newest | {"handle": OTHERS}),
        ("a colleague's record", others),
        ("a colleague's record under the mandate that stays", others | {"handle": SECOND}),
        ("a mandate nobody gave", newest | {"handle": os.urandom(16)}),
    ):
        yield name, refused(lambda r=mixed: who.send(who.asked(r)))  # type: ignore[misc]


def opens_nothing(who: Caseworker, new: int) -> None:
    """No key that was ever had opens a record of another version than its own, nor a box for the keyvault."""
    shut = [r for r in who.records if r["version"] >= new or r["handle"] == OTHERS]
    assert shut
    secrets = who.secrets()
    assert len(secrets) > 20
    for record in shut:
        assert who.opened(record, [DataKey(s) for s in secrets]) == []
        for claim in claims_of(record):
            for secret in secrets:
                with contextlib.suppress(Refused):
                    open_key_box(
                        section_secret=BoxKey(secret), handle=record["handle"], version=record["version"], claim=claim
                    )
                    pytest.fail("a key box opens with something that was kept")


def test_a_withdrawn_caseworker_with_everything_kept_opens_nothing_newer_whatever_is_tried(
    process: Process, caseworker: Caseworker, wire: Wire
) -> None:
    who, had = caseworker, list(caseworker.section_keys)
    assert any(codec.decode("vault_look_answer", who.send(who.requests[0]))["keys"]), "as long as it is in force"
    process.as_("gm9901").withdraw(OWN)

    def attacked(version: int) -> None:
        publish(process, version)
        who.read(process.kafka, process.authority, process.folder, gemeente=GM)
        assert who.client.ready(), "connected, also after the keyvault began anew: a look is never sent twice by itself"
        before, who.tries = len(process.access_log()), 0
        told = list(every_try(who, version))
        for name, code in told:
            assert code in ("withdrawn", "no-mandate", "signature"), name
        assert {code for name, code in told if "kept" in name or "key" in name} == {"withdrawn"}
        opens_nothing(who, version)
        assert sum(map(len, wire.sent)) > sum(map(len, who.requests)), "the line keeps what was asked"
        for sent in list(wire.sent):
            said_again(process.config["port"], sent)
        lines = process.access_log()[before:]
        assert len(lines) == who.tries == len(told), "every try is a line, and bytes of another connection are none"
        assert {(r["who"], r["action"]) for r in lines} == {(READER, "look")}
        assert [r["result"] for r in lines] == [code for _, code in told]
        assert who.section_keys == had

    attacked(4)
    process.give(a_state(OWN))  # the road brings the mandate once more
    assert process.running is not None
    process.running.kill()
    process.running.wait(5)
    process.start()
    attacked(5)
    made = process.as_("operator").turn_section_key()
    attacked(6)
    process.as_("projector").section_settled(made)
    attacked(7)

    assert [who.opened(r)[0]["members"] for r in who.of(OWN)[:3]] == [1, 2, 3], "what was seen before is seen still"
    who.look(who.of(SECOND)[-1])
    assert who.cards[-1]["members"] == 7, "the mandate that was not withdrawn goes on"
    assert first_break(process.access_log()) is None
