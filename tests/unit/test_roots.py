"""The root: two of three sign, one of three is nobody; a key is replaced by two of those before, and who was pinned to them follows."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from three_roots import all_of, pinned, two_of

from deploy.root_keys import RootKeys
from deploy.zone_folder import ZoneFolder
from schemas import codec
from schemas.directory import Directory, Entry, sign_entry, verified_entry
from schemas.errors import Refused, SettingsWrong
from schemas.roots import Roots, sign_change
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey

ROOT = SigningKey(b"\x01" * 32)
FRESH = SigningKey(b"\x09" * 32)
ENTRY = Entry("sender", "p98000001", "s-1", "signing", b"k" * 32, valid_from=0, municipalities=(9901,))


def after() -> Roots:
    return Roots(2, (pinned(ROOT).keys[0], verify_key_of(FRESH), pinned(ROOT).keys[2]))


def test_an_officer_pinned_to_the_root_of_before_follows_by_what_the_vault_tells() -> None:
    """The vault may have been started after the change, and so be pinned to what came of it."""
    officer = Entry("officer", "officer-dora", "o-1", "signing", b"k" * 32, valid_from=0)
    for vault in (Directory(pinned(ROOT)), Directory(after())):
        if vault.roots.version == 1:
            vault.take(sign_entry(two_of(ROOT), officer))
        vault.take(sign_change(two_of(ROOT), after()))
        vault.take(sign_change(two_of(ROOT), after()))
        vault.take(sign_entry([ROOT, FRESH], officer))
        tool = Directory(pinned(ROOT))
        for told in vault.signed_officers():
            tool.take(told)
        assert tool.counting_officer("officer-dora", "o-1") == b"k" * 32


def test_any_two_of_three_sign_and_one_alone_or_the_same_twice_do_not() -> None:
    for two in combinations(all_of(ROOT), 2):
        assert verified_entry(pinned(ROOT), sign_entry(list(two), ENTRY)) == ENTRY
    stranger = SigningKey.generate()
    for few in ([ROOT], [ROOT, ROOT], [ROOT, stranger], [stranger, FRESH], []):
        with pytest.raises(Refused, match="not signed by the network's root"):
            verified_entry(pinned(ROOT), sign_entry(few, ENTRY))


def test_a_change_counts_with_two_of_the_root_before_and_only_as_the_next_version() -> None:
    directory = Directory(pinned(ROOT))
    for wrong in (
        sign_change([ROOT], after()), sign_change([ROOT, FRESH], after()), sign_change(two_of(SigningKey.generate()), after()),
        sign_change(two_of(ROOT), Roots(3, after().keys)), sign_change(two_of(ROOT), Roots(2, (pinned(ROOT).keys[0],) * 3)),
        sign_entry(two_of(ROOT), ENTRY)[:-1], b"rubbish",
    ):  # fmt: skip
        with pytest.raises(Refused):
            directory.take(wrong)
        assert directory.roots == pinned(ROOT)
    directory.take(sign_change(two_of(ROOT), after()))
    assert directory.roots == after()
    directory.take(sign_change(two_of(ROOT), after()))
    assert directory.roots == after(), "told again it changes nothing"
    with pytest.raises(Refused):
        directory.take(sign_entry([all_of(ROOT)[1], all_of(ROOT)[2]], ENTRY))
    directory.take(sign_entry([ROOT, FRESH], ENTRY))
    assert directory.sender_key("p98000001", "s-1") == ENTRY


def test_a_signature_over_an_entry_is_none_over_a_change() -> None:
    change = codec.decode("signed_entry", sign_change(two_of(ROOT), after()))
    with pytest.raises(Refused):
        pinned(ROOT).check_entry(change["payload"], change["signatures"])


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"version": 1, "keys": ["00" * 32] * 3},
        {"version": 1, "keys": ["01" * 32, "02" * 32]},
        {"version": 0, "keys": []},
    ],
)
def test_a_pin_names_three_different_keys(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError)):
        Roots.of(wrong)


@pytest.fixture
def folder(tmp_path: Path) -> ZoneFolder:
    made = ZoneFolder(tmp_path / "zone")
    made.save_settings({"roots": RootKeys(made).make().told()})
    return made


def test_what_was_signed_once_needs_no_root_key_and_what_is_new_says_what_to_do(
    folder: ZoneFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots, sticks = RootKeys(folder), [tmp_path / f"stick-{n}" for n in (1, 2)]
    signed = roots.signed(ENTRY)
    for number, stick in zip((1, 3), sticks, strict=True):
        stick.mkdir()
        (folder.path / "root" / f"root-{number}.key").rename(stick / f"root-{number}.key")
    assert RootKeys(folder).signed(ENTRY) == signed
    other = Entry("sender", "p98000002", "s-2", "signing", b"k" * 32, valid_from=0)
    with pytest.raises(SettingsWrong, match="2 of the 3 root keys sign this, and 1 are at hand"):
        RootKeys(folder).signed(other)
    monkeypatch.setenv("ZORGSTROOM_ROOTS", str(sticks[1]))
    assert verified_entry(roots.pinned, RootKeys(folder).signed(other)) == other


def test_a_lost_key_is_replaced_by_the_other_two_all_is_signed_again_and_those_who_were_pinned_follow(
    folder: ZoneFolder,
) -> None:
    roots = RootKeys(folder)
    before = roots.pinned
    roots.signed(ENTRY)
    (folder.path / "root" / "root-2.key").unlink()
    now, told = roots.replace(2)
    assert now == RootKeys(folder).pinned
    assert (now.version, now.keys[0], now.keys[2]) == (2, before.keys[0], before.keys[2])
    assert now.keys[1] not in before.keys
    assert [s for s, _ in told] == ["root/2", ENTRY.subject]
    late, fresh = Directory(before), Directory(now)
    for directory in (late, fresh):
        for _, data in told:
            directory.take(data)
        assert directory.roots == now
        assert directory.sender_key("p98000001", "s-1") == ENTRY
    third, told = RootKeys(folder).replace(1)
    assert [s for s, _ in told][:2] == ["root/2", "root/3"]
    for _, data in told:
        late.take(data)
    assert late.roots == third
