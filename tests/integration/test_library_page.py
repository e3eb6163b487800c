"""The blocks of `docs/library.md`, run as they stand against the running demo. (After the demo's own comparison with the town.)"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deploy.admission import admit
from deploy.demo import Demo
from producers import joining
from schemas.values import SenderId

PAGE = (Path(__file__).parents[2] / "docs" / "library.md").read_text("utf-8")
PUBLISH, FIGURES, HOUSEHOLD = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def run(block: str, **given: Any) -> dict[str, Any]:
    names = dict(given)
    exec(compile(block, "docs/library.md", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_provider_publishes(demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = joining.join(tmp_path / "provider", sender=SenderId("p98000088"), name="De Berk")
    joining.accept(tmp_path / "provider", admit(demo.zone, request.read_bytes(), municipalities=[9901]))
    run(PUBLISH)
    run(PUBLISH)
    assert capsys.readouterr().out == "1 applied 0 known 0 refused\n0 applied 1 known 0 refused\n"


def test_a_municipality_reads(demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "municipality").symlink_to(demo.sender_folder("gm9901"))
    figures = run(FIGURES)["figures"]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(figures.latest()["cells"]) > 100
    assert re.match(
        r"GM9901P total 2025 released \d+000 ", next(x for x in lines if x.startswith("GM9901P total 2025"))
    )


def test_a_caseworker_looks(demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, gm = demo.zone.folder.members().readers[1]
    (tmp_path / "caseworker").symlink_to(demo.zone.reader_certificate(name).cert.parent)
    handle = bytes.fromhex(json.loads(demo.mandate_file(name).read_text())["handle"])
    found = run(
        HOUSEHOLD,
        vault_url=demo.zone.vault_url,
        bootstrap=demo.zone.kafka.bootstrap,
        name=name,
        municipality=int(gm[2:]),
        handle=handle,
    )
    assert found["card"] is not None
    assert re.search(r"^\S+ \d+$", capsys.readouterr().out, re.MULTILINE)
