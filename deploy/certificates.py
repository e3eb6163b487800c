"""Certificates of one network: an authority, a certificate per process and member, and the signing of members' own requests.

The CN of a certificate is the Kafka principal and the caller the keyvault sees. Keys are EC P-256 in PKCS#8 files that only
their owner may read. In earnest a government network brings its own authority; then only the files change.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from schemas.errors import Refused, SettingsWrong
from schemas.secret_file import destroy_file, write_private

_BACKDATED = dt.timedelta(hours=1)
PLACES = ("kafka/*", "roles/*", "readers/*", "officers/*")
"""Below a zone's folder, of whose certificates the authority on this machine makes the private keys too."""


@dataclass(frozen=True, slots=True)
class RoleCertificate:
    """Files of one principal: its certificate, its private key, the authority's certificate."""

    name: str
    cert: Path
    key: Path
    ca: Path

    @property
    def kafka(self) -> dict[str, str]:
        """What a librdkafka client needs besides the address."""
        return {
            "security.protocol": "ssl", "ssl.ca.location": str(self.ca), "ssl.certificate.location": str(self.cert),
            "ssl.key.location": str(self.key), "ssl.endpoint.identification.algorithm": "https",
        }  # fmt: skip


class Authority:
    """The certificate authority of a network, kept in `folder` (ca.pem, ca.key).

    While it turns (`deploy.authority_turn`), the next one lies beside it, and later the one before: both are trusted.
    """

    def __init__(self, folder: Path) -> None:
        """Load the authority, or make it where there is none."""
        self.folder = folder
        self.ca_path, self.next_path, self.before_path = (folder / f"ca{n}.pem" for n in ("", "-next", "-before"))
        self._load()

    def _load(self) -> None:
        key_path, next_key = self.folder / "ca.key", self.folder / "ca-next.key"
        if self.before_path.exists() and next_key.exists():  # a turn that was broken off
            destroy_file(key_path)
            next_key.replace(key_path)
        if self.before_path.exists() and self.next_path.exists():
            self.next_path.replace(self.ca_path)
        if not key_path.exists():
            self._make(key_path, self.ca_path)
        loaded = serialization.load_pem_private_key(key_path.read_bytes(), None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            msg = f"{key_path} is not an EC key."
            raise SettingsWrong(msg)
        self._key = loaded
        self._certificate = x509.load_pem_x509_certificate(self.ca_path.read_bytes())

    def trusted(self) -> bytes:
        """Certificates of who is trusted, in PEM: the authority's, and while it turns the next one's or the one's before."""
        others = (p.read_bytes() for p in (self.next_path, self.before_path) if p.exists())
        return b"".join([self.ca_path.read_bytes(), *others])

    def make_next(self) -> None:
        """Make the authority that is to follow, if there is none yet."""
        if not self.next_path.exists():
            self._make(self.folder / "ca-next.key", self.next_path)

    def go_over(self) -> None:
        """From now on the next one signs; the private key of the one before is destroyed. Broken off, it is finished at the next start."""
        write_private(self.before_path, self.ca_path.read_bytes())
        self._load()

    def let_go(self) -> None:
        """Trust the one before no more."""
        self.before_path.unlink(missing_ok=True)

    def signed(self, certificate: Path) -> bool:
        """Whether the authority of now signed a certificate's file."""
        try:
            x509.load_pem_x509_certificate(certificate.read_bytes()).verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _make(self, key_path: Path, certificate_path: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        called = f"Zorgstroom network authority {now:%Y-%m-%d}-{os.urandom(3).hex()}"
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
        certificate = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED).not_valid_after(now + dt.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                    key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
                    decipher_only=False,
                ), critical=True,
            ).sign(key, hashes.SHA256())
        )  # fmt: skip
        write_private(key_path, _pem(key))
        write_private(certificate_path, certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, name: str, folder: Path, *, days: int = 825, valid_from: dt.datetime | None = None, server: bool = True
    ) -> RoleCertificate:
        """Make key and certificate for `name` in `folder` (cert.pem, key.pem, ca.pem), or return what stands there.

        Valid for `days` from `valid_from` on (absent: from an hour ago on, since clocks differ). `server`: may also stand
        behind an address of this machine; False for members, who only call.
        """
        files = RoleCertificate(name, folder / "cert.pem", folder / "key.pem", folder / "ca.pem")
        beside = _beside(files)
        if beside.exists() and files.key.exists() and _fits(beside, files.key):
            beside.replace(files.cert)  # a renewal was broken off after its key was in place
        if not (files.cert.exists() and files.key.exists()):
            key = ec.generate_private_key(ec.SECP256R1())
            signed = self._sign(name, key.public_key(), days=days, valid_from=valid_from, server=server)
            write_private(files.key, _pem(key))
            files.ca.write_bytes(self.trusted())
            files.cert.write_bytes(signed)
        return files

    def renew(self, files: RoleCertificate, *, days: int = 825) -> RoleCertificate:
        """A new key and certificate in the place of others; one that was broken off leaves the old ones, or is finished by `issue`."""
        old = x509.load_pem_x509_certificate(files.cert.read_bytes())
        usage = old.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        key = ec.generate_private_key(ec.SECP256R1())
        server = ExtendedKeyUsageOID.SERVER_AUTH in usage
        signed = self._sign(files.name, key.public_key(), days=days, valid_from=None, server=server)
        beside = _beside(files)
        beside.write_bytes(signed)
        write_private(files.key, _pem(key))
        beside.replace(files.cert)
        return files

    @staticmethod
    def ending(folder: Path, *, within: dt.timedelta) -> list[RoleCertificate]:
        """Certificates of Kafka, roles, readers and officers below a zone's folder that end soon."""
        last = dt.datetime.now(dt.UTC) + within
        found = (c for place in PLACES for c in sorted(folder.glob(f"{place}/cert.pem")))
        return [
            files_of(c) for c in found if x509.load_pem_x509_certificate(c.read_bytes()).not_valid_after_utc <= last
        ]

    def sign_again(self, certificate: Path) -> None:
        """Put a certificate for the same name and key, signed by the authority of now, in the place of one: of a member on this machine."""
        old = x509.load_pem_x509_certificate(certificate.read_bytes())
        public = old.public_key()
        if not isinstance(public, ec.EllipticCurvePublicKey):
            msg = f"{certificate} is not of an EC key."
            raise SettingsWrong(msg)
        write_private(certificate, self._sign(_name_in(old), public, days=825, valid_from=None, server=False))

    def sign_request(self, csr_pem: bytes, name: str, *, days: int = 825) -> bytes:
        """Sign a member's own request, for calling only; the name is ours, not the request's. Raises `Refused` for a broken request."""
        try:
            request = x509.load_pem_x509_csr(csr_pem)
        except ValueError as broken:
            raise Refused(
                "unreadable", "The certificate request in this file can't be read; run join again."
            ) from broken
        public = request.public_key()
        if not request.is_signature_valid or not isinstance(public, ec.EllipticCurvePublicKey):
            raise Refused("signature", "The certificate request is not signed by its own EC key; run join again.")
        return self._sign(name, public, days=days, valid_from=None, server=False)

    def _sign(
        self, name: str, public: ec.EllipticCurvePublicKey, *, days: int, valid_from: dt.datetime | None, server: bool
    ) -> bytes:
        if re.fullmatch(r"[a-z0-9-]{1,60}", name) is None:
            msg = "A principal has lower-case letters, digits and dashes."
            raise SettingsWrong(msg)
        first = valid_from or dt.datetime.now(dt.UTC) - _BACKDATED
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if server else [])]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._certificate.subject).public_key(public).serial_number(x509.random_serial_number())
            .not_valid_before(first).not_valid_after(first + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(issuer, critical=False)
        )  # fmt: skip
        if server:
            here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            builder = builder.add_extension(x509.SubjectAlternativeName(here), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def files_of(certificate: Path) -> RoleCertificate:
    """The files in whose midst a certificate lies, by the name in it."""
    place = certificate.parent
    name = _name_in(x509.load_pem_x509_certificate(certificate.read_bytes()))
    return RoleCertificate(name, certificate, place / "key.pem", place / "ca.pem")


def _name_in(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _beside(files: RoleCertificate) -> Path:
    return files.cert.with_name("cert.pem.new")


def _fits(certificate: Path, key: Path) -> bool:
    """Whether a certificate is that of a private key; one that was written in part is that of none."""
    try:
        certified = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    except ValueError:
        return False
    own = serialization.load_pem_private_key(key.read_bytes(), None).public_key()
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return certified.public_bytes(*form) == own.public_bytes(*form)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
