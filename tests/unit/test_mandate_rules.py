"""What a mandate may be for, how long and how many: a closed list that may be another, but never open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.errors import Refused, SettingsWrong
from schemas.mandate_rules import PURPOSES, MandateRules, Purpose

OWN = {"code": "own-file", "dutch": "eigen dossier", "english": "own file", "ground": "jeugdwet-7.3.10"}


def refused(rules: MandateRules, purpose: str, *, first: int, last: int) -> str | None:
    try:
        rules.check(purpose, first=first, last=last)
    except Refused as wrong:
        return wrong.code
    return None


@pytest.mark.parametrize(
    ("purpose", "first", "last", "code"),
    [
        ("coordination", 100, 100, None), ("coordination", 100, 465, None), ("coordination", 100, 466, "mandate-period"),
        ("coordination", 100, 99, "mandate-period"), ("curiosity", 100, 100, "purpose"), ("", 100, 100, "purpose"),
        ("coordination ", 100, 100, "purpose"), ("COORDINATION", 100, 100, "purpose"),
    ],
)  # fmt: skip
def test_purpose_and_period(purpose: str, first: int, last: int, code: str | None) -> None:
    assert refused(MandateRules(), purpose, first=first, last=last) == code


def test_a_refused_purpose_is_told_what_may_be_chosen_and_is_not_repeated() -> None:
    with pytest.raises(Refused) as told:
        MandateRules().purpose("Jan's file 999900006")
    for lang in ("nl", "en"):
        assert "coordination, assessment" in told.value.text(lang)
        assert "999900006" not in told.value.text(lang)


def test_a_network_has_its_own_list_and_numbers() -> None:
    rules = MandateRules.of({"purposes": [OWN], "longest_days": 30, "live_share": 0.1, "looks_households": 5})
    assert rules.purpose("own-file") == Purpose(**OWN)
    assert refused(rules, "coordination", first=1, last=1) == "purpose"
    assert refused(rules, "own-file", first=1, last=31) == "mandate-period"
    assert (rules.most_live(1000), rules.looks_households, rules.looks_days) == (100, 5, 30)
    assert MandateRules.of(json.loads(json.dumps(rules.as_setting()))) == rules
    assert MandateRules.of(None) == MandateRules() == MandateRules(PURPOSES)


@pytest.mark.parametrize(
    "setting",
    [
        {"purposes": []}, {"purposes": [OWN, OWN]}, {"purposes": [OWN | {"code": "Two words"}]}, {"purposes": "all"},
        {"purposes": [{"code": "x"}]}, {"longest_days": 0}, {"longest_days": 4000}, {"longest_days": "a year"}, {"live_share": 1.5},
        {"looks_households": True}, {"looks_days": -1}, {"everything": 1}, {"purposes": [OWN | {"more": "x"}]},
    ],
)  # fmt: skip
def test_a_setting_that_is_wrong_is_told_before_anything_starts(setting: dict[str, Any]) -> None:
    with pytest.raises(SettingsWrong, match="`mandate_rules` can't be used"):
        MandateRules.of(setting)


@pytest.mark.parametrize(("households", "most"), [(0, 1), (10, 1), (100, 5), (20_000, 1000)])
def test_a_small_municipality_may_have_one(households: int, most: int) -> None:
    assert MandateRules().most_live(households) == most
