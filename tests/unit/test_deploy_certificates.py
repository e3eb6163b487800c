"""Certificates: who issued them, for whom, for what, until when."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.certificates import Authority
from schemas.certificates import check_not_expired
from schemas.errors import Refused, SettingsWrong

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def purposes(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def a_request(name: str = "anyone", key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return request.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(
        serialization.Encoding.PEM
    )


def test_a_certificate_names_its_principal_and_is_signed_by_the_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "root")
    files = authority.issue("intake", tmp_path / "intake")
    certificate = read(files.cert)
    assert certificate.subject.rfc4514_string() == "CN=intake"
    certificate.verify_directly_issued_by(read(authority.ca_path))
    assert files.ca.read_bytes() == authority.ca_path.read_bytes()


def test_only_the_owner_may_read_a_private_key(tmp_path: Path) -> None:
    files = Authority(tmp_path / "root").issue("intake", tmp_path / "intake")
    for key in (files.key, tmp_path / "root" / "ca.key"):
        assert key.stat().st_mode & 0o777 == 0o600
        assert key.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")  # PKCS#8, which Kafka needs


def test_an_authority_and_its_certificates_are_found_again(tmp_path: Path) -> None:
    first = Authority(tmp_path / "root").issue("intake", tmp_path / "intake").cert.read_bytes()
    again = Authority(tmp_path / "root")
    assert again.issue("intake", tmp_path / "intake").cert.read_bytes() == first
    read(tmp_path / "intake" / "cert.pem").verify_directly_issued_by(read(again.ca_path))


def test_a_member_gets_the_name_we_give_and_a_certificate_for_calling_only(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "root")
    certificate = x509.load_pem_x509_certificate(authority.sign_request(a_request("keyvault"), "p99000001"))
    assert certificate.subject.rfc4514_string() == "CN=p99000001"
    assert purposes(certificate) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_a_server_may_stand_on_this_machine_and_a_caller_may_not(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "root")
    server, caller = authority.issue("broker", tmp_path / "a"), authority.issue("gm9901", tmp_path / "b", server=False)
    assert ExtendedKeyUsageOID.SERVER_AUTH in purposes(read(server.cert))
    assert ExtendedKeyUsageOID.SERVER_AUTH not in purposes(read(caller.cert))


def test_a_request_that_was_changed_on_the_way_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "root")
    whole = x509.load_pem_x509_csr(a_request()).public_bytes(serialization.Encoding.DER)
    changed = whole[:-1] + bytes([whole[-1] ^ 1])
    pem = b"-----BEGIN CERTIFICATE REQUEST-----\n" + _base64(changed) + b"-----END CERTIFICATE REQUEST-----\n"
    with pytest.raises(Refused):
        authority.sign_request(pem, "p99000001")
    for broken in (b"", b"no request", pem[:80]):
        with pytest.raises(Refused):
            authority.sign_request(broken, "p99000001")


def test_a_request_with_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    request = a_request(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    with pytest.raises(Refused):
        Authority(tmp_path / "root").sign_request(request, "p99000001")


@pytest.mark.parametrize("name", ["", "CN=admin", "admin,O=x", "Admin", "a b", "a" * 61, "..", "*"])
def test_a_name_that_could_be_read_as_something_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsWrong):
        Authority(tmp_path / "root").sign_request(a_request(), name)


def test_a_name_that_is_refused_leaves_no_files(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong):
        Authority(tmp_path / "root").issue("No Such", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_an_expired_certificate_is_told_in_one_sentence_with_its_day(tmp_path: Path) -> None:
    files = Authority(tmp_path / "root").issue("intake", tmp_path / "i", days=30, valid_from=NOON)
    check_not_expired(files.cert, now=NOON + dt.timedelta(days=29))
    with pytest.raises(SettingsWrong, match=r"expired on 2026-12-23; ask for a new one\.$"):
        check_not_expired(files.cert, now=NOON + dt.timedelta(days=31))
    with pytest.raises(SettingsWrong, match="check the clock"):
        check_not_expired(files.cert, now=NOON - dt.timedelta(days=1))
    with pytest.raises(SettingsWrong, match="can't be read"):
        check_not_expired(tmp_path / "absent.pem", now=NOON)


def _base64(der: bytes) -> bytes:
    import base64

    return base64.encodebytes(der)


def test_certificates_that_end_soon_are_renewed_each_with_a_key_of_its_own_and_for_what_it_was_for(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path / "root")
    soon = authority.issue("intake", tmp_path / "roles" / "intake", days=30)
    late = authority.issue("ledger", tmp_path / "roles" / "ledger", days=300)
    reader = authority.issue("caseworker-gm9901-1", tmp_path / "readers" / "caseworker-gm9901-1", days=30, server=False)
    before = {f.name: (f.cert.read_bytes(), f.key.read_bytes()) for f in (soon, late, reader)}
    due = authority.ending(tmp_path, within=dt.timedelta(days=60))
    assert [f.name for f in due] == ["intake", "caseworker-gm9901-1"]
    for files in due:
        authority.renew(files)
        assert files.cert.read_bytes() != before[files.name][0]
        assert files.key.read_bytes() != before[files.name][1]
        context = ssl.create_default_context(cafile=str(files.ca))
        context.load_cert_chain(str(files.cert), str(files.key))
    assert (late.cert.read_bytes(), late.key.read_bytes()) == before["ledger"]
    assert authority.ending(tmp_path, within=dt.timedelta(days=60)) == []
    purposes = [
        x509.load_pem_x509_certificate(f.cert.read_bytes())
        .extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        .value
        for f in (soon, reader)
    ]
    assert [ExtendedKeyUsageOID.SERVER_AUTH in p for p in purposes] == [True, False]
