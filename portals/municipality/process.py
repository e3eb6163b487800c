"""The page's process: settings from one JSON file, plain HTTP on a loopback port (a proxy adds the outside)."""

from __future__ import annotations

import argparse
import json
import socket
import sys
from pathlib import Path

import uvicorn

from portals.municipality.app import build_app
from portals.municipality.released import Released
from schemas.certificates import check_not_expired
from schemas.directory_follower import ROLE_KEYS, DirectoryFollower
from schemas.errors import SettingsWrong
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
        host, port = str(d["host"]), int(d["port"])
        certificate = Path(d["kafka"]["cert"])
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        msg = f"The settings file {path} can't be read or lacks a field: {type(wrong).__name__}."
        raise SettingsWrong(msg) from wrong
    check_not_expired(certificate)
    _check_free(host, port)
    follower.start()
    released.follow()
    try:
        uvicorn.run(
            build_app(released, ready=released.ready),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
        )
    finally:
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
