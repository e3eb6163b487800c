"""What an operator may count: every figure that was promised is there, with its role, and no label can carry a person."""

from __future__ import annotations

import socket
import time

import pytest
from prometheus_client import generate_latest

from keyvault.metrics import VaultMetrics
from schemas import codes
from schemas.errors import SettingsWrong
from streams.metrics import WorkerMetrics

PROMISED = {
    "envelopes_in_total", "envelopes_out_total", "events_in_total", "events_out_total", "events_refused_total", "duplicates_total",
    "lag_seconds", "window_events", "window_seconds", "outbox_length", "unplaced_events_total", "stale_transactions_total", "build_info",
}  # fmt: skip
LABELS = {"role", "code", "reason", "version", "le", "path", "status", "result"}


def test_every_promised_figure_is_there_from_the_first_scrape() -> None:
    metrics = WorkerMetrics("ledger")
    metrics.refused("8021")
    text = generate_latest(metrics.registry).decode()
    types = {line.split()[2].removeprefix("zorgstroom_") for line in text.splitlines() if line.startswith("# TYPE")}
    assert types >= PROMISED
    assert 'zorgstroom_events_refused_total{code="8021",role="ledger"} 1.0' in text
    assert 'zorgstroom_build_info{role="ledger",version="' in text


def test_how_far_behind_grows_while_a_window_does_not_end_and_falls_when_it_does() -> None:
    metrics = WorkerMetrics("ledger")
    assert metrics.lag() == 0
    now = time.time()
    metrics.take_in_hand(now - 400)
    assert 400 <= metrics.registry.get_sample_value("zorgstroom_lag_seconds", {"role": "ledger"}) < 460
    metrics.lay_down(now - 3)
    assert 3 <= metrics.registry.get_sample_value("zorgstroom_lag_seconds", {"role": "ledger"}) < 63


def test_labels_are_a_closed_list() -> None:
    for registry in (WorkerMetrics("intake").registry, VaultMetrics().registry):
        for metric in registry.collect():
            for sample in metric.samples:
                assert set(sample.labels) <= LABELS, metric.name


def test_a_refusal_counts_under_a_code_that_has_a_sentence() -> None:
    for code in ("8017", "8021", "9389", "9390"):
        assert codes.sentence(code, lang="en")
        assert codes.sentence(code, lang="nl")


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsWrong, match=f"Port {port} for metrics is in use"):
            WorkerMetrics("ledger").serve(port)


def test_reasons_of_dead_letters_are_there_before_the_first_one() -> None:
    for registry in (WorkerMetrics("intake").registry, VaultMetrics().registry):
        text = generate_latest(registry).decode()
        for reason in codes.DEAD_LETTERS:
            assert f'reason="{reason}"' in text
