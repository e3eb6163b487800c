"""A caller's connection to the vault over mutual TLS, with errors that say whether to wait or to stop.

Trusts an answer only from the holder of the certificate named `keyvault`: every role has a certificate of the same authority.
"""

from __future__ import annotations

import ssl
import time
from pathlib import Path
from typing import Final

import httpx

from schemas import codec
from schemas.errors import ContractBroken, Refused, SettingsWrong, Unavailable

_VAULT: Final = "keyvault"
_STOP: Final = (httpx.codes.FORBIDDEN, httpx.codes.INTERNAL_SERVER_ERROR)


class Connection:
    """Safe to use from several threads."""

    def __init__(self, url: str, *, cert: Path, key: Path, ca: Path) -> None:
        """`cert` and `key` are the caller's; `ca` the network's authority. Raises `SettingsWrong` for files that can't be read."""
        try:
            context = ssl.create_default_context(cafile=str(ca))
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_cert_chain(str(cert), str(key))
            self.key_file = key
        except (OSError, ValueError) as wrong:
            msg = f"The certificate {cert}, its key and the authority's certificate {ca} can't be read or don't belong together."
            raise SettingsWrong(msg) from wrong
        self.seconds = 0.0
        """How long answers were waited for, all in all."""
        self._http = httpx.Client(base_url=url, verify=context, timeout=httpx.Timeout(20, connect=3), trust_env=False)

    def _send(self, method: str, path: str, body: bytes | None = None, *, again: bool = True) -> httpx.Response:
        """One request; tried once more where the vault closed an idle connection under it, unless each try counts."""
        began = time.perf_counter()
        headers = {"content-type": "application/avro"}
        try:
            with self._http.stream(method, path, content=body, headers=headers) as answer:
                name = _name_of(
                    answer
                )  # before the answer is read to its end: then the connection may be closed and knows no name
                answer.read()
        except httpx.RemoteProtocolError as closed:
            if again:
                return self._send(method, path, body, again=False)
            msg = "The keyvault closed the connection."
            raise Unavailable(msg) from closed
        except httpx.HTTPError as away:
            msg = "The keyvault is away."
            raise Unavailable(msg) from away
        finally:
            self.seconds += time.perf_counter() - began
        if name != _VAULT:
            msg = "Another process than the keyvault answers at the keyvault's address."
            raise ContractBroken(msg)
        return answer

    def _ask(self, method: str, path: str, body: bytes | None = None, *, again: bool = True) -> bytes:
        answer = self._send(method, path, body, again=again)
        if answer.status_code == httpx.codes.OK:
            return answer.content
        try:
            told = codec.decode("vault_refusal", answer.content)
        except Refused as strange:
            msg = f"The keyvault answers {answer.status_code} without saying why; its version may be another."
            raise ContractBroken(msg) from strange
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Unavailable(told["sentence"])
        if answer.status_code in _STOP:
            raise ContractBroken(told["sentence"])
        raise Refused(told["code"], told["sentence"])

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def _name_of(answer: httpx.Response) -> str:
    """Common name of the certificate behind an answer."""
    tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
    certificate = tls.getpeercert() if tls is not None else None
    names = [v for part in (certificate or {}).get("subject", ()) for n, v in part if n == "commonName"]
    return str(names[0]) if len(names) == 1 else ""
