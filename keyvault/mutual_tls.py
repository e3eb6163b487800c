"""Who calls: the name in the client certificate that TLS has verified, put into each request by the server itself.

uvicorn checks the certificate but does not hand it to the application; this protocol class does.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CALLER = "zorgstroom.caller"


class CertificateProtocol(HttpToolsProtocol):
    """Adds the CN of the verified client certificate to the request's scope as `zorgstroom.caller`."""

    def connection_made(self, transport: Any) -> None:
        """Read the certificate once per connection."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self._caller = _common_name(tls.getpeercert() if tls is not None else None)

    def on_message_begin(self) -> None:
        """Begin a request: its scope exists from here on."""
        super().on_message_begin()
        scope: Any = self.scope
        scope[CALLER] = self._caller


def _common_name(certificate: Any) -> str:
    for part in (certificate or {}).get("subject", ()):
        for name, value in part:
            if name == "commonName":
                return str(value)
    return ""


def server(app: Any, *, host: str, port: int, cert: Path, key: Path, ca: Path) -> uvicorn.Server:
    """A uvicorn server that refuses every connection without a certificate of our authority."""
    return uvicorn.Server(
        uvicorn.Config(
            app, host=host, port=port, http=CertificateProtocol, ws="none", lifespan="off", log_config=None,
            access_log=False, server_header=False, ssl_certfile=str(cert), ssl_keyfile=str(key), ssl_ca_certs=str(ca),
            ssl_cert_reqs=ssl.CERT_REQUIRED, timeout_keep_alive=60, loop="asyncio",
        )
    )  # fmt: skip
