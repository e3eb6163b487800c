"""What a mandate may be for, how long it holds and how many households its reader sees, checked at each look and logged."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from vault_builders import DAY, HANDLE, READER, VaultInMemory, a_look, a_mandate, a_record

from keyvault.mandates import Mandate
from schemas.errors import Refused
from schemas.mandate_rules import MandateRules


def looked(here: VaultInMemory, handle: bytes = HANDLE, *, household: bytes = b"H" * 16) -> str:
    caller, key = here.caller(READER)
    try:
        here.vault.look(caller, a_look(a_record(here.section_public, handle=handle, household=household), key))
    except Refused as refused:
        return refused.code
    return "given"


def vault(folder: Path, *mandates: Mandate, rules: MandateRules) -> VaultInMemory:
    here = VaultInMemory(folder)
    here.vault.rules = rules
    here.store.learn_mandates(mandates, partition=0, next_offset=len(mandates))
    return here


@pytest.mark.parametrize(
    ("mandate", "code"),
    [
        (a_mandate(), "given"),
        (replace(a_mandate(), purpose="curiosity"), "purpose"),
        (a_mandate(until=DAY + dt.timedelta(days=366)), "mandate-period"),
        (a_mandate(until=DAY + dt.timedelta(days=365)), "given"),
    ],
    ids=["in order", "another purpose", "longer than a year", "a year"],
)
def test_a_mandate_that_got_past_everybody_else_opens_nothing(tmp_path: Path, mandate: Mandate, code: str) -> None:
    here = vault(tmp_path, mandate, rules=MandateRules())
    assert looked(here) == code
    assert here.results() == [code]


def test_a_list_that_becomes_shorter_closes_what_is_not_on_it_any_more(tmp_path: Path) -> None:
    here = vault(tmp_path, a_mandate(), rules=MandateRules())
    assert looked(here) == "given"
    here.vault.rules = MandateRules(purposes=MandateRules().purposes[1:])
    assert looked(here) == "purpose"


def test_past_the_limit_nothing_is_given_and_the_try_is_logged_and_counted(tmp_path: Path) -> None:
    mandates = [
        replace(a_mandate(handle=bytes([n]) * 16, until=DAY + dt.timedelta(days=60)), person=bytes([n]) * 16)
        for n in (1, 2, 3)
    ]
    here = vault(tmp_path, *mandates, rules=MandateRules(looks_households=2, looks_days=30))
    handles, homes = [m.handle for m in mandates], [bytes([n]) * 16 for n in (50, 51, 52)]
    assert looked(here, handles[1], household=homes[0]) == "given", "two persons of one household are one"
    looks = [looked(here, h, household=w) for h, w in zip((*handles, handles[0]), (*homes, homes[0]), strict=True)]
    assert looks == ["given", "given", "household-limit", "given"]
    assert here.results()[3] == "household-limit"
    count = here.meter.registry.get_sample_value(
        "zorgstroom_vault_looks_total", {"role": "keyvault", "result": "household-limit"}
    )
    assert count == 1
    here.now += 31 * 86_400
    assert looked(here, handles[2], household=homes[2]) == "given", "thirty days later"
