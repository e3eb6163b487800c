"""Sign-in of the demo: one provider of invented people for all municipalities' pages. Figures stay open; writing needs somebody chosen."""

from __future__ import annotations

import json
import secrets
import urllib.request
from typing import Final

from deploy.pages import page_address
from deploy.preflight import steady_port
from deploy.supervisor import Program
from deploy.zone import Zone
from schemas.geography import gemeente_code
from schemas.secret_file import write_private

PROGRAM: Final = "sign-in"


def start_sign_in(zone: Zone) -> str:
    """Start the provider before the pages, write the pages' settings where they have none; returns the provider's address."""
    settings = zone.folder.settings()
    port = settings["ports"].setdefault(PROGRAM, steady_port())
    numbers, issuer = settings["municipalities"], f"http://127.0.0.1:{port}"
    told = settings.setdefault("sign_in", {})
    for number in numbers:
        told.setdefault(
            gemeente_code(number),
            {
                "issuer": issuer, "client_id": f"page-{number}", "client_secret": secrets.token_urlsafe(24),
                "figures_without_sign_in": True,
            },
        )  # fmt: skip
    zone.folder.save_settings(settings)
    clients = [
        {
            "client_id": told[gemeente_code(n)]["client_id"], "client_secret": told[gemeente_code(n)]["client_secret"],
            "redirect_uri": f"{page_address(zone, n)}aangemeld",
        }
        for n in numbers
    ]  # fmt: skip
    path = zone.folder.path / "pages" / "sign-in.json"
    config = {"issuer": issuer, "host": "127.0.0.1", "port": port, "clients": clients, "municipalities": numbers}
    write_private(path, json.dumps(config, indent=2).encode())

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    zone.supervisor.start(Program(PROGRAM, "deploy.mock_sign_in", ("--config", str(path)), ready))
    zone.supervisor.wait_ready([PROGRAM], seconds=60)
    return issuer
