"""One handle for two people: whoever says so is on hold at once, and nothing of that window is booked on anybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provider_profiles import BSNS, Admitted, admitted, deliveries

from deploy.certificates import Authority
from keyvault import group, voprf
from keyvault.client import PublicKey
from producers.packing import pack
from schemas import codec
from schemas.directory import Directory
from schemas.envelope import Envelope, Header, seal_envelope
from schemas.sealing import box_public_key, sha256
from schemas.secrets import AddressKey, BoxKey, PersonIdKey
from schemas.values import OutboxId, day_number
from streams import intake_store, pseudonym_table
from streams.address_book import AddressBook
from streams.hop import InputRecord, Numbered
from streams.hop_store import PostgresHopStore, prepared
from streams.intake_placing import Arrived, Placing
from streams.intake_role import IntakeRole
from streams.metrics import WorkerMetrics
from streams.pseudonym_table import scalar_print
from streams.pseudonyms import Pseudonyms

pytestmark = pytest.mark.servers
HANDLE = b"the same handle!"
OUTBOX = OutboxId(bytes(range(16)))
SCALAR = group.random_scalar()


class Evaluator:
    """A vault in memory: the point of each input, times its key."""

    secret = group.random_scalar().reveal()

    has_spare = True

    def elements(self, inputs: list[bytes], pinned: object) -> list[bytes]:
        del pinned
        return [group.multiply(self.secret, voprf.hash_to_group(i)) for i in inputs]


@pytest.fixture
def provider(tmp_path: Path) -> Admitted:
    return admitted(tmp_path / "mine", Authority(tmp_path / "root"))


@pytest.fixture
def role(provider: Admitted, tmp_path: Path) -> IntakeRole:
    (tmp_path / "address_register.csv").write_text("PC6;Huisnummer;Buurt;Wijk;Gemeente\n1234AB;7;BU99010101;;\n")
    (tmp_path / "clusters.csv").write_text("PC6;Buurt;Cluster\n1234AB;BU99010101;3\n")
    (tmp_path / "special_addresses.csv").write_text("PC6;Huisnummer;Toevoeging;Soort\n")
    pinned = {"voprf-1": PublicKey("voprf-1", bytes(32))}.get
    pseudonyms = Pseudonyms(Evaluator(), pinned, {scalar_print(SCALAR): SCALAR}, PersonIdKey(bytes(32)), bytes(32))
    assert "cache_key" not in repr(pseudonyms)
    public = box_public_key(BoxKey.generate())
    unused: Any = None
    directory: Directory = unused
    return IntakeRole(
        directory=directory, identity_keys={"identity-1": provider.identity}, pseudonyms=pseudonyms,
        placing=Placing(AddressBook.read([tmp_path]), AddressKey(bytes(32)), lambda persons: [public] * len(persons)), metrics=WorkerMetrics("intake"), learn_more=lambda: None,
    )  # fmt: skip


@pytest.fixture
def store(fresh_database) -> Iterator[PostgresHopStore]:
    dsn = fresh_database("intake")
    with prepared(dsn, intake_store.DDL):
        pass
    made = PostgresHopStore(dsn, "intake")
    with made.transaction() as tx:
        pseudonym_table.begin(tx, key_id="voprf-1", scalar_print=scalar_print(SCALAR), state=pseudonym_table.IN_USE)
    yield made
    made.close()


def sent(provider: Admitted, number: int, bsn: str) -> Numbered[Arrived]:
    """An envelope of one delivery whose subject has HANDLE, whoever it is."""
    profile = provider.profile
    packed = next(pack(deliveries(1), secret=profile.handle_key()))
    packed.identity["subjects"][0] |= {"handle": HANDLE, "bsn": bsn}
    day = day_number(deliveries(1)[0].first_day)
    keys = profile.recipients(day)
    header = Header(
        "delivered.v1",
        profile.sender,
        OUTBOX,
        number,
        keys.identity_key_id,
        keys.content_key_id,
        profile.signing_key_id,
        day,
    )
    data = seal_envelope(
        header=header, identity=packed.identity, content=packed.content, recipients=keys, signing=profile.signing_key()
    )
    record = InputRecord(0, number - 1, b"", data, 0)
    return Numbered(record, b"stream", number, Arrived(Envelope.decode(data), sha256(data)))


def told(outputs: Any) -> list[str]:
    """What left for each envelope: `rekeyed`, or the code of its receipt and before it that of its letter."""
    schemas = {"dead-letters.v1": ("dead_letter", "reason"), "rekeyed.v1": ("rekeyed_envelope", None)}
    found = []
    for o in outputs:
        name, field = schemas.get(o.topic, ("receipt", "code"))
        found.append(codec.decode(name, o.body)[field] if field else "rekeyed")
    return found


def test_in_one_window_neither_is_booked(role: IntakeRole, store: PostgresHopStore, provider: Admitted) -> None:
    with store.transaction() as tx:
        outputs = role.apply(tx, [sent(provider, 1, BSNS[0]), sent(provider, 2, BSNS[1])])
    assert told(outputs) == ["equivocation", "on-hold"] * 2
    with store.transaction() as tx:
        assert intake_store.on_hold(tx, [provider.profile.sender.text]) == {provider.profile.sender.text}
        assert told(role.apply(tx, [sent(provider, 3, BSNS[0])])) == ["on-hold"]


def test_in_a_later_window_the_contradiction_itself_is_refused(
    role: IntakeRole, store: PostgresHopStore, provider: Admitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction() as tx:
        assert told(role.apply(tx, [sent(provider, 1, BSNS[0])])) == ["rekeyed"]
    monkeypatch.setattr(Pseudonyms, "_due", lambda *_: True)  # the one use in fifty that is asked again
    with store.transaction() as tx:
        assert told(role.apply(tx, [sent(provider, 2, BSNS[0])])) == ["rekeyed"], "the same person again is nothing"
        assert told(role.apply(tx, [sent(provider, 3, BSNS[1])])) == ["equivocation", "on-hold"]
