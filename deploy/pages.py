"""Starting the municipal page of a zone on this machine: one process per municipality, with its own certificate."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

from deploy.municipal_topic import own_keys, page_pen_settings
from deploy.preflight import steady_port
from deploy.supervisor import Program
from deploy.zone import WORKERS, Zone
from schemas.errors import SettingsWrong
from schemas.geography import gemeente_code
from schemas.secret_file import write_private

MODULE = "portals.municipality.process"


def page_port(zone: Zone, municipality: int) -> int:
    """The page's port: chosen once and kept."""
    settings = zone.folder.settings()
    name = f"page/{municipality}"
    if name not in settings["ports"]:
        settings["ports"][name] = steady_port()
        zone.folder.save_settings(settings)
    return int(settings["ports"][name])


def page_address(zone: Zone, municipality: int) -> str:
    """What to open in a browser."""
    return f"http://127.0.0.1:{page_port(zone, municipality)}/"


def start_page(zone: Zone, municipality: int) -> None:
    """Start the page and wait until it has read the released topics."""
    name = f"gm{municipality:04d}"
    files = zone.reader_certificate(name)
    config = {
        "kafka": {"bootstrap": zone.kafka.bootstrap, "ca": str(files.ca), "cert": str(files.cert), "key": str(files.key)},
        "municipality": municipality, "host": "127.0.0.1", "port": page_port(zone, municipality),
        "roots": zone.roots.pinned.told(), "sign_in": sign_in_settings(zone, municipality), "own_keys": own_keys(zone, municipality),
        "closing": zone.folder.settings().get("closing"), "pen": page_pen_settings(zone, municipality, now_ms=time.time_ns() // 1_000_000),
    }  # fmt: skip
    path = zone.folder.path / "pages" / f"{name}.json"
    write_private(path, json.dumps(config, indent=2).encode())
    address = page_address(zone, municipality)

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"{address}health", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    zone.supervisor.start(Program(f"page-{name}", MODULE, ("--config", str(path)), ready))
    zone.supervisor.wait_ready([f"page-{name}"], seconds=60)


def sign_in_settings(zone: Zone, municipality: int) -> dict[str, Any] | None:
    """How people sign in to a municipality's page: the setting `sign_in` of the zone, by gemeente code; None where it has none.

    Where it names no `page_url`, that is the page's own address on this machine.
    """
    settings = zone.folder.settings().get("sign_in", {})
    told = settings.get(gemeente_code(municipality)) if isinstance(settings, dict) else settings
    if told is not None and not isinstance(told, dict):
        msg = 'The setting `sign_in` is {"GM9901": {"issuer": ..., "client_id": ..., "client_secret": ...}}.'
        raise SettingsWrong(msg)
    return None if told is None else {"page_url": page_address(zone, municipality)} | told


def addresses(zone: Zone) -> dict[str, str]:
    """What a person may open: each municipality's page, and the metrics of each role."""
    pages = {gemeente_code(m): page_address(zone, m) for m in zone.folder.settings()["municipalities"]}
    return pages | {f"metrics {role}": zone.metrics_url(role) for role in (*WORKERS, "keyvault", "zone")}
