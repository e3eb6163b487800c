"""Who calls: the name in the client certificate that TLS has verified, put into each request by the server itself.

uvicorn checks the certificate but does not hand it to the application; this protocol class does.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from schemas.errors import SettingsWrong

CALLER: Final = "zorgstroom.caller"
_STOP_WITHIN_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose verified certificate it is: the common name, the certificate itself (DER), and the network address it calls from."""

    name: str
    certificate: bytes
    source: str = ""


class CertificateProtocol(HttpToolsProtocol):
    """Adds the `Caller` to the scope of each request as `zorgstroom.caller`."""

    def connection_made(self, transport: Any) -> None:
        """Read the certificate once per connection."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        peer = transport.get_extra_info("peername") or ("",)
        self._caller = (
            Caller(common_name(tls.getpeercert()), certificate, str(peer[0])) if certificate else Caller("", b"")
        )

    def on_message_begin(self) -> None:
        """Begin a request: its scope exists from here on."""
        super().on_message_begin()
        scope: Any = self.scope
        scope[CALLER] = self._caller


def common_name(certificate: Any) -> str:
    """The one common name of a certificate as `ssl` gives it; empty where there is none, or more than one."""
    names = [
        str(value)
        for part in (certificate or {}).get("subject", ())
        for name, value in part
        if name == "commonName"
    ]  # fmt: skip
    return names[0] if len(names) == 1 else ""


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket. Raises `SettingsWrong` when the port is taken or the address is not ours."""
    bound = socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    )  # named, or asyncio leaves Nagle's delay on
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as taken:
        bound.close()
        msg = f"The keyvault can't listen on {host}:{port}: the port is in use or the address is not of this machine."
        raise SettingsWrong(msg) from taken
    return bound


def server(app: Any, *, host: str, port: int, cert: Path, key: Path, ca: Path) -> uvicorn.Server:
    """A uvicorn server that refuses every connection without a certificate of our authority, TLS 1.3 only."""
    config = uvicorn.Config(
        app, host=host, port=port, http=CertificateProtocol, ws="none", lifespan="off", log_config=None,
        access_log=False, server_header=False, ssl_certfile=str(cert), ssl_keyfile=str(key), ssl_ca_certs=str(ca),
        ssl_cert_reqs=ssl.CERT_REQUIRED, timeout_keep_alive=60, timeout_graceful_shutdown=_STOP_WITHIN_SECONDS,
        loop="asyncio",
    )  # fmt: skip
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    return uvicorn.Server(config)
