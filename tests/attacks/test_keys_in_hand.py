"""With each role's keys and certificate in hand: which sealed parts of which topics open, tried one by one on real bytes.

Rights on topics are left out of it (the access matrix has them): every holder is given the bytes of every topic.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from deploy.admission import grantor_folder
from deploy.demo import Demo
from deploy.demo_municipality import family_of
from deploy.key_register import KeyRegister
from deploy.officer_admission import officer_folder
from keyvault.client import VaultClient
from schemas import codec, topics
from schemas.envelope import Envelope, open_content, open_identity
from schemas.errors import ContractBroken, Refused
from schemas.household_record import claims_of, open_key_box, open_section
from schemas.remarks import Remark
from schemas.sealing import open_events, open_sealed, seal_to
from schemas.secrets import BoxKey, DataKey
from tests.attacks.keyvault.stolen_locks import placement_key, unwrapped
from tests.attacks.keyvault.stolen_loot import everything, secrets_of
from tests.attacks.topic_bytes import certificate, records

GRANTED = {
    "identity of delivered.v1": {"intake"},
    "content of delivered.v1": {"ledger"},
    "content of rekeyed.v1": {"ledger"},
    "placement of rekeyed.v1": {"projector"},
    "placement of ledger.v1": {"projector"},
    "events of ledger.v1": {"ledger", "projector"},
    "mandates of ledger.v1": {"ledger", "projector"},
    "months of ledger.v1": {"ledger", "projector"},
    "section of household.{gm}.v1": {"the caseworker with the mandate"},
    "a member's own section of household.{gm}.v1": {"a member of a family"},
    "what of remarks.v1": {"ledger"},
    "person of retention.{gm}.v1": {"intake"},
}
"""Who may open what, as the design's table of roles says; person and placement keys are lent by the keyvault."""
WITH_ITS_DATABASE = {
    "placement of rekeyed.v1", "placement of ledger.v1", "events of ledger.v1", "mandates of ledger.v1", "months of ledger.v1",
    "section of household.{gm}.v1", "a member's own section of household.{gm}.v1",
}  # fmt: skip
"""What the keyvault's own keys and rows would open: it lends those keys. It is kept from these by having no right to read their topics."""
NOTHING_SEALED = {
    "dead-letters.v1", "directory.v1", "role-keys.v1", "mandates.v1", "access-log.v1", "requests.v1", "orders.v1",
    "receipts.{sender}.v1", "macro.{gm}.v1", "meso.{gm}.v1", "municipality.{gm}.v1",
}  # fmt: skip
"""Topics whose readers read all there is; a right to read is what stands before them."""

Opener = Callable[[bytes], object]
_SAMPLE = 12


@dataclass
class Bytes:
    """Sealed parts by name, each a way to try 32 bytes on it; whose events they are; and household records."""

    parts: dict[str, list[Opener]] = field(default_factory=dict)
    persons: set[bytes] = field(default_factory=set)
    households: list[dict] = field(default_factory=list)

    def add(self, name: str, opener: Opener) -> None:
        if len(self.parts.setdefault(name, [])) < _SAMPLE:
            self.parts[name].append(opener)


def reader_of(demo: Demo, gm: str) -> str:
    return next(
        n for n, where in demo.zone.folder.members().readers if where == gm and n.startswith(f"caseworker-{gm}")
    )


def household_of(demo: Demo, reader: str) -> dict:
    """The newest record under a reader's mandate, as it lies on the topic."""
    handle = bytes.fromhex(json.loads(demo.mandate_file(reader).read_text())["handle"])
    of_handle = [
        r for data in records(demo, reader, topics.household_topic(9901))
        if (r := codec.decode("household_record", data))["handle"] == handle
    ]  # fmt: skip
    return max(of_handle, key=lambda r: r["version"])


@pytest.fixture(scope="module")
def found(demo: Demo) -> Bytes:
    found = Bytes()
    for data in records(demo, "intake", "delivered.v1"):
        e = Envelope.decode(data)
        found.add(
            "identity of delivered.v1",
            lambda k, e=e: open_identity(secret=BoxKey(k), header=e.header_bytes, sealed=e.identity),
        )
        found.add(
            "content of delivered.v1",
            lambda k, e=e: open_content(secret=BoxKey(k), header=e.header_bytes, sealed=e.content),
        )
    for body in bodies(demo, "ledger", "rekeyed.v1"):
        d = codec.decode("rekeyed_envelope", body)
        found.add(
            "content of rekeyed.v1",
            lambda k, d=d: open_content(secret=BoxKey(k), header=d["header"], sealed=d["content"]),
        )
        for p in d["placements"]:
            found.persons |= {p["person"]} if len(found.parts.get("placement of rekeyed.v1", [])) < _SAMPLE else set()
            found.add("placement of rekeyed.v1", lambda k, p=p: open_sealed(BoxKey(k), p["sealed"]))
    for body in bodies(demo, "projector", "ledger.v1"):
        if codec.name_of(body) != "person_events":
            continue
        d = codec.decode("person_events", body)
        for p in d["placements"]:
            found.persons |= {p["person"]} if len(found.parts.get("placement of ledger.v1", [])) < _SAMPLE else set()
            found.add("placement of ledger.v1", lambda k, p=p: open_sealed(BoxKey(k), p["sealed"]))
        for part, kind in (("events", "events"), ("mandates", "mandate"), ("months", "months")):
            for s in d[part]:
                if len(found.parts.get(f"{part} of ledger.v1", [])) < _SAMPLE:
                    found.persons.add(s["person"])
                    found.add(
                        f"{part} of ledger.v1",
                        lambda k, s=s, n=kind: open_events(DataKey(k), s["person"], n, s["sealed"]),
                    )
    _add_sections(found, demo)
    register = KeyRegister.of(demo.zone.folder)
    to_ledger, to_intake = (
        bytes.fromhex(register.current(*whose).public) for whose in (("ledger", "content"), ("intake", "identity"))
    )
    said = Remark(bytes(16), 98_000_001, "wmo-02", 24_300, 24_300, "not-received", 0).sealed_to(to_ledger)
    found.add("what of remarks.v1", lambda k: Remark.opened(BoxKey(k), said))
    person = seal_to(to_intake, bytes(16))
    found.add("person of retention.{gm}.v1", lambda k: open_sealed(BoxKey(k), person))
    return found


def _add_sections(found: Bytes, demo: Demo) -> None:
    for name, reader in (
        ("section of household.{gm}.v1", reader_of(demo, "gm9901")),
        ("a member's own section of household.{gm}.v1", family_of("gm9901")),
    ):
        found.households.append(record := household_of(demo, reader))
        found.add(name, lambda k, r=record: open_section(secret=DataKey(k), record=r, index=0))


def bodies(demo: Demo, name: str, topic: str) -> Iterator[bytes]:
    for data in records(demo, name, topic):
        yield codec.decode("hop_record", data)["body"]


def test_each_kind_of_part_lies_on_the_topics(found: Bytes) -> None:
    assert set(found.parts) == set(GRANTED)
    assert {name.split(" of ")[1] for name in GRANTED} | NOTHING_SEALED == {row.name for row in topics.TABLE}


def keys_of(demo: Demo, holder: str, found: Bytes) -> list[bytes]:
    """All 32 bytes a principal has in its files, and all the keyvault gives to its certificate."""
    zone = demo.zone
    folders = [
        zone.folder.role(holder) / "secrets", demo.sender_folder(holder), zone.folder.path / "readers" / holder, grantor_folder(zone, holder),
        officer_folder(zone, holder.removeprefix("officer-")),
    ]  # fmt: skip
    keys = [p.read_bytes() for folder in folders for p in folder.rglob("*") if p.is_file() and p.stat().st_size == 32]
    files = certificate(demo, holder)
    vault = VaultClient(zone.vault_url, cert=files.cert, key=files.key, ca=files.ca)
    loans: tuple[Callable[[], list[bytes]], ...] = (
        lambda: [k.reveal() for k in vault.person_keys(sorted(found.persons)) if k is not None],
        lambda: [k.reveal() for k in vault.placement_keys(sorted(found.persons)) if k is not None],
        *((lambda r=r: [k.reveal() for k in vault.look(r) if k is not None]) for r in found.households),
    )
    for loan in loans:
        with contextlib.suppress(Refused, ContractBroken):  # not lent to this one; an absent vault would be an error
            keys += loan()
    vault.close()
    return keys


def opens(openers: list[Opener], keys: list[bytes]) -> int:
    """How many of the parts open with one of the keys."""
    count = 0
    for opener in openers:
        for key in keys:
            try:
                opener(key)
            except Refused:
                continue
            count += 1
            break
    return count


HOLDERS = (
    "intake", "ledger", "projector", "release", "keyvault", "operator", "gm9901", "gm9902", "a provider",
    "the caseworker with the mandate", "a caseworker next door", "a member of a family", "a family next door", "an officer",
    "a grantor",
)  # fmt: skip
OWN_KEYS = {"an officer": 2, "a grantor": 1}
"""Of who is granted nothing: so many keys it has at least, so that nothing opening says something."""


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_holder_opens_what_it_is_granted_and_nothing_else(demo: Demo, found: Bytes, holder: str) -> None:
    names = {
        "a provider": f"p{min(demo.zone.folder.members().providers).removeprefix('p')}",
        "the caseworker with the mandate": reader_of(demo, "gm9901"), "a caseworker next door": reader_of(demo, "gm9902"),
        "a member of a family": family_of("gm9901"), "a family next door": family_of("gm9902"),
        "an officer": f"officer-{min(p.name for p in officer_folder(demo.zone, 'any').parent.iterdir())}",
        "a grantor": min(p.name for p in grantor_folder(demo.zone, "any").parent.glob("grantor-gm9901-*")),
    }  # fmt: skip
    keys = keys_of(demo, names.get(holder, holder), found)
    assert len(set(keys)) >= OWN_KEYS.get(holder, 0)
    for part, openers in found.parts.items():
        opened, wanted = opens(openers, keys), len(openers) if holder in GRANTED[part] else 0
        assert opened == wanted, f"{holder} opens {opened} of {len(openers)}: {part}"


def with_its_database(demo: Demo, found: Bytes) -> list[bytes]:
    """All the keyvault could make of its secrets and its rows: every key unwrapped, and what it derives from two of them."""
    own, secrets = everything(demo).of(["keyvault"]), secrets_of(demo, ["keyvault"])
    unwrapped_keys = unwrapped(own, {s for s in secrets if len(s) == 32})
    assert unwrapped_keys
    named = {name.split(b"/")[1]: key for name, key in unwrapped_keys.items() if name.startswith(b"named_keys/")}
    persons = {n.removeprefix(b"person_keys/"): k for n, k in unwrapped_keys.items() if n.startswith(b"person_keys/")}
    keys = [*keys_of(demo, "keyvault", found), *unwrapped_keys.values()]
    keys += [placement_key(named[b"placement"], person, key) for person, key in persons.items()]
    for record in found.households:
        for name, key in unwrapped_keys.items():
            if name.startswith(b"named_keys/section/"):
                with contextlib.suppress(Refused):  # the one before, where a turn ended meanwhile
                    box = open_key_box(
                        section_secret=BoxKey(key), handle=record["handle"], version=record["version"], claim=claims_of(record)[0]
                    )  # fmt: skip
                    keys.append(box.data_key.reveal())
    return keys


def test_the_keyvault_with_its_database_would_open_a_written_list_and_may_read_none_of_it(
    demo: Demo, found: Bytes
) -> None:
    keys = with_its_database(demo, found)
    for part, openers in found.parts.items():
        assert opens(openers, keys) == (len(openers) if part in WITH_ITS_DATABASE else 0), part
    members = demo.zone.folder.members()
    rows = {name: row.name for name, row, _ in topics.concrete_topics(members)}
    reads = {
        rows[g.topic] for g in topics.grants(members)
        if g.principal == "keyvault" and g.operation is topics.Operation.READ
    }  # fmt: skip
    assert reads
    assert reads & {part.split(" of ")[1] for part in GRANTED} == set(), "it may read no topic with sealed parts at all"
