"""The vault's process: settings from one JSON file, everything wired in one place."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from prometheus_client import start_http_server

from keyvault.access_log import KafkaAccessLog
from keyvault.mandate_subscriber import MandateSubscriber
from keyvault.mutual_tls import server
from keyvault.service import Vault, build_app
from keyvault.store import VaultStore
from schemas.errors import SettingsWrong, Unavailable
from schemas.secrets import WrappingKey

EXIT_SETTINGS = 2


def load(path: Path) -> dict[str, Any]:
    """Read the settings. Raises `SettingsWrong`, naming file and field."""
    try:
        d: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as broken:
        msg = f"The settings file {path} can't be read as JSON."
        raise SettingsWrong(msg) from broken
    for name in ("database_dsn", "kafka", "tls", "host", "port", "wrapping_key_file", "projector_signing_public_key", "metrics_port"):
        if name not in d:
            msg = f"The settings file {path} lacks `{name}`."
            raise SettingsWrong(msg)
    return d


def run(path: Path) -> None:
    """Run the vault until it is told to stop."""
    d = load(path)
    wrapping_file = Path(d["wrapping_key_file"])
    try:
        wrapping = WrappingKey(wrapping_file.read_bytes())
    except (OSError, ValueError) as wrong:
        msg = f"The wrapping key {wrapping_file} can't be read or has not 32 bytes."
        raise SettingsWrong(msg) from wrong
    kafka = {
        "bootstrap.servers": d["kafka"]["bootstrap"], "security.protocol": "ssl", "ssl.ca.location": d["kafka"]["ca"],
        "ssl.certificate.location": d["kafka"]["cert"], "ssl.key.location": d["kafka"]["key"], "log_level": 2,
    }  # fmt: skip
    store = VaultStore(d["database_dsn"], wrapping)
    while True:
        try:
            store.prepare()
            break
        except Unavailable:
            time.sleep(1)
    vault = Vault(store, KafkaAccessLog(kafka), bytes.fromhex(d["projector_signing_public_key"]))
    mandates = MandateSubscriber(kafka, store)
    mandates.start()
    start_http_server(int(d["metrics_port"]), addr="127.0.0.1")
    tls = d["tls"]
    try:
        server(
            build_app(vault), host=d["host"], port=int(d["port"]), cert=Path(tls["cert"]), key=Path(tls["key"]),
            ca=Path(tls["ca"]),
        ).run()  # fmt: skip
    finally:
        mandates.stop()
        store.close()


def main() -> None:
    """Entry: `--config FILE`."""
    parser = argparse.ArgumentParser(description="The keyvault.")
    parser.add_argument("--config", required=True, type=Path, help="settings (JSON)")
    try:
        run(parser.parse_args().config)
    except SettingsWrong as wrong:
        print(wrong)  # noqa: T201 - the last line of the log is what the supervisor shows
        sys.exit(EXIT_SETTINGS)


if __name__ == "__main__":
    main()
