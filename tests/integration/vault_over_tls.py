"""A vault on a real PostgreSQL that answers over mutual TLS, at a day of one's choosing. For tests."""

from __future__ import annotations

import datetime as dt
import threading
import time
from pathlib import Path

from deploy.certificates import Authority
from deploy.zone_folder import free_port
from keyvault.access_log import InMemoryAccessLog
from keyvault.client import VaultClient
from keyvault.metrics import VaultMetrics
from keyvault.mutual_tls import server
from keyvault.service import build_app
from keyvault.store import VaultStore
from keyvault.vault import Vault
from schemas import codec
from schemas.household_record import COMMON_SECTION, Layout, seal_record
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey
from schemas.values import MandateHandle

PROJECTOR = SigningKey(b"\x07" * 32)
HANDLE, PERSON, READER = b"h" * 16, b"p" * 16, "caseworker-gm9901-1"
DAY = dt.date(2025, 6, 1)
CARD = codec.encode("household_card", {"known_on": 1, "epoch": 1, "members": 1, "subject": 1, "lines": []})
LAYOUT = Layout.fitting([], classes=("ggz", "youth"))
"""Sections a record has here; what is in none of them is not asked."""


class Running:
    def __init__(self, store: VaultStore, authority: Authority, folder: Path) -> None:
        self.authority, self.folder, self.store, self.log = authority, folder, store, InMemoryAccessLog()
        self.now = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC).timestamp()
        self.vault = Vault(
            store, self.log, lambda _: [verify_key_of(PROJECTOR)], VaultMetrics(), clock=lambda: self.now
        )
        self.told: list[str] = []
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.start("keyvault")

    def start(self, name: str) -> None:
        """Serve with the certificate of `name`."""
        files = self.authority.issue(name, self.folder / name)
        app = build_app(self.vault, meter=VaultMetrics(), tell=self.told.append)
        self.server = server(app, host="127.0.0.1", port=self.port, cert=files.cert, key=files.key, ca=files.ca)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(5)

    def as_(self, name: str) -> VaultClient:
        files = self.authority.issue(name, self.folder / name)
        return VaultClient(self.url, cert=files.cert, key=files.key, ca=files.ca)

    def record(self, version: int = 1, handle: bytes = HANDLE) -> dict[str, object]:
        _, public = self.as_("projector").public_key("section")
        sealed = seal_record(
            handle=MandateHandle(handle),
            version=version,
            sections={COMMON_SECTION: CARD},
            layout=LAYOUT,
            vault_public=public,
            signing=PROJECTOR,
            household=b"H" * 16,
        )
        return codec.decode("household_record", sealed)
