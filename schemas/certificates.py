"""Whether a certificate may be used today: asked before anything is touched, since a broker would only fall silent."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509

from schemas.errors import SettingsWrong


def check_not_expired(cert: Path, *, now: dt.datetime | None = None) -> None:
    """Raise `SettingsWrong`, one sentence with file and day, when a certificate has expired or is not valid yet."""
    moment = now or dt.datetime.now(dt.UTC)
    try:
        certificate = x509.load_pem_x509_certificate(cert.read_bytes())
    except (OSError, ValueError) as broken:
        raise SettingsWrong(
            f"The certificate {cert} can't be read; ask for a new one.",
            dutch=f"Het certificaat {cert} kan niet worden gelezen; vraag een nieuw aan.",
        ) from broken
    until, since = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    if moment > until:
        raise SettingsWrong(
            f"The certificate {cert} expired on {until:%Y-%m-%d}; ask for a new one.",
            dutch=f"Het certificaat {cert} is verlopen op {until:%d-%m-%Y}; vraag de gemeente om een nieuw toelatingsbestand.",
        )
    if moment < since:
        raise SettingsWrong(
            f"The certificate {cert} is valid from {since:%Y-%m-%d %H:%M} on; check the clock.",
            dutch=f"Het certificaat {cert} geldt vanaf {since:%d-%m-%Y %H:%M}; kijk of de klok goed staat.",
        )
