"""Keys of grantors, officers and senders: what is remembered of them, and that nothing counts that is signed with a revoked one."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from erasure_builders import REQUEST, SIGNERS, a_decision
from ledger_builders import PAYER, TODAY, terms_of
from retention_builders import PROJECTOR, SINCE, a_notice
from vault_builders import DAY, PERSON, VaultInMemory

from deploy.admission import admit_grantor, grantor_folder
from deploy.bench_load import register_of
from deploy.key_list import KeyLine, _certificates, _of_files, _of_people
from deploy.officer_admission import admit_officer, let_go
from deploy.people_keys import PeopleKeys
from deploy.sender_keys import SenderKeys
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from keyvault.erasure_work import ErasureWork
from keyvault.mutual_tls import Caller
from producers.municipal_mandates import Grantor, grantor_key_id
from schemas import codec
from schemas.directory import Directory, Entry, role_key_id
from schemas.erasure import with_signature
from schemas.errors import Refused, SettingsWrong
from schemas.retention import Standing, decided, use_of
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey
from schemas.values import Month, SenderId
from streams.ledger_mandates import Limits, MandateBook, hear

ANNE, BART, _ = SIGNERS
CALLER = Caller("projector", b"")
NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
FIRST = NOW.date()


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    """Nobody started it."""
    made = Zone(ZoneFolder(tmp_path / "zone"))
    made.make(municipalities=[9901], first_month=Month(2025, 1), address_dirs={9901: register_of(tmp_path)})
    return made


def admitted(zone: Zone, name: str, key: SigningKey, *, on: dt.date = FIRST) -> str:
    public = verify_key_of(key)
    made = PeopleKeys(zone.folder).take("grantor", name, grantor_key_id(public), public, on=on)
    zone.roots.signed(made.entry())
    return made.key_id


def revoked(zone: Zone, name: str, key_id: str | None, *, now: dt.datetime = NOW) -> None:
    for key in PeopleKeys(zone.folder).revoke(name, key_id, now=now):
        zone.roots.signed(key.entry())


def directory(zone: Zone) -> Directory:
    """As everybody learns it."""
    known = Directory(zone.roots.pinned)
    for _, signed in zone.roots.all_signed():
        known.take(signed)
    public = verify_key_of(PROJECTOR)
    projector = Entry("role_key", "projector", role_key_id("projector", public), "signing", public, valid_from=0)
    known.take(zone.roots.signed(projector))
    return known


@pytest.fixture
def two(zone: Zone) -> dict[str, str]:
    """Anne and Bart, admitted: their keys' ids."""
    return {name: admitted(zone, name, SIGNERS[name]) for name in (ANNE, BART)}


def a_mandate_of(name: str, key_id: str, key: SigningKey) -> dict:
    terms = terms_of(grantor=name, key_id=key_id)
    return {"subject": 0, "handle": terms.handle, **terms.signed(key)}


def codes(known: Directory, mandate: dict) -> list[str]:
    empty: dict = {"rows": b"", "mandates": [], "mandates_changed": [], "mandates_withdrawn": [], "months": []}
    said = hear(
        empty | {"mandates": [mandate]}, sender=SenderId("gm9901"), payers=frozenset({PAYER}), persons=[PERSON], keyed=(PERSON,), day=TODAY,
        book=MandateBook({}), limits=Limits(households={9901: 1000}), grantor_key=known.counting_grantor,
    )  # fmt: skip
    return [code for _, _, code in said.refused]


def test_a_further_key_leaves_the_one_before_counting_and_a_revoked_one_signs_no_mandate(
    zone: Zone, two: dict[str, str]
) -> None:
    new = SigningKey(b"\x44" * 32)
    second = admitted(zone, ANNE, new)
    assert [k.state for k in PeopleKeys(zone.folder).of(ANNE)] == ["counts", "active"]
    old_one, new_one = a_mandate_of(ANNE, two[ANNE], SIGNERS[ANNE]), a_mandate_of(ANNE, second, new)
    assert [codes(directory(zone), m) for m in (old_one, new_one)] == [[], []]
    revoked(zone, ANNE, two[ANNE])
    assert [codes(directory(zone), m) for m in (old_one, new_one)] == [["mandate-grantor"], []]
    admitted(zone, ANNE, SIGNERS[ANNE])
    assert codes(directory(zone), old_one) == ["mandate-grantor"], "admitted once more it is no other key"
    revoked(zone, ANNE, None)
    assert codes(directory(zone), new_one) == ["mandate-grantor"]


def test_a_decision_signed_with_a_revoked_key_erases_nobody_and_one_that_did_stays_done(
    zone: Zone, two: dict[str, str], tmp_path: Path
) -> None:
    here, other = VaultInMemory(tmp_path / "vault"), b"q" * 16
    here.store.person_keys([PERSON, other], make=True, today=DAY)

    def erase(person: bytes, request: bytes) -> None:
        signed: bytes = b""
        for name, key_id in two.items():
            signed = with_signature(signed or a_decision(request), name, key_id, SIGNERS[name])
        asked = codec.encode("vault_erase", {"person": person, "decision": signed})
        ErasureWork(here.vault, directory(zone).decides, lambda _: None).erase(CALLER, asked)

    erase(PERSON, REQUEST)
    revoked(zone, ANNE, two[ANNE])
    erase(PERSON, REQUEST)  # a rebuilt projector tells it again
    assert [r["result"] for r in here.log.records] == ["given"]
    for person, request in ((other, b"s" * 16), (other, REQUEST)):
        with pytest.raises(Refused) as refused:
            erase(person, request)
        assert refused.value.code == "erasure-signatures"
    assert here.store.person_keys([PERSON, other], make=False, today=DAY)[1] is not None


def test_a_standing_decision_signed_with_a_revoked_key_is_in_force_no_more(zone: Zone, two: dict[str, str]) -> None:
    standing, signed = Standing(b"d" * 16, 9901, SINCE, SINCE + 300), None
    for name, key_id in two.items():
        signed = standing.with_signature(signed, name, key_id, SIGNERS[name])
    assert signed is not None
    use = use_of(signed, a_notice())
    assert decided(use, directory(zone).decides).deciders == (ANNE, BART)
    revoked(zone, BART, None)
    with pytest.raises(Refused) as refused:
        decided(use, directory(zone).decides)
    assert refused.value.code == "erasure-signatures"


def test_a_revocation_is_of_its_first_moment_and_outlives_the_file_that_remembers_it(
    zone: Zone, two: dict[str, str]
) -> None:
    older = (zone.folder.path / "people.json").read_bytes()
    revoked(zone, ANNE, two[ANNE])
    revoked(zone, ANNE, None, now=NOW + dt.timedelta(days=1))
    moment = int(NOW.timestamp() * 1000)
    assert [k.revoked_at_ms for k in PeopleKeys(zone.folder).of(ANNE)] == [moment]
    (zone.folder.path / "people.json").write_bytes(older)
    assert [k.revoked_at_ms for k in PeopleKeys(zone.folder).of(ANNE)] == [moment], "an older copy takes nothing back"
    (zone.folder.path / "people.json").unlink()
    found = {k.name: k for k in PeopleKeys(zone.folder).records}
    assert (found[ANNE].revoked_at_ms, found[BART].state) == (moment, "active")
    for name, key_id in ((ANNE, "grantor-00000000"), ("grantor-gm9901-nobody", None)):
        with pytest.raises(SettingsWrong):
            PeopleKeys(zone.folder).revoke(name, key_id, now=NOW)
    (zone.folder.path / "people.json").write_text("[{]")
    with pytest.raises(SettingsWrong, match="restore it from a copy"):
        PeopleKeys(zone.folder)


def test_the_further_key_of_a_grantor_signs_nothing_before_its_turn(tmp_path: Path) -> None:
    grantor = Grantor.join(tmp_path / "anne", ANNE)
    before, further = grantor.public_key, grantor.further()
    assert (grantor.further(), grantor.public_key, grantor.turning) == (further, before, True)
    old_file = (tmp_path / "anne" / "signing.key").read_bytes()
    grantor.turn()
    assert (grantor.public_key, grantor.turning) == (further, False)
    assert old_file not in [p.read_bytes() for p in (tmp_path / "anne").iterdir()]


def test_a_further_key_that_was_revoked_before_its_turn_never_signs(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Zone, "publish_signed", lambda *_: None)
    first = admit_grantor(zone, ANNE).key_id
    grantor = Grantor(ANNE, grantor_folder(zone, ANNE))
    begun = grantor_key_id(grantor.further())
    PeopleKeys(zone.folder).take("grantor", ANNE, begun, grantor.further(), on=FIRST)  # and here it was broken off
    revoked(zone, ANNE, None)
    with pytest.raises(SettingsWrong, match="--renew"):
        admit_grantor(zone, ANNE)
    made = admit_grantor(zone, ANNE, renew=True)
    assert made.key_id not in (first, begun)
    assert directory(zone).counting_grantor(ANNE, made.key_id) == made.public_key


def test_an_officer_who_left_stays_away_also_where_the_folder_is_gone(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Zone, "publish_signed", lambda *_: None)
    dora, eli = (admit_officer(zone, name) for name in ("dora", "eli"))
    shutil.rmtree(eli.path)
    for name in ("dora", "eli"):
        let_go(zone, name)
    with pytest.raises(SettingsWrong, match="a new name"):
        admit_officer(zone, "dora")
    known = directory(zone)
    assert [known.counting_officer(o.name, o.key_id) for o in (dora, eli)] == [None, None]


# --- the list -----------------------------------------------------------------------------------------------------


def test_every_persons_key_is_listed_with_its_days_and_periods_can_be_set(zone: Zone) -> None:
    later = FIRST + dt.timedelta(days=9)
    first, second = admitted(zone, ANNE, SIGNERS[ANNE]), admitted(zone, ANNE, SIGNERS[BART], on=later)
    people = PeopleKeys(zone.folder)
    people.take("officer", "officer-dora", "officer-1", b"\x01" * 32, on=FIRST)
    keys = SenderKeys(zone.folder, "p98000001")
    for n in (1, 2, 3):
        keys.admit(bytes([n]) * 32, name="De Linde", municipalities=[9901], on=FIRST)
    keys.revoke(keys.ids[0], NOW)
    zone.folder.save_settings(zone.folder.settings() | {"key_days": {"officer": 10, "sender": 20}})
    lines = list(_of_people(zone))
    of = {name: [(x.key_id, x.state, x.due) for x in lines if x.what == f"{name} signing"] for name in (ANNE, "officer-dora")}  # fmt: skip
    assert of[ANNE] == [(first, "counts", None), (second, "active", later + dt.timedelta(days=730))]
    assert of["officer-dora"] == [("officer-1", "active", FIRST + dt.timedelta(days=10))]
    elsewhere = [(x.state, x.made_on, x.due) for x in lines if x.holder == "sender"]
    assert elsewhere == [("revoked", FIRST, None), ("counts", FIRST, None), ("active", FIRST, FIRST + dt.timedelta(days=20))]  # fmt: skip
    assert [x.overdue(FIRST + dt.timedelta(days=11)) for x in lines] == [False, False, True, False, False, False]
    revoked(zone, ANNE, None)
    assert {(x.state, x.due) for x in _of_people(zone) if x.holder == "grantor"} == {("revoked", None)}


def test_a_sender_on_this_machine_is_listed_once_also_before_it_is_admitted(zone: Zone) -> None:
    folder = zone.folder.path / "senders" / "p98000001"
    folder.mkdir(parents=True)
    (folder / "signing.key").write_bytes(b"\x01" * 32)

    def listed() -> list[KeyLine]:
        return [line for line in [*_of_people(zone), *_of_files(zone)] if line.holder == "sender"]

    (joined,) = listed()
    public = verify_key_of(SigningKey(b"\x01" * 32))
    SenderKeys(zone.folder, "p98000001").admit(public, name="De Linde", municipalities=[9901], on=joined.made_on)
    (known,) = listed()
    assert replace(known, key_id="") == joined


def test_what_cant_be_read_is_one_sentence_that_names_the_file(zone: Zone) -> None:
    zone.certificate("intake").cert.write_bytes(b"no certificate")
    with pytest.raises(SettingsWrong, match=r"cert\.pem can't be read"):
        list(_certificates(zone))
    (zone.folder.path / "senders").mkdir(exist_ok=True)
    (zone.folder.path / "senders" / "p98000001.keys").write_text("{")
    with pytest.raises(SettingsWrong, match=r"p98000001\.keys can't be read"):
        list(_of_people(zone))
