"""A reader signs the one-time key of a look with the key of its certificate: whoever stands between it and the vault gets nothing.

ECDSA with SHA-256 for EC certificates (ours), RSA-PSS for those of a government authority; other kinds are refused.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from schemas.errors import Refused, SettingsWrong

_DOMAIN: Final = b"zorgstroom look 1\x00"
_SHA256: Final = hashes.SHA256()
_PSS: Final = padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=_SHA256.digest_size)


def sign_as_caller(key_pem: bytes, message: bytes) -> bytes:
    """Signature over `message` under a certificate's private key. Raises `SettingsWrong` for a key that is neither EC nor RSA."""
    try:
        secret = serialization.load_pem_private_key(key_pem, None)
    except (ValueError, TypeError) as broken:
        msg = "The certificate's private key can't be read."
        raise SettingsWrong(msg) from broken
    if isinstance(secret, ec.EllipticCurvePrivateKey):
        return secret.sign(_DOMAIN + message, ec.ECDSA(_SHA256))
    if isinstance(secret, rsa.RSAPrivateKey):
        return secret.sign(_DOMAIN + message, _PSS, _SHA256)
    msg = "The certificate's key is neither EC nor RSA; ask for another certificate."
    raise SettingsWrong(msg)


def check_caller_signature(certificate_der: bytes, message: bytes, signature: bytes) -> None:
    """Raise `Refused` (`signature`) unless the holder of this certificate signed `message`."""
    try:
        public = x509.load_der_x509_certificate(certificate_der).public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, _DOMAIN + message, ec.ECDSA(_SHA256))
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, _DOMAIN + message, _PSS, _SHA256)
        else:
            raise Refused("signature", "The certificate's key is neither EC nor RSA.")
    except (InvalidSignature, ValueError) as wrong:
        raise Refused("signature", "The look is not signed by the certificate that asks.") from wrong
