"""Joining: two files and a telephone call; nobody else's file, network or key is taken, and no secret leaves."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest
from provider_profiles import admission, admitted

from deploy.certificates import Authority
from producers import joining
from producers.profile import Profile
from schemas.directory import Entry
from schemas.errors import Refused, SettingsWrong, ZorgstroomError
from schemas.secrets import SigningKey
from schemas.values import SenderId


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "root")


def joined(folder: Path, agb: str = "98000001") -> tuple[Path, joining.Request]:
    path = joining.join(folder, sender=SenderId(f"p{agb}"), name="De Linde")
    return path, joining.read_request(path.read_bytes())


def own_entry(request: joining.Request) -> Entry:
    return Entry(
        "sender", request.sender.text, joining.signing_key_id(request.signing_public_key), "signing",
        request.signing_public_key, valid_from=0, municipalities=(9901,),
    )  # fmt: skip


def test_both_sides_of_the_telephone_read_the_same_digits_and_one_bit_changes_them(tmp_path: Path) -> None:
    path, _ = joined(tmp_path / "a")
    data = path.read_bytes()
    assert joining.fingerprint(data) == joining.fingerprint(bytes(data))
    assert joining.fingerprint(data) != joining.fingerprint(data[:-1] + bytes([data[-1] ^ 1]))
    assert [len(g) for g in joining.fingerprint(data).split()] == [4] * 6


def test_no_secret_is_in_what_is_sent_and_only_the_owner_reads_what_stays(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "a"
    path, request = joined(folder)
    answer = admission(request, SigningKey.generate(), authority, [own_entry(request)])
    for name in ("signing.key", "handle.key", "tls.key"):
        secret = (folder / name).read_bytes()
        for sent in (path.read_bytes(), answer):
            assert secret not in sent
            assert secret.hex().encode() not in sent
        if os.name == "posix":
            assert (folder / name).stat().st_mode & 0o077 == 0


def test_a_request_changed_on_its_way_is_refused(tmp_path: Path) -> None:
    path, _ = joined(tmp_path / "a")
    body = json.loads(path.read_text("utf-8"))
    for field in ("name", "sender", "signing_public_key"):
        other = joined(tmp_path / field, "98000002")[0]
        changed = body | {field: json.loads(other.read_text("utf-8"))[field] + ("x" if field == "name" else "")}
        with pytest.raises(Refused, match="changed after it was made"):
            joining.read_request(json.dumps(changed).encode())


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"\xff\xfe", b"{}", b'{"sender": "p1"}', b'{"sender": null}', b"null", b"9" * 5000]
)
def test_a_file_that_is_no_request_or_admission_is_one_sentence(tmp_path: Path, data: bytes) -> None:
    joined(tmp_path / "a")
    with pytest.raises(Refused):
        joining.read_request(data)
    with pytest.raises(Refused):
        joining.accept(tmp_path / "a", data)


def test_an_admission_that_lacks_a_field_changes_nothing(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "a"
    _, request = joined(folder)
    whole = json.loads(admission(request, SigningKey.generate(), authority, [own_entry(request)]))
    before = (folder / "profile.json").read_bytes()
    for field in set(whole) - {"format"}:
        for wrong in ({k: v for k, v in whole.items() if k != field}, whole | {field: None}):
            with pytest.raises(ZorgstroomError) as told:
                joining.accept(folder, json.dumps(wrong).encode())
            assert told.value.text("nl") != str(told.value)
    assert (folder / "profile.json").read_bytes() == before
    assert not (folder / "cert.pem").exists()


def test_an_admission_of_another_sender_key_or_network_is_refused(tmp_path: Path, authority: Authority) -> None:
    _, request = joined(tmp_path / "a")
    _, other = joined(tmp_path / "b", "98000002")
    root = SigningKey.generate()
    with pytest.raises(Refused, match="another sender"):
        joining.accept(tmp_path / "a", admission(other, root, authority, [own_entry(other)]))
    with pytest.raises(Refused, match="own signing key"):
        joining.accept(tmp_path / "a", admission(request, root, authority, [own_entry(other)]))
    joining.accept(tmp_path / "a", admission(request, root, authority, [own_entry(request)]))
    with pytest.raises(Refused, match="another network"):
        joining.accept(tmp_path / "a", admission(request, SigningKey.generate(), authority, [own_entry(request)]))


def test_keys_the_root_did_not_sign_are_refused(tmp_path: Path, authority: Authority) -> None:
    _, request = joined(tmp_path / "a")
    body = json.loads(admission(request, SigningKey.generate(), authority, [own_entry(request)]))
    forged = json.loads(admission(request, SigningKey.generate(), authority, [own_entry(request)]))
    with pytest.raises(Refused, match="not signed by the network's root"):
        joining.accept(tmp_path / "a", json.dumps(body | {"directory": forged["directory"]}).encode())


def test_keys_are_never_made_anew(tmp_path: Path) -> None:
    joined(tmp_path / "a")
    before = (tmp_path / "a" / "signing.key").read_bytes()
    with pytest.raises(SettingsWrong, match="never made anew"):
        joined(tmp_path / "a")
    assert (tmp_path / "a" / "signing.key").read_bytes() == before


def test_keys_from_a_backup_are_used_and_not_overwritten(tmp_path: Path, authority: Authority) -> None:
    first = joined(tmp_path / "a")[1]
    (tmp_path / "b").mkdir()
    for name in ("signing.key", "handle.key"):
        (tmp_path / "b" / name).write_bytes((tmp_path / "a" / name).read_bytes())
    again = joined(tmp_path / "b")[1]
    assert again.signing_public_key == first.signing_public_key
    joining.accept(tmp_path / "b", admission(again, SigningKey.generate(), authority, [own_entry(first)]))
    assert Profile.load(tmp_path / "b").handle_key().reveal() == (tmp_path / "a" / "handle.key").read_bytes()
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "signing.key").write_bytes(b"short")
    with pytest.raises(SettingsWrong, match="damaged"):
        joined(tmp_path / "c")
    assert (tmp_path / "c" / "signing.key").read_bytes() == b"short"


def test_what_is_missing_is_said_with_what_to_do(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(SettingsWrong, match="provider join"):
        Profile.load(tmp_path / "nothing")
    joined(tmp_path / "a")
    with pytest.raises(SettingsWrong, match="not admitted yet"):
        Profile.load(tmp_path / "a")
    profile = admitted(tmp_path / "b", authority).profile
    old = authority.issue(
        "p98000001", tmp_path / "old", valid_from=dt.datetime(2024, 1, 1, tzinfo=dt.UTC), days=30, server=False
    )
    good = (tmp_path / "b" / "cert.pem").read_bytes()
    (tmp_path / "b" / "cert.pem").write_bytes(old.cert.read_bytes())
    with pytest.raises(SettingsWrong, match="expired on 2024-01-31") as told:
        Profile.load(tmp_path / "b")
    assert "is verlopen op 31-01-2024" in told.value.text("nl")
    (tmp_path / "b" / "cert.pem").write_bytes(good)
    (tmp_path / "b" / "handle.key").write_bytes(b"short")
    with pytest.raises(SettingsWrong, match="damaged"):
        profile.handle_key()
    (tmp_path / "b" / "signing.key").unlink()
    with pytest.raises(SettingsWrong, match="restore it from your backup"):
        profile.signing_key()
    (tmp_path / "b" / "profile.json").write_text("{", "utf-8")
    with pytest.raises(SettingsWrong, match="restore it from your backup") as told:
        Profile.load(tmp_path / "b")
    assert "back-up" in told.value.text("nl")
