"""A sender's further key: asked for by the key in use, good beside it, and never half in use."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
from provider_profiles import Admitted, admission, admitted
from three_roots import pinned, two_of

from deploy.certificates import Authority
from deploy.sender_keys import SenderKeys
from deploy.zone_folder import ZoneFolder
from producers import joining
from producers.profile import Profile, signing_key_id
from schemas.directory import Directory, Entry, sign_entry
from schemas.errors import Refused, SettingsWrong
from schemas.sealing import box_public_key, verify_key_of
from schemas.secrets import BoxKey, SigningKey

NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "root")


@pytest.fixture
def old(tmp_path: Path, authority: Authority) -> Admitted:
    return admitted(tmp_path / "a", authority)


def answer(old: Admitted, authority: Authority) -> bytes:
    """What the municipality answers to the request for a further key."""
    request = joining.read_request((old.profile.folder / "aanvraag-p98000001.json").read_bytes())
    entry = Entry(
        "sender", "p98000001", signing_key_id(request.signing_public_key), "signing", request.signing_public_key, valid_from=0,
        municipalities=(9901,), version=1001,
    )  # fmt: skip
    return admission(request, old.root, authority, [entry])


def test_the_key_in_use_signs_the_request_and_stays_in_use_until_the_answer(old: Admitted) -> None:
    folder, key = old.profile.folder, old.profile.signing_key().reveal()
    request = joining.read_request(joining.renew(folder).read_bytes())
    assert request.previous == verify_key_of(SigningKey(key))
    assert request.signing_public_key != request.previous
    assert Profile.load(folder).signing_key().reveal() == key
    again = joining.read_request(joining.renew(folder).read_bytes())
    assert again.signing_public_key == request.signing_public_key, "asked twice it is the same key"


def test_after_the_answer_the_further_key_signs_and_the_certificate_fits_its_own(
    old: Admitted, authority: Authority
) -> None:
    folder = old.profile.folder
    request = joining.read_request(joining.renew(folder).read_bytes())
    joining.accept(folder, answer(old, authority))
    profile = Profile.load(folder)
    assert verify_key_of(profile.signing_key()) == request.signing_public_key
    assert profile.signing_key_id == signing_key_id(request.signing_public_key)
    assert joining._certified(folder / "tls.key", (folder / "cert.pem").read_bytes())
    assert not list(folder.glob("*-next.key"))
    assert profile.handle_key() == old.profile.handle_key()


@pytest.mark.parametrize("written", [["tls.key"], ["tls.key", "cert.pem"], ["tls.key", "cert.pem", "profile.json"]])
def test_taking_in_the_answer_may_be_broken_off_anywhere_and_is_done_again(
    old: Admitted, authority: Authority, tmp_path: Path, written: list[str]
) -> None:
    folder = old.profile.folder
    joining.renew(folder)
    data = answer(old, authority)
    whole = tmp_path / "whole"
    shutil.copytree(folder, whole)
    joining.accept(whole, data)
    for name in written:
        shutil.copy(whole / name, folder / name)
    (folder / "tls-next.key").unlink()
    profile = Profile.load(folder)
    assert signing_key_id(verify_key_of(profile.signing_key())) == profile.signing_key_id
    joining.accept(folder, data)
    assert Profile.load(folder).signing_key() == Profile.load(whole).signing_key()
    assert joining._certified(folder / "tls.key", (folder / "cert.pem").read_bytes())


@pytest.mark.parametrize("change", ["another key signs", "the name is changed", "the older request is signed anew"])
def test_a_request_the_key_in_use_did_not_sign_is_refused(old: Admitted, change: str) -> None:
    body = json.loads(joining.renew(old.profile.folder).read_text("utf-8"))
    stranger = SigningKey.generate()
    if change == "another key signs":
        body["previous_public_key"] = verify_key_of(stranger).hex()
    elif change == "the name is changed":
        body["name"] = "De Wilg"
    else:
        body["signing_public_key"] = verify_key_of(stranger).hex()
    body["signature"] = joining.sign(
        stranger if "anew" in change else SigningKey((old.profile.folder / "signing-next.key").read_bytes()), joining._DOMAIN,
        joining._canonical(body),
    ).hex()  # fmt: skip
    with pytest.raises(Refused, match="in use did not sign"):
        joining.read_request(json.dumps(body).encode())


def test_a_signing_key_that_is_not_the_admitted_one_is_said(old: Admitted) -> None:
    (old.profile.folder / "signing.key").write_bytes(b"\x09" * 32)
    with pytest.raises(SettingsWrong, match=r"put back signing\.key"):
        Profile.load(old.profile.folder).signing_key()


def test_keys_of_a_sender_are_revoked_by_id_and_the_newest_entry_counts_for_who_pays(tmp_path: Path) -> None:
    one, two = (verify_key_of(SigningKey(bytes([n]) * 32)) for n in (1, 2))
    folder, root = ZoneFolder(tmp_path), SigningKey(b"\x03" * 32)
    keys = SenderKeys(folder, "p98000001")
    keys.admit(one, name="De Linde", municipalities=[9901], on=NOW.date())
    keys.admit(two, name="De Linde", municipalities=[9901, 9902], on=NOW.date())
    directory = Directory(pinned(root))
    for key in (one, two):
        directory.learn(sign_entry(two_of(root), keys.entry(signing_key_id(key))))
    before = directory.sender_key("p98000001", signing_key_id(one))
    revoked = directory.learn(
        sign_entry(two_of(root), SenderKeys(folder, "p98000001").revoke(signing_key_id(one), NOW))
    )
    moment = int(NOW.timestamp() * 1000)
    assert before is not None
    assert (before.counts_at(moment), revoked.counts_at(moment - 1), revoked.counts_at(moment)) == (True, True, False)
    newest = directory.sender("p98000001")
    assert newest is not None
    assert newest.municipalities == (9901, 9902)
    again = SenderKeys(folder, "p98000001")
    assert again.ids == [signing_key_id(two)]
    assert not again.known(one)
    later = NOW + dt.timedelta(days=1)
    assert again.revoke(signing_key_id(one), later).revoked_at_ms == moment, (
        "said again it is told again, of the day it was"
    )
    with pytest.raises(SettingsWrong, match=f"it has: {signing_key_id(two)}"):
        again.revoke("s-0123456789ab", NOW)


def test_a_role_key_from_the_network_is_kept_where_the_root_signed_it_and_lost_where_not(old: Admitted) -> None:
    folder, root = old.profile.folder, old.root
    public = box_public_key(BoxKey(b"\x05" * 32))
    later = Entry("role_key", "intake", "identity-2", "identity", public, valid_from=10, version=20)
    for data in (sign_entry(two_of(root), later), sign_entry(two_of(SigningKey.generate()), later), b"rubbish"):
        Profile.load(folder).learn(data)
    assert Profile.load(folder).recipients(20).identity_key_id == "identity-2"
    (folder / "learned.json").write_text('["00ff"]')
    assert Profile.load(folder).recipients(20).identity_key_id == "identity-1", "the network tells it again"
    forged = Entry("sender", "p98000001", "s-1", "signing", public, valid_from=0, version=9000)
    Profile.load(folder).learn(sign_entry(two_of(root), forged))
    assert not json.loads((folder / "learned.json").read_text()) or "s-1" not in (folder / "learned.json").read_text()
