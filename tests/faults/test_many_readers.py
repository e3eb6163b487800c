"""Many readers at one moment, while a corrected epoch comes in: nobody gets half a file, or a file of two versions."""

from __future__ import annotations

import concurrent.futures
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from municipality_page_builders import geography, record, released, released_epoch, usual
from municipality_served import ask
from served_on_a_port import free_ports, serving

from portals.municipality.app import build_app
from portals.municipality.downloads import FILES

READERS = 100


@pytest.fixture
def served() -> Iterator[tuple[str, Any]]:
    page = usual()
    with serving(build_app(page, ready=lambda: True), free_ports(1)[0]) as at:
        yield at, page


def test_a_hundred_readers_at_once_each_get_one_whole_snapshot_while_a_new_one_arrives(served: tuple[str, Any]) -> None:
    """Every answer is, byte for byte, of the version before or of the one after; none is half of both or cut."""
    address, page = served
    later = released_epoch(version=2)
    for cell in later["cells"]:
        cell["euros"] = None if cell["euros"] is None else cell["euros"] + 1_000
    paths = [f"/export/{name}?maand=2025-06" for name in FILES] + ["/api/v1/cells?epoch=2025-06&limit=2000"]
    with httpx.Client(base_url=address) as client:
        before = {path: client.get(path).content for path in paths}
    together = threading.Barrier(READERS + 1)

    def read(n: int) -> list[tuple[str, bytes]]:
        with httpx.Client(base_url=address, timeout=60) as client:
            together.wait(60)
            answers = [client.get(paths[(n + i) % len(paths)]) for i in range(3)]
            assert {a.status_code for a in answers} == {200}
            return [(f"{a.url.raw_path.decode()}", a.content) for a in answers]

    with concurrent.futures.ThreadPoolExecutor(READERS) as threads:
        reading = [threads.submit(read, n) for n in range(READERS)]
        together.wait(60)
        page.macro.take(record(later), 0)
        found = [answer for future in reading for answer in future.result(120)]
    with httpx.Client(base_url=address) as client:
        after = {path: client.get(path).content for path in paths}
    assert len(found) == 3 * READERS
    for path, content in found:
        assert content in (before[path], after[path])
    assert all(before[path] != after[path] for path in paths)
    assert json.loads(after[paths[-1]])["snapshot"]["macro_version"] == 2
    fresh = released(record(geography()), record(later), meso=(record(released_epoch(level="meso")),))
    assert after[paths[1]] == ask(paths[1], fresh).content
