"""Keys that parts are sealed to: a new one, the old one opens for its days, and then it is gone; senders take the newest the root signed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from three_roots import pinned, two_of

from deploy.key_list import open_days
from deploy.key_register import KeyRegister, role_key_entries
from deploy.zone_folder import ZoneFolder
from schemas.directory import Directory, role_key_id, sign_entry
from schemas.errors import SettingsWrong
from schemas.sealing import box_public_key
from schemas.secrets import BoxKey, SigningKey
from schemas.values import day_number
from streams import key_ring, own_signing
from streams.key_ring import KeyRing
from streams.own_signing import OwnSigning

ROOT = SigningKey(b"\x01" * 32)
DAY = dt.date(2025, 6, 1)


@pytest.fixture
def folder(tmp_path: Path) -> ZoneFolder:
    made = ZoneFolder(tmp_path)
    made.make_secrets({})
    return made


def directory(folder: ZoneFolder) -> Directory:
    known = Directory(pinned(ROOT))
    for entry in role_key_entries(folder):
        known.learn(sign_entry(two_of(ROOT), entry))
    return known


def test_first_keys_are_those_of_the_folder_and_count_for_all_days(folder: ZoneFolder) -> None:
    register = KeyRegister.of(folder)
    assert {(r.role, r.use, r.state) for r in register.records} == {
        ("intake", "identity", "active"), ("ledger", "content", "active"), ("projector", "signing", "active"), ("release", "signing", "active"),
    }  # fmt: skip
    known = directory(folder).role_key("intake", "identity", day=0)
    assert known.public_key == box_public_key(BoxKey(folder.secret_file("intake", "identity").read_bytes()))
    assert KeyRegister.of(folder).records == register.records


def test_the_newest_counts_from_its_day_on_also_where_two_were_made_on_one_day(folder: ZoneFolder) -> None:
    register = KeyRegister.of(folder)
    first = register.current("intake", "identity")
    second, third = register.new("intake", "identity", DAY), register.new("intake", "identity", DAY)
    known = directory(folder)
    assert known.role_key("intake", "identity", day=day_number(DAY)).key_id == third.key_id
    assert known.role_key("intake", "identity", day=day_number(DAY) - 1).key_id == first.key_id
    assert [r.state for r in KeyRegister.of(folder).records if r.use == "identity"] == ["opens", "opens", "active"]
    assert known.role_key("ledger", "content", day=day_number(DAY)).version == 10
    assert second.key_id != third.key_id


def test_after_its_days_the_old_key_is_due_and_destroyed_its_file_is_gone_and_its_entry_ends(
    folder: ZoneFolder,
) -> None:
    register = KeyRegister.of(folder)
    first = register.current("ledger", "content")
    register.new("ledger", "content", DAY)
    assert register.due(DAY + dt.timedelta(days=96), grace_days=97) == []
    due = register.due(DAY + dt.timedelta(days=97), grace_days=97)
    assert [r.key_id for r in due] == [first.key_id]
    gone_on = DAY + dt.timedelta(days=98)
    register.destroy(due, gone_on)
    assert not folder.secret_file("ledger", "content").exists()
    known = directory(folder).known_key("ledger", "content", first.key_id)
    assert known is not None
    assert (known.valid_until, known.version) == (day_number(gone_on), 11)
    again = KeyRegister.of(folder)
    assert again.due(DAY + dt.timedelta(days=1000), grace_days=0) == []
    assert again.records == register.records, "a key whose file is gone is not taken for a first one"


def test_a_key_that_signs_turns_and_the_one_before_proves_what_it_signed_also_when_it_is_destroyed(
    folder: ZoneFolder,
) -> None:
    register = KeyRegister.of(folder)
    first, second = register.current("release", "signing"), register.new("release", "signing", DAY)
    assert [r.state for r in register.records if r.role == "release"] == ["proves", "active"]
    assert register.due(DAY, grace_days=0) == []
    register.destroy(register.due(DAY + dt.timedelta(days=1), grace_days=97), DAY + dt.timedelta(days=1))
    assert not folder.secret_file("release", "signing").exists()
    both = [bytes.fromhex(r.public) for r in (second, first)]
    assert directory(folder).proves("release", appended_ms=1) == both
    assert sorted(KeyRegister.of(folder).proves("release")(1)) == sorted(both)
    assert register.current_secret("release", "signing") == folder.secret_file("release", second.file).read_bytes()


def test_of_a_key_that_leaked_what_comes_later_proves_nothing(folder: ZoneFolder) -> None:
    register = KeyRegister.of(folder)
    first, second = register.current("projector", "signing"), register.new("projector", "signing", DAY)
    now = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
    at = int(now.timestamp() * 1000) + 60_000
    assert [r.key_id for r in register.revoke("projector", now)] == [first.key_id]
    assert register.revoke("projector", now) == []
    known = directory(folder)
    for proves in (lambda ms: known.proves("projector", ms), KeyRegister.of(folder).proves("projector")):
        assert len(proves(at - 1)) == 2
        assert proves(at) == [bytes.fromhex(second.public)]
    assert known.decides("projector", second.key_id) == bytes.fromhex(second.public)
    assert known.decides("projector", first.key_id) is None
    assert [r.state for r in register.records if r.role == "projector"] == ["revoked", "active"]


def test_a_role_signs_with_the_newest_key_the_root_signed_and_it_holds(
    folder: ZoneFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(own_signing.time, "monotonic", lambda: now[0])
    register, known = KeyRegister.of(folder), Directory(pinned(ROOT))
    secrets = [register.current_secret("release", "signing")]
    own = OwnSigning("release", lambda: known, lambda: secrets)
    with pytest.raises(SettingsWrong, match="no signing key that the root signed"):
        own.current()
    known.learn(sign_entry(two_of(ROOT), register.current("release", "signing").entry()))
    assert own.current().reveal() == secrets[0]
    made = register.new("release", "signing", DAY)
    secrets.append(register.current_secret("release", "signing"))
    now[0] += 60
    assert own.current().reveal() == secrets[0], "the root has not signed the new one yet"
    known.learn(sign_entry(two_of(ROOT), made.entry()))
    assert own.current().reveal() == secrets[0], "looked up a moment ago"
    now[0] += 60
    assert own.current().reveal() == secrets[1]
    del secrets[1]
    now[0] += 60
    assert own.current().reveal() == secrets[0], "a key the role does not hold is not used"
    register.revoke("release", dt.datetime.now(dt.UTC))
    known.learn(sign_entry(two_of(ROOT), next(r for r in register.records if r.role == "release").entry()))
    now[0] += 60
    with pytest.raises(SettingsWrong, match="nobody revoked"):
        own.current()


def test_a_register_that_is_broken_is_said_and_not_made_anew(folder: ZoneFolder) -> None:
    (folder.path / "keys.json").write_text('[{"role": "intake"}]')
    with pytest.raises(SettingsWrong, match="restore it from a copy"):
        KeyRegister.of(folder)


@pytest.mark.parametrize("wrong", [-1, "97", 1.5, None])
def test_days_in_the_settings_are_numbers(wrong: object) -> None:
    with pytest.raises(SettingsWrong, match="number of days"):
        open_days({"old_keys_open_days": wrong})


def test_a_ring_finds_a_new_key_when_asked_for_it_and_forgets_a_destroyed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now, secrets = [1000.0], [b"\x01" * 32]
    monkeypatch.setattr(key_ring.time, "monotonic", lambda: now[0])
    ring = KeyRing("intake", lambda: secrets)
    ids = [role_key_id("intake", box_public_key(BoxKey(bytes([n]) * 32))) for n in (1, 2)]
    assert ring.get(ids[0]) is not None
    secrets.append(b"\x02" * 32)
    assert ring.get(ids[1]) is not None
    assert ring.get("intake-00000000") is None
    del secrets[0]
    assert ring.get(ids[0]) is not None
    now[0] += 61
    assert ring.get(ids[0]) is None
    assert ring.get(ids[1]) is not None
    assert "\\x01" not in repr(ring)
