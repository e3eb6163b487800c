"""What a line of the access log says, who reads it, and how a log that was tampered with shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from vault_builders import HANDLE, PERSON, READER, VaultInMemory, a_look, a_mandate, a_record

from deploy.family_commands import told
from deploy.log_commands import read_heads
from keyvault import vault as vault_module
from keyvault.access_log import ChainCheck, log_hash
from keyvault.mutual_tls import Caller
from producers.command_frame import Chosen
from schemas import codec
from schemas.errors import Refused, SettingsWrong
from schemas.mandate_rules import MandateRules
from schemas.sealing import box_public_key, open_sealed
from schemas.secrets import BoxKey

MEMBER, BROTHER = "family-gm9901-a1b2", "family-gm9901-c3d4"
OWN, HIS, YOUTH = (bytes([n]) * 16 for n in (1, 2, 3))
HERS = b"q" * 16


@pytest.fixture
def here(tmp_path: Path) -> VaultInMemory:
    """A household with two members, each with a mandate for the own file, a caseworker's mandate about each."""
    made = VaultInMemory(tmp_path)
    mandates = [
        a_mandate(), a_mandate(handle=OWN, reader=MEMBER, purpose="own-file"),
        replace(a_mandate(handle=HIS, reader=BROTHER, purpose="own-file"), person=HERS),
        replace(a_mandate(handle=YOUTH, purpose="youth-help"), person=HERS),
    ]  # fmt: skip
    made.store.learn_mandates(mandates, partition=0, next_offset=4)
    return made


def looks(here: VaultInMemory, reader: str, handle: bytes, *, household: bytes = b"H" * 16) -> None:
    caller, key = here.caller(reader)
    here.vault.look(
        replace(caller, source="10.1.2.3"),
        a_look(a_record(here.section_public, handle=handle, household=household), key),
    )


def own_log(
    here: VaultInMemory, member: str = MEMBER, handle: bytes = OWN, *, before_ms: int = 0
) -> list[dict[str, Any]]:
    caller, key = here.caller(member)
    once = BoxKey.generate()
    body = a_look(a_record(here.section_public, handle=handle), key, once=box_public_key(once), before_ms=before_ms)
    answer = codec.decode("vault_own_log", here.vault.own_log(caller, body))
    assert (answer["log_sequence"], answer["log_hash"]) == here.store.log_head()
    lines = codec.decode("vault_log_lines", open_sealed(once, answer["lines"]))["lines"]
    return [codec.decode("access_record", line) for line in lines]


def test_a_line_says_what_nen_7513_asks(here: VaultInMemory) -> None:
    looks(here, READER, HANDLE)
    (line,) = here.log.records
    assert {k: line[k] for k in ("action", "sections", "who", "source", "municipality", "grantor", "purpose", "ground", "result")} == {
        "action": "look", "sections": "common", "who": READER, "source": "10.1.2.3", "municipality": 9901,
        "grantor": "grantor-gm9901-anne", "purpose": "coordination", "ground": "wmo-2.3.2", "result": "given",
    }  # fmt: skip
    assert line["at_ms"] == int(here.now * 1000)
    assert line["handle"] == HANDLE
    ids = {line["client"], line["household"]}
    assert bytes(16) not in ids
    assert PERSON not in ids
    assert b"H" * 16 not in ids, "the log has names of its own for person and household"


def test_looks_at_one_household_under_several_mandates_can_be_told_together(here: VaultInMemory) -> None:
    looks(here, READER, HANDLE)
    looks(here, READER, YOUTH)
    looks(here, READER, YOUTH, household=b"E" * 16)
    clients, households = ([r[name] for r in here.log.records] for name in ("client", "household"))
    assert clients[0] != clients[1] == clients[2]
    assert households[0] == households[1] != households[2]


def test_a_member_reads_who_looked_newest_first_and_the_reading_is_the_newest_line(here: VaultInMemory) -> None:
    looks(here, READER, HANDLE)
    here.now += 60
    looks(here, MEMBER, OWN)
    lines = own_log(here)
    assert [(r["sequence"], r["action"], r["sections"], r["who"], r["purpose"]) for r in lines] == [
        (3, "log", "", MEMBER, "own-file"), (2, "look", "common,ggz,youth", MEMBER, "own-file"),
        (1, "look", "common", READER, "coordination"),
    ]  # fmt: skip
    assert {r["handle"] for r in lines} == {bytes(16)}, "a handle is its reader's own"


def test_a_member_reads_what_is_older_than_the_lines_told_at_once(
    here: VaultInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_module, "OWN_LOG_LINES", 2)
    moments = []
    for _ in range(4):
        here.now += 60
        moments.append(int(here.now * 1000))
        looks(here, READER, HANDLE)
    assert [r["at_ms"] for r in own_log(here, before_ms=moments[3])] == [moments[2], moments[1]]
    assert [r["at_ms"] for r in own_log(here, before_ms=moments[1])] == [moments[0]]


def test_of_a_look_under_another_members_mandate_only_who_and_when_is_told(here: VaultInMemory) -> None:
    looks(here, READER, YOUTH)
    (_, line) = own_log(here)
    assert (line["who"], line["action"], line["result"]) == (READER, "look", "given")
    assert (line["purpose"], line["ground"], line["sections"], line["client"]) == ("", "", "", bytes(16))
    (_, _, own) = own_log(here, BROTHER, HIS)
    assert (own["purpose"], own["sections"]) == ("youth-help", "common,youth")


def test_a_refused_try_is_told_to_whom_it_was_about(here: VaultInMemory) -> None:
    with pytest.raises(Refused):
        looks(here, "caseworker-gm9901-2", HANDLE)
    assert [(r["who"], r["result"]) for r in own_log(here)][1:] == [("caseworker-gm9901-2", "no-mandate")]


@pytest.mark.parametrize("odd", [{"version": -1}, {"version": 2**63 - 1}, {"claims": -1}, {"claims": 2**31 - 1}])
def test_a_look_with_numbers_no_record_has_is_refused_and_logged(here: VaultInMemory, odd: dict[str, int]) -> None:
    caller, key = here.caller(READER)
    record = a_record(here.section_public)
    look = codec.decode("vault_look", codec.decode("vault_signed_look", a_look(record, key))["look"])
    changes = {n: [c | {"member": v} for c in look["claims"]] if n == "claims" else v for n, v in odd.items()}
    with pytest.raises(Refused):
        here.vault.look(caller, a_look(record, key, **changes))
    assert here.results() in (["unreadable"], ["signature"])


def test_a_caseworker_reads_no_log_and_a_member_only_the_own(here: VaultInMemory) -> None:
    with pytest.raises(Refused) as refused:
        own_log(here, MEMBER, HIS)
    assert refused.value.code == "no-mandate"
    assert here.log.records[-1]["result"] == "no-mandate"


def test_an_operator_who_reads_the_log_is_in_it(here: VaultInMemory) -> None:
    looks(here, READER, HANDLE)
    asked = codec.encode("vault_log_after", {"sequence": 0, "limit": 10})
    answer = here.vault.log_lines(Caller("operator", b"", "10.9.9.9"), asked)
    lines = [codec.decode("access_record", x) for x in codec.decode("vault_log_lines", answer)["lines"]]
    assert [(r["who"], r["action"], r["source"]) for r in lines] == [
        (READER, "look", "10.1.2.3"), ("operator", "log", "10.9.9.9"),
    ]  # fmt: skip
    before = len(here.log.records)
    for sequence, lines_more in ((2, 0), (0, 1), (1, 2), (4, 2), (3, 3)):
        here.vault.log_lines(
            Caller("operator", b""), codec.encode("vault_log_after", {"sequence": sequence, "limit": 10})
        )
        assert len(here.log.records) - before == lines_more, (
            "who goes on from where he was is logged once, anybody else each time"
        )
    here.now += 61
    later = codec.encode("vault_log_after", {"sequence": here.store.log_head()[0], "limit": 10})
    before = len(here.log.records)
    here.vault.log_lines(Caller("operator", b""), later)
    assert len(here.log.records) == before + 1, "who comes back later begins to read anew"
    with pytest.raises(Refused):
        here.vault.log_lines(Caller("operator", b""), codec.encode("vault_log_after", {"sequence": 0, "limit": 10**6}))


def test_plain_words(here: VaultInMemory) -> None:
    looks(here, READER, HANDLE)
    looks(here, READER, YOUTH)
    with pytest.raises(Refused):
        looks(here, "caseworker-gm9901-2", HANDLE)
    lines = own_log(here)
    try:
        Chosen.lang = "nl"
        dutch = [told(line, MandateRules(), member=MEMBER) for line in lines]
    finally:
        Chosen.lang = "nl"
    when = dt.datetime.fromtimestamp(here.now, dt.UTC).astimezone().strftime("%d-%m-%Y %H:%M:%S")
    assert dutch == [
        f"{when}  U las dit logboek, om: het eigen dossier lezen (wmo-2.3.2)",
        f"{when}  Een medewerker van gemeente GM9901 (caseworker-gm9901-2) bekeek de kaart, om: zorg en ondersteuning van een gezin op "
        "elkaar afstemmen (wmo-2.3.2) - geweigerd: Dit mandaat is niet van deze lezer, of bestaat niet.",
        f"{when}  Een medewerker van gemeente GM9901 ({READER}) bekeek de kaart, onder een mandaat voor een ander gezinslid",
        f"{when}  Een medewerker van gemeente GM9901 ({READER}) bekeek de kaart, om: zorg en ondersteuning van een gezin op elkaar "
        "afstemmen (wmo-2.3.2)",
    ]


@pytest.fixture
def lines(here: VaultInMemory) -> list[dict[str, Any]]:
    for _ in range(6):
        looks(here, READER, HANDLE)
        here.now += 1
    return here.log.records


def faults(lines: list[dict[str, Any]], heads: dict[int, bytes] | None = None) -> list[str]:
    check = ChainCheck(heads or {})
    check.take(lines)
    return check.end()


def rewritten(lines: list[dict[str, Any]], at: int, **changes: Any) -> list[dict[str, Any]]:
    """The chain as somebody with the vault's database would write it anew from a line on."""
    made = lines[:at]
    for n, line in enumerate(lines[at:]):
        changed = line | (changes if n == 0 else {}) | {"previous_hash": made[-1]["hash"] if made else bytes(32)}
        made.append(changed | {"hash": log_hash(changed)})
    return made


def test_a_whole_log_has_no_faults_and_a_record_sent_twice_is_one(lines: list[dict[str, Any]]) -> None:
    heads = {r["sequence"]: r["hash"] for r in lines}
    assert faults(lines, heads) == faults([*lines[:3], *lines[1:]], heads) == []


@pytest.mark.parametrize("at", range(6))
def test_any_line_removed_changed_or_moved_is_found(lines: list[dict[str, Any]], at: int) -> None:
    shown = {6: lines[-1]["hash"]}
    assert faults(lines[:at] + lines[at + 1 :], shown), "removed"
    assert faults([*lines[:at], lines[at] | {"who": "caseworker-gm9901-9"}, *lines[at + 1 :]], shown), "changed"
    if at < 5:
        assert faults([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]], shown), "moved"
    assert faults([*lines[: at + 1], lines[at] | {"sequence": 99}, *lines[at + 1 :]], shown), "added"
    assert faults(rewritten(lines, at, who="caseworker-gm9901-9"), shown), "written anew from there on"


def test_a_log_that_was_cut_shows_to_whoever_was_shown_its_end(lines: list[dict[str, Any]]) -> None:
    assert faults(lines[:4]) == []
    assert faults(lines[:4], {6: lines[5]["hash"]}) == [
        "Line 6 was shown before, and the log ends at line 4: it was cut."
    ]


def test_heads_come_from_files_and_two_lines_under_one_number_are_a_fork(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(f"3 {'ab' * 32}\n\n5 {'cd' * 32}\n")
    two.write_text(f"3 {'ab' * 32}\n")
    assert read_heads([one, two]) == {3: b"\xab" * 32, 5: b"\xcd" * 32}
    two.write_text(f"3 {'ef' * 32}\n")
    with pytest.raises(SettingsWrong, match="under number 3"):
        read_heads([one, two])
    two.write_text("three\n")
    with pytest.raises(SettingsWrong, match="number and a hash"):
        read_heads([two])
