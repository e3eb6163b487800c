"""The alert rules fire when they should, by Prometheus's own tool, and speak only of metrics that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from deploy.key_watch import KeyMetrics
from deploy.settings import load_settings
from keyvault.metrics import VaultMetrics
from streams.metrics import WorkerMetrics

RULES = Path(__file__).parents[2] / "deploy" / "prometheus"


def exposed(registry: CollectorRegistry) -> set[str]:
    return set(re.findall(r"^# TYPE (\S+) ", generate_latest(registry).decode(), re.MULTILINE))


def test_every_metric_in_a_rule_exists() -> None:
    named = set(re.findall(r"zorgstroom_\w+", (RULES / "alerts.yml").read_text("utf-8")))
    there = (
        exposed(WorkerMetrics("ledger").registry) | exposed(VaultMetrics().registry) | exposed(KeyMetrics().registry)
    )
    assert named
    assert named <= there


def test_every_rule_has_a_case_in_which_it_fires() -> None:
    rules = set(re.findall(r"- alert: (\w+)", (RULES / "alerts.yml").read_text("utf-8")))
    cases = (RULES / "alerts_test.yml").read_text("utf-8")
    assert rules == set(re.findall(r"alertname: (\w+)\n\s+exp_alerts:\n", cases))


def test_the_rules_fire_as_their_cases_say() -> None:
    promtool = shutil.which("promtool") or shutil.which(load_settings().cache / "promtool" / "usr" / "bin" / "promtool")
    if promtool is None:
        pytest.skip("promtool is not here; install Prometheus, or run .ci/run as root on Debian")
    for arguments in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run([promtool, *arguments], cwd=RULES, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
