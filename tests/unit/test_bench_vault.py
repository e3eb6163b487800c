"""The benchmark of looks: its mandate is one that the keyvault takes."""

from __future__ import annotations

from deploy import bench_vault
from schemas.mandate_rules import may_grant


def test_its_grantor_is_not_its_reader_under_another_name() -> None:
    assert may_grant(bench_vault._GRANTOR, reader=bench_vault._READER, gemeente="gm9901")
    assert not may_grant("grantor-gm9901-bench", reader=bench_vault._READER, gemeente="gm9901")
