"""CR-5: whoever says two things under one name is found out, is put on hold, or is not believed; `docs/threats.md` says where not.

An envelope twice with another content, on real servers: `integration/test_road_bad_input`. Two persons under one handle of a
sender: `contract/test_intake_contradiction`. Officers who are told different things: `unit/test_officers_ceremony`.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from erasure_builders import REQUEST, SIGNERS, a_decision, key_of, signed
from ledger_builders import DAY as SERVICE_DAY
from ledger_builders import (
    GRANTOR_KEY,
    PAYER,
    TODAY,
    Network,
    a_hop_record,
    a_ledger_row,
    a_mandate_change,
    a_row,
    rows,
    sixteen,
    terms_of,
)
from ledger_builders import a_mandate as a_given_mandate
from three_roots import all_of, pinned, two_of
from vault_builders import DAY, HANDLE, READER, VaultInMemory, a_look, a_mandate, a_record

from deploy.log_commands import read_heads
from keyvault import blinding
from keyvault.access_log import ChainCheck
from keyvault.erasure_work import ErasureWork
from keyvault.mutual_tls import Caller
from keyvault.pseudonym_work import PseudonymWork
from projections.release.signing import signed as released
from projections.subscribers import ReleaseSubscriber
from schemas import codec
from schemas.directory import Directory, Entry, sign_entry
from schemas.envelope import RecipientKeys, seal_envelope
from schemas.errors import ContractBroken, Refused, SettingsWrong
from schemas.household_record import open_section
from schemas.orders import Order
from schemas.roots import Roots, sign_change
from schemas.sealing import box_public_key, partition_of, seal_events, seal_to, verify_key_of
from schemas.secrets import BoxKey, DataKey, SigningKey
from schemas.topics import ROAD_PARTITIONS
from schemas.values import OutboxId, SenderId
from streams.epoch_marker import marker
from streams.hop import InputRecord, Numbered
from streams.intake_role import IntakeRole
from streams.ledger_mandates import Limits, MandateBook, hear
from streams.metrics import WorkerMetrics
from tests.integration.ledger_in_postgres import Ledger, codes, receipts
from tests.property.books_in_memory import RELEASE, TablesInMemory, projector

ROOT, KEY, OTHER = (SigningKey(bytes([n]) * 32) for n in (1, 2, 3))
SENDER = "p12345678"
ANNE = sixteen("Anne")


# --- a sender -----------------------------------------------------------------------------------------------------


def test_two_envelopes_under_one_number_put_the_sender_on_hold_and_the_first_stays() -> None:
    network = Network()
    signing = network.admit(SENDER)
    identity = {"subjects": [], "residences": [], "links": [], "erasures_asked": [], "erasures_decided": []}
    keys = RecipientKeys("i1", box_public_key(network.identity), "c1", box_public_key(network.content))
    one, two = (
        seal_envelope(header=network.header(SENDER, 1), identity=identity, content=network.content_part(rows(a_row(r))), recipients=keys, signing=signing)
        for r in ("R1", "R2")
    )  # fmt: skip
    nothing: Any = None
    intake = IntakeRole(
        directory=network.directory, identity_keys={}, pseudonyms=nothing, placing=nothing, metrics=WorkerMetrics("intake"),
        learn_more=lambda: None,
    )  # fmt: skip
    first, second = (
        intake.identify(InputRecord(partition_of(SENDER.encode(), ROAD_PARTITIONS), n, b"", data, 0))
        for n, data in enumerate((one, two))
    )
    assert isinstance(first, Numbered)
    assert isinstance(second, Numbered)
    held: list[str] = []
    known = SimpleNamespace(hash_of=lambda *_: first.payload.hash, hold=lambda _, sender: held.append(sender))
    with patch("streams.intake_role.store", known):
        assert intake.seen(nothing, first) == ()
        letter, receipt = intake.seen(nothing, second)
    assert held == [SENDER]
    assert codec.decode("dead_letter", letter.body)["reason"] == "equivocation"
    assert codec.decode("receipt", receipt.body)["kind"] == "hold"


def test_two_outboxes_that_say_different_things_of_one_reference_leave_the_first(
    fresh_database: Callable[[str], str],
) -> None:
    ledger = Ledger(fresh_database("ledger"))
    ledger.take(ledger.deliver(a_row("R1", cents=100)))
    ledger.network.outbox = OutboxId(sixteen("another outbox"))
    told = ledger.take(ledger.deliver(a_row("R1", cents=999), a_row("R2"), number=1))
    assert codes(told) == ["8021"]
    assert [(r["accepted"], r["duplicates"]) for r in receipts(told)] == [(1, 0)]
    ledger.store.close()


# --- the root -----------------------------------------------------------------------------------------------------


def an_entry(public: bytes) -> bytes:
    return sign_entry(two_of(ROOT), Entry("sender", "gm9901", "s-1", "signing", public, valid_from=0, version=2))


def test_of_two_entries_or_two_changes_of_the_root_under_one_version_each_keeps_the_first_it_heard() -> None:
    """Not seen: two of the three root keys together can show two followers two networks. Written down in docs/threats.md."""
    one, two = an_entry(b"a" * 32), an_entry(b"b" * 32)
    for heard in ((one, two), (two, one), (one, two, two, one)):
        known = Directory(pinned(ROOT))
        for data in heard:
            known.take(data)
        public = known.sender_key("gm9901", "s-1").public_key  # type: ignore[union-attr]
        assert public == (b"a" if heard[0] == one else b"b") * 32
    changes = [
        sign_change(two_of(ROOT), Roots(2, tuple(verify_key_of(k) for k in all_of(key)))) for key in (KEY, OTHER)
    ]
    for first, second in (changes, changes[::-1]):
        known = Directory(pinned(ROOT))
        known.take(first)
        settled = known.roots
        known.take(second)
        assert known.roots == settled


# --- grantors, operators, release ---------------------------------------------------------------------------------


def test_two_mandates_under_one_handle_and_two_changes_of_one_revision_leave_the_first() -> None:
    book = MandateBook({})

    def said(**content: Any) -> list[str]:
        empty: dict[str, Any] = {
            "rows": b"",
            "mandates": [],
            "mandates_changed": [],
            "mandates_withdrawn": [],
            "months": [],
        }
        found = hear(
            empty | content, sender=SenderId("gm9901"), payers=frozenset({PAYER}), persons=[ANNE, sixteen("Bram")], keyed=(ANNE,), day=TODAY,
            book=book, limits=Limits(households={9901: 1000}), grantor_key=lambda *_: verify_key_of(GRANTOR_KEY),
        )  # fmt: skip
        return [code for _, _, code in found.refused]

    assert said(mandates=[a_given_mandate("M")]) == []
    assert said(mandates=[a_given_mandate("M", subject=1)]) == ["mandate-handle"]
    assert said(mandates=[a_given_mandate("M", reader="caseworker-gm9901-2")]) == ["mandate-handle"]
    assert said(mandates_changed=[a_mandate_change("M", valid_until=TODAY + 5)]) == []
    assert said(mandates_changed=[a_mandate_change("M", valid_until=TODAY + 300)]) == ["mandate-revision"]
    assert book.known[sixteen("M")].terms == replace(terms_of("M"), revision=2, valid_until=TODAY + 5)


def test_two_orders_under_one_id_allow_what_the_first_one_says(tmp_path: Path) -> None:
    store = VaultInMemory(tmp_path).store
    for number in (5, 5_000):
        store.place_order(Order(b"o" * 16, "first-load", "intake", "", number, DAY, "first"), DAY)
    assert store.take_evaluations("intake", 10_000, DAY, per_day=0).granted == 5


def test_a_decision_for_two_persons_erases_one_and_two_decisions_on_a_request_are_one(tmp_path: Path) -> None:
    here = VaultInMemory(tmp_path)
    here.store.person_keys([ANNE, sixteen("Bram")], make=True, today=DAY)
    work, caller = ErasureWork(here.vault, key_of, lambda _: None), Caller("projector", b"")

    def erase(person: bytes, decision: bytes) -> None:
        work.erase(caller, codec.encode("vault_erase", {"person": person, "decision": decision}))

    erase(ANNE, signed())
    for person, decision in ((sixteen("Bram"), signed()), (ANNE, signed(a_decision(granted=False)))):
        with pytest.raises(Refused):
            erase(person, decision)
    assert here.store.person_keys([sixteen("Bram")], make=False, today=DAY) != [None]
    assert here.results() == ["given", "erasure-request", "erasure-request"]
    erase(ANNE, signed(a_decision(ground="wmo-5.3.5")))
    assert here.store.erasure(REQUEST).decision.ground == "avg-17", "the first one stands"  # type: ignore[union-attr]
    assert len(SIGNERS) > 2


def a_release(**changes: Any) -> bytes:
    fields = {
        "municipality": 9901, "level": "macro", "epoch": 24_300, "version": 2, "cells": [], "completeness": [], "protection": "",
        "parameters": "", "geometry_hash": bytes(32), "ledger_hash": bytes(32), "software": "1",
        "published_on": 20_120, "previous": bytes(32), "given_up": [], "awaits_quarter": False, "concentration": [],
    }  # fmt: skip
    return released(KEY, codec.encode("released_epoch", fields | changes))


@pytest.mark.parametrize("other", [{"software": "2"}, {"municipality": 9902}, {"level": "meso"}, {"version": 1}])
def test_two_releases_under_one_version_or_another_topics_are_counted_and_the_first_stays(
    other: dict[str, Any],
) -> None:
    page = ReleaseSubscriber({}, "g", "macro.gm9901.v1", lambda _: [verify_key_of(KEY)])
    assert page.take(a_release(), 0)
    before = page.epochs[24_300]
    page.take(a_release(**other), 0)
    assert page.epochs == {24_300: before}
    assert page.refused == (0 if "version" in other else 1)


def test_two_geographies_are_told_apart_by_their_municipality() -> None:
    page = ReleaseSubscriber({}, "g", "meso.gm9901.v1", lambda _: [verify_key_of(KEY)])
    for municipality, taken in ((9901, True), (9902, False)):
        datum = {
            "municipality": municipality, "name": f"Stad {municipality}", "year": 2025, "population_year": None, "areas": [], "streets": [],
        }  # fmt: skip
        assert page.take(released(KEY, codec.encode("published_geography", datum)), 0) is taken
    assert page.geography["municipality"] == 9901  # type: ignore[index]


def projected(*bodies: tuple[str, bytes]) -> tuple[TablesInMemory, list[str]]:
    """Tables and letters of a projector that read these in partition 0."""
    tables, numbers, records = TablesInMemory(), {"ledger": 0, "release": 0}, []
    for offset, (role, body) in enumerate(bodies):
        numbers[role] += 1
        records.append(a_hop_record(body, role=role, number=numbers[role], offset=offset))
    with projector(tables) as engine:
        sent = [row for w in engine.windows(records) for row in engine.process(w)]
    return tables, [codec.decode("dead_letter", r.value or b"")["reason"] for r in sent if r.topic == "dead-letters.v1"]


def test_two_markers_for_one_epoch_stop_the_projector_with_one_sentence() -> None:
    bodies = [("release", marker(RELEASE, partition=0, epoch=0, month=month)) for month in (24_000, 24_007)]
    assert projected(bodies[0])[0].open_epochs == {0: 1}
    with pytest.raises(ContractBroken, match="closes epoch 0 while 1 is open"):
        projected(*bodies)


# --- a keyvault that answers one this and another that ---------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> VaultInMemory:
    made = VaultInMemory(tmp_path)
    handles = [HANDLE, b"2" * 16]
    made.store.learn_mandates(
        [a_mandate(handle=h, reader=f"caseworker-gm9901-{n}") for n, h in enumerate(handles, 1)],
        partition=0,
        next_offset=1,
    )
    return made


def looks(vault: VaultInMemory, reader: str, handle: bytes, shown: dict[int, bytes]) -> None:
    """A look by a reader, who keeps the head that was shown."""
    caller, pem = vault.caller(reader)
    answer = codec.decode(
        "vault_look_answer", vault.vault.look(caller, a_look(a_record(vault.section_public, handle=handle), pem))
    )
    shown[answer["log_sequence"]] = answer["log_hash"]


@pytest.mark.parametrize("more", [0, 1, 3])
def test_a_log_forked_between_two_readers_shows_as_soon_as_their_heads_meet(
    here: VaultInMemory, tmp_path: Path, more: int
) -> None:
    anne: dict[int, bytes] = {}
    bob: dict[int, bytes] = {}
    looks(here, READER, HANDLE, anne)
    store, records = copy.copy(here.store), list(here.log.records)
    store._log = list(store._log)
    for _ in range(1 + more):
        looks(here, READER, HANDLE, anne)
    one = list(here.store._log)
    here.vault.store = here.store = store
    here.log.records = records
    here.now += 1
    looks(here, "caseworker-gm9901-2", b"2" * 16, bob)
    for lines, others in ((one, bob), (store._log, anne)):
        alone, told = ChainCheck(), ChainCheck(heads=others)
        for check in (alone, told):
            check.take(lines)
        assert alone.end() == [], "each of the two is whole in itself"
        assert any("forked" in fault or "cut" in fault for fault in told.end())
    if more == 0:
        files = [tmp_path / "anne.txt", tmp_path / "bob.txt"]
        for file, shown in zip(files, (anne, bob), strict=True):
            file.write_text("".join(f"{n} {h.hex()}\n" for n, h in shown.items()))
        with pytest.raises(SettingsWrong, match="forked"):
            read_heads(files)


def test_pseudonyms_under_two_keys_fail_at_the_pinned_one(here: VaultInMemory, tmp_path: Path) -> None:
    other = VaultInMemory(tmp_path / "another")
    (key_id, _), batch = here.store.pseudonym_key(DAY), blinding.blind([b"a"])
    pinned_public = codec.decode("vault_key", PseudonymWork(here.vault).public_key())["key"]
    other.store._named["voprf"] = (key_id, other.store.pseudonym_key(DAY)[1].reveal())
    body = codec.encode("vault_elements", {"key_id": key_id, "elements": list(batch.elements)})
    for vault, holds in ((here, True), (other, False)):
        answer = codec.decode("vault_evaluation", PseudonymWork(vault.vault).evaluate(Caller("intake", b""), body))
        if holds:
            blinding.unblind(batch, answer["elements"], proof=answer["proof"], pinned_public_key=pinned_public)
            continue
        with pytest.raises(Refused, match="proof"):
            blinding.unblind(batch, answer["elements"], proof=answer["proof"], pinned_public_key=pinned_public)


def test_another_key_of_a_person_for_the_ledger_than_for_the_projector_gives_a_letter_and_no_booking() -> None:
    sealed = seal_events(DataKey(b"\x44" * 32), ANNE, "events", a_ledger_row(from_day=SERVICE_DAY).tobytes())
    placed = {"person": ANNE, "version": 1, "sealed": seal_to(box_public_key(BoxKey(b"\x45" * 32)), b"line")}
    fields = {
        "day": TODAY,
        "placements": [placed],
        "events": [{"person": ANNE, "sealed": sealed}],
        "mandates": [],
        "months": [],
        "erased": [],
    }
    tables, letters = projected(("ledger", codec.encode("person_events", fields)))
    assert letters == ["part", "part"]
    assert tables.books() == {}


def test_another_key_for_a_section_opens_nothing_at_the_reader(here: VaultInMemory) -> None:
    record = a_record(here.section_public)
    for index in range(len(record["sections"])):
        with pytest.raises(Refused, match="does not open"):
            open_section(secret=DataKey(b"\x46" * 32), record=record, index=index)


def test_two_records_of_one_version_are_both_opened_and_the_reader_keeps_the_first(here: VaultInMemory) -> None:
    """Not seen: a projector that shows the readers of one household different cards. Written down in docs/threats.md."""
    shown: dict[int, bytes] = {}
    looks(here, READER, HANDLE, shown)
    looks(here, READER, HANDLE, shown)
    assert here.results() == ["given", "given"]
    assert isinstance(here.vault.today(), dt.date)
