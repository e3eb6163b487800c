"""The cache of keys on loan, the reader's signature, the settings: what runs at the caller's side or before the start."""

from __future__ import annotations

import datetime as dt
import json
import ssl
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import NameOID
from three_roots import pinned

from deploy.certificates import Authority
from keyvault.caller_signature import check_caller_signature, sign_as_caller
from keyvault.client import VaultClient
from keyvault.person_key_cache import PersonKeyCache
from keyvault.settings import VaultSettings
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.secrets import DataKey, SigningKey

NOW = dt.datetime.now(dt.UTC)


class Lending:
    """Lends a key to everyone but those in `erased`, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[list[bytes]] = []
        self.erased: set[bytes] = set()

    def person_keys(self, persons: Sequence[bytes]) -> list[DataKey | None]:
        self.asked.append(list(persons))
        return [None if p in self.erased else DataKey(p * 2) for p in persons]


def persons(*letters: str) -> list[bytes]:
    return [letter.encode() * 16 for letter in letters]


def test_a_key_is_lent_once_a_minute_and_not_kept_longer() -> None:
    vault, now = Lending(), [0.0]
    cache = PersonKeyCache(vault.person_keys, clock=lambda: now[0])
    assert cache.keys(persons("a", "b", "a")) == {p: DataKey(p * 2) for p in persons("a", "b")}
    now[0] = 59.0
    cache.keys(persons("a", "c"))
    now[0] = 61.0
    vault.erased = set(persons("a"))
    assert cache.keys(persons("a", "c")) == {p: DataKey(p * 2) for p in persons("c")}
    assert vault.asked == [persons("a", "b"), persons("c"), persons("a")]
    assert list(cache._held) == persons("c"), "what is older than a minute is nowhere"


def test_who_has_no_key_is_asked_again_each_time() -> None:
    vault = Lending()
    vault.erased = set(persons("a"))
    cache = PersonKeyCache(vault.person_keys)
    assert cache.keys(persons("a")) == cache.keys(persons("a")) == {}
    assert len(vault.asked) == 2


def test_the_cache_never_holds_more_than_its_size() -> None:
    cache = PersonKeyCache(Lending().person_keys, size=2)
    assert len(cache.keys(persons("a", "b", "c", "d"))) == 4
    assert list(cache._held) == persons("c", "d")


def test_a_vault_that_is_away_is_said_in_one_sentence(tmp_path: Path) -> None:
    files = Authority(tmp_path / "root").issue("ledger", tmp_path / "ledger")
    client = VaultClient("https://127.0.0.1:9", cert=files.cert, key=files.key, ca=files.ca)
    with pytest.raises(Unavailable, match="away"):
        client.person_keys(persons("a"))
    assert client.ready() is False


def test_certificate_files_that_are_absent_are_wrong_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsWrong):
        VaultClient("https://127.0.0.1:9", cert=tmp_path / "no", key=tmp_path / "no", ca=tmp_path / "no")


def test_a_reader_needs_nothing_that_only_the_zone_has() -> None:
    zone_only = ("rbcl", "sqlalchemy", "psycopg", "fastapi", "uvicorn", "prometheus_client", "faust")
    code = f"import sys; sys.modules.update(dict.fromkeys({zone_only!r})); import keyvault.client"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent.parent)


def certificate_of(secret: Any) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "caseworker-gm9901-1")])
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(secret.public_key())
        .serial_number(1).not_valid_before(NOW).not_valid_after(NOW + dt.timedelta(days=1))
    )  # fmt: skip
    return builder.sign(
        secret, None if isinstance(secret, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    ).public_bytes(serialization.Encoding.DER)


def pem(secret: Any) -> bytes:
    return bytes(
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_signature_of_the_certificates_key_holds_for_that_message_only(tmp_path: Path, kind: str) -> None:
    if kind == "ec":
        files = Authority(tmp_path / "root").issue("intake", tmp_path / "intake")
        certificate, key = ssl.PEM_cert_to_DER_cert(files.cert.read_text()), files.key.read_bytes()
    else:
        secret = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate, key = certificate_of(secret), pem(secret)
    signature = sign_as_caller(key, b"look")
    check_caller_signature(certificate, b"look", signature)
    for message, changed in (
        (b"lool", signature),
        (b"look", signature[:-1] + bytes([signature[-1] ^ 1])),
        (b"look", b""),
    ):
        with pytest.raises(Refused):
            check_caller_signature(certificate, message, changed)


def test_keys_of_another_kind_are_refused_on_both_sides() -> None:
    secret = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(SettingsWrong):
        sign_as_caller(pem(secret), b"look")
    with pytest.raises(Refused):
        check_caller_signature(certificate_of(secret), b"look", secret.sign(b"look"))
    with pytest.raises(Refused):
        check_caller_signature(b"no certificate", b"look", b"")


@pytest.fixture
def right(tmp_path: Path) -> dict[str, Any]:
    files = Authority(tmp_path / "root").issue("keyvault", tmp_path / "keyvault")
    wrapping = tmp_path / "wrapping.key"
    wrapping.write_bytes(b"\x09" * 32)
    wrapping.chmod(0o600)
    own = {"cert": str(files.cert), "key": str(files.key), "ca": str(files.ca)}
    return {
        "database_dsn": "postgresql://keyvault:secret@127.0.0.1:1/keyvault", "kafka": {"bootstrap": "127.0.0.1:1", **own},
        "tls": own, "host": "127.0.0.1", "port": 1234, "metrics_port": 1235, "wrapping": [{"file": str(wrapping)}],
        "inhabitants": 50_000, "roots": pinned(SigningKey(b"\x08" * 32)).told(),
    }  # fmt: skip


def loaded(folder: Path, fields: dict[str, Any]) -> VaultSettings:
    path = folder / "config.json"
    path.write_text(json.dumps(fields))
    return VaultSettings.load(path)


def test_right_settings_are_taken(tmp_path: Path, right: dict[str, Any]) -> None:
    settings = loaded(tmp_path, right)
    settings.check(NOW)
    assert settings.wrapping_keys(bytes)[0].reveal() == b"\x09" * 32
    assert settings.database_dsn == right["database_dsn"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_dsn", "nonsense"), ("database_dsn", None), ("kafka", {}), ("tls", "x"), ("port", "x"), ("port", 0),
        ("metrics_port", 70_000), ("inhabitants", 0), ("roots", {}),
        ("wrapping", 3),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_and_its_value_is_not(
    tmp_path: Path, right: dict[str, Any], name: str, value: Any
) -> None:
    for fields in (right | {name: value}, {k: v for k, v in right.items() if k != name}):
        with pytest.raises(SettingsWrong, match=name) as wrong:
            loaded(tmp_path, fields)
        assert "secret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("operators", {"anne": "07"}), ("operators", "anne"), ("new_persons_a_day", 2), ("copies_days", 0)],
)
def test_a_wrong_field_that_may_be_absent_is_named(
    tmp_path: Path, right: dict[str, Any], name: str, value: Any
) -> None:
    with pytest.raises(SettingsWrong, match=name):
        loaded(tmp_path, right | {name: value})
    assert loaded(tmp_path, right).evaluations.per_day == 1000


def test_a_wrapping_key_that_others_may_read_is_refused(tmp_path: Path, right: dict[str, Any]) -> None:
    Path(right["wrapping"][0]["file"]).chmod(0o640)
    with pytest.raises(SettingsWrong, match="0600"):
        loaded(tmp_path, right).wrapping_keys(bytes)


@pytest.mark.parametrize("raw", [b"", b"\x09" * 31, b"\x09" * 33])
def test_a_wrapping_key_of_another_length_is_refused(tmp_path: Path, right: dict[str, Any], raw: bytes) -> None:
    Path(right["wrapping"][0]["file"]).write_bytes(raw)
    with pytest.raises(SettingsWrong, match="32 bytes"):
        loaded(tmp_path, right).wrapping_keys(bytes)


@pytest.mark.parametrize(("days_ago", "word"), [(900, "expired"), (-10, "valid from")])
def test_a_certificate_that_is_not_valid_today_is_refused(
    tmp_path: Path, right: dict[str, Any], days_ago: int, word: str
) -> None:
    files = Authority(tmp_path / "root").issue(
        "keyvault", tmp_path / "other", valid_from=NOW - dt.timedelta(days=days_ago)
    )
    tls = {"cert": str(files.cert), "key": str(files.key), "ca": str(files.ca)}
    with pytest.raises(SettingsWrong, match=word):
        loaded(tmp_path, right | {"tls": tls}).check(NOW)
