"""What Prometheus is told of keys: per kind the first day on which one should turn; nobody's name, no id."""

from __future__ import annotations

import datetime as dt

from prometheus_client import generate_latest

from deploy.key_list import KeyLine
from deploy.key_watch import KeyMetrics

DAY = dt.date(2025, 6, 1)


def line(what: str, holder: str, due: dt.date | None, key_id: str = "k-1234") -> KeyLine:
    return KeyLine(what, holder, key_id, "active", DAY, due)


def shown(metrics: KeyMetrics, kind: str) -> float | None:
    return metrics.registry.get_sample_value("zorgstroom_key_due_timestamp_seconds", {"kind": kind})


def at(day: dt.date) -> float:
    return dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()


def test_the_first_of_a_kind_counts_and_what_never_turns_is_not_shown() -> None:
    metrics, week = KeyMetrics(), dt.timedelta(days=7)
    metrics.show([
        line("section", "keyvault", DAY + week), line("section", "keyvault", DAY), line("placement", "keyvault", None),
        line("p98000001 signing", "sender", DAY + week), line("certificate of caseworker-gm9901-1", "caseworker-gm9901-1", DAY + 2 * week),
        line("operator anne", "operator", DAY),
    ])  # fmt: skip
    assert shown(metrics, "section") == at(DAY)
    assert shown(metrics, "placement") is None
    assert (shown(metrics, "sender signing"), shown(metrics, "certificate")) == (at(DAY + week), at(DAY + 2 * week))
    text = generate_latest(metrics.registry).decode()
    for private in ("p98000001", "anne", "caseworker", "k-1234"):
        assert private not in text
    metrics.show([line("section", "keyvault", DAY + 9 * week)])
    assert shown(metrics, "section") == at(DAY + 9 * week), "after a turn the old day is gone"
    assert shown(metrics, "certificate") is None


def test_a_key_is_overdue_after_its_day() -> None:
    assert not line("section", "keyvault", DAY).overdue(DAY)
    assert line("section", "keyvault", DAY).overdue(DAY + dt.timedelta(days=1))
    assert not line("cache", "intake", None).overdue(dt.date(2999, 1, 1))
