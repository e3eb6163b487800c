"""The page's process: settings from one JSON file, plain HTTP on a loopback port (a proxy adds the outside)."""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from portals.municipality.app import build_app
from portals.municipality.events import OwnEvents
from portals.municipality.own_pages import OwnPages
from portals.municipality.released import Released
from portals.municipality.signin import SignInSettings
from projections.municipal_topic import MunicipalReader, append
from projections.release.calendar import Calendar
from schemas.certificates import check_not_expired
from schemas.directory_follower import ROLE_KEYS, DirectoryFollower
from schemas.errors import SettingsWrong
from schemas.municipal_events import pen_of, told_keys
from schemas.roots import Roots

EXIT_SETTINGS = 2


def _check_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as taken:
            msg = f"Port {port} of the page is in use; choose another `port` or stop that program."
            raise SettingsWrong(msg) from taken


def _own_pages(told: dict[str, Any], kafka: dict[str, Any], released: Released, number: int) -> OwnPages:
    """Pages over the municipality's own topic: written only where the page has a key and a sign-in. Raises `SettingsWrong`."""
    sign_in = SignInSettings.of(told["sign_in"]) if told.get("sign_in") is not None else None
    pen = pen_of(number, told["pen"]) if sign_in is not None and told.get("pen") is not None else None
    reader = MunicipalReader(kafka, f"gm{number:04d}.page-own", number, told_keys(told["own_keys"]))
    events = OwnEvents(
        reader, pen=pen, append=partial(append, kafka, number), now_ms=lambda: time.time_ns() // 1_000_000
    )
    pages = OwnPages(released, events, number, Calendar.of(told.get("closing")))
    if sign_in is not None:
        pages.use_sign_in(sign_in)
    return pages


def run(path: Path) -> None:
    """Run until told to stop. Raises `SettingsWrong`, naming file and field."""
    try:
        d = json.loads(path.read_text("utf-8"))
        kafka = {
            "bootstrap.servers": d["kafka"]["bootstrap"], "security.protocol": "ssl", "ssl.ca.location": d["kafka"]["ca"],
            "ssl.certificate.location": d["kafka"]["cert"], "ssl.key.location": d["kafka"]["key"], "log_level": 2,
        }  # fmt: skip
        number = int(d["municipality"])
        follower = DirectoryFollower(Roots.of(d["roots"]), kafka, role=f"gm{number:04d}", topic=ROLE_KEYS)
        released = Released(kafka, number, follower.release_keys)
        own = _own_pages(d, kafka, released, number)
        host, port = str(d["host"]), int(d["port"])
        certificate = Path(d["kafka"]["cert"])
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        msg = f"The settings file {path} can't be read or lacks a field: {type(wrong).__name__}."
        raise SettingsWrong(msg) from wrong
    check_not_expired(certificate)
    _check_free(host, port)
    follower.start()
    released.follow()
    own.events.follow()
    try:
        uvicorn.run(
            build_app(released, ready=lambda: released.ready() and own.events.ready(), add_own=own.add_to),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
        )
    finally:
        own.events.stop()
        released.stop()
        follower.stop()


def main() -> None:
    """Entry: `--config FILE`."""
    parser = argparse.ArgumentParser(description="The municipality's page.")
    parser.add_argument("--config", required=True, type=Path, help="settings (JSON)")
    try:
        run(parser.parse_args().config)
    except SettingsWrong as wrong:
        print(wrong)  # noqa: T201 - the last line of the log is what the supervisor shows
        sys.exit(EXIT_SETTINGS)


if __name__ == "__main__":
    main()
