"""The certificate authority turns while everybody can always connect to everybody; whoever has the old one's certificate in the end can't."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_steps import WHEN, Command, World, try_each_step
from command_steps import typed as typed_in
from confluent_kafka import Consumer, KafkaException, TopicPartition
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from runs import told, typed

from deploy.authority_turn import Stage, stage, unsigned
from deploy.certificates import Authority, RoleCertificate
from deploy.zone import Zone
from keyvault.client import VaultClient
from schemas.errors import ZorgstroomError
from tests.integration.road_by_hand import Sender, a_delivery, admitted, road_of

PROVIDER = "p98444449"
AUTHORITY = ("operator", "keys", "authority")


def issued(certificate: x509.Certificate, bundle: bytes) -> bool:
    for authority in x509.load_pem_x509_certificates(bundle):
        try:
            certificate.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


class OfAuthority(Command):
    """A zone with certificates of roles, a reader, Kafka and an officer. `times` it was typed before."""

    times = 0

    def prepare(self, world: World) -> None:
        ours = world.zone.authority
        for place in ("roles/ledger", "readers/gm9901", "kafka/broker", "officers/dora"):
            ours.issue(place.rsplit("/", 1)[1], world.folder.path / place)
        sender = world.folder.path / "senders" / "p98000001"
        ours.issue("p98000001", sender)
        (sender / "key.pem").rename(sender / "tls.key")
        self.sender_key = (sender / "tls.key").read_bytes()
        for _ in range(self.times):
            typed_in(world, *AUTHORITY, "--yes")

    begins, ends = Stage.REST, Stage.BOTH_TRUSTED

    def type(self, world: World) -> None:
        """As somebody who looks how far it is before typing again."""
        ours, path = world.zone.authority, world.folder.path
        if stage(ours, path) is self.begins or (self.begins is Stage.BOTH_TRUSTED and unsigned(ours, path)):
            typed_in(world, *AUTHORITY, "--yes")

    def between(self, world: World) -> None:
        super().between(world)
        folders = [p.parent for p in world.folder.path.glob("*/*/cert.pem")]
        assert len(folders) == 6
        for name in ("intake", "ledger"):
            world.zone.certificate(name)  # as at a start: what was broken off is finished
        for one in folders:
            certificate = x509.load_pem_x509_certificate((one / "cert.pem").read_bytes())
            for other in folders:
                assert issued(certificate, (other / "ca.pem").read_bytes()), f"{other.name} does not trust {one.name}"
        assert (world.folder.path / "senders" / "p98000001" / "tls.key").read_bytes() == self.sender_key

    def finished(self, world: World) -> None:
        assert stage(world.zone.authority, world.folder.path) is self.ends
        for cert in world.folder.path.glob("*/*/cert.pem"):
            key = next(p for p in (cert.parent / "key.pem", cert.parent / "tls.key") if p.exists())
            public = serialization.load_pem_private_key(key.read_bytes(), None).public_key()
            form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            certified = x509.load_pem_x509_certificate(cert.read_bytes()).public_key()
            assert certified.public_bytes(*form) == public.public_bytes(*form), cert


class TrustBoth(OfAuthority):
    pass


class GoOver(OfAuthority):
    times, begins, ends = 1, Stage.BOTH_TRUSTED, Stage.NEXT_SIGNS

    def finished(self, world: World) -> None:
        super().finished(world)
        assert unsigned(world.zone.authority, world.folder.path) == []
        assert not (world.folder.path / "root" / "ca-next.key").exists()


class LetGo(OfAuthority):
    times, begins, ends = 2, Stage.NEXT_SIGNS, Stage.REST

    def finished(self, world: World) -> None:
        super().finished(world)
        assert {p.read_bytes().count(b"BEGIN CERTIFICATE") for p in world.folder.path.glob("*/*/ca.pem")} == {1}


@WHEN
@pytest.mark.parametrize("command", [TrustBoth, GoOver, LetGo], ids=lambda c: c.__name__)
def test_killed_at_each_step_everybody_trusts_everybody_and_typed_again_it_is_done(
    command: type[Command], worlds: Callable[[], World], *, after: bool
) -> None:
    try_each_step(command, worlds, after=after)


def restarted_whole(zone: Zone) -> None:
    zone.stop()
    zone.start()


def connects(zone: Zone, files: RoleCertificate, topic: str) -> bool:
    """Whether Kafka and the keyvault both let somebody in with a certificate."""
    reader = Consumer(zone.kafka.client(files) | {"group.id": f"{files.name}.test", "log_level": 0})
    try:
        reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=5)
    except KafkaException:
        return False
    finally:
        reader.close()
    return True


@pytest.mark.long
def test_on_a_real_zone_three_times_and_who_keeps_the_old_ones_certificate_is_shut_out(
    zone: Zone, tmp_path: Path
) -> None:
    data = str(zone.folder.path)
    demo = SimpleNamespace(zone=zone)
    profile = admitted(demo, PROVIDER)  # type: ignore[arg-type]
    shutil.copytree(zone.folder.role("projector"), tmp_path / "old")
    trusts = zone.folder.role("projector") / "ca.pem"
    old = RoleCertificate("projector", tmp_path / "old" / "cert.pem", tmp_path / "old" / "key.pem", trusts)
    before = zone.authority.ca_path.read_bytes()
    for number, said in enumerate(("Made: the next authority", "destroyed; signed anew", "Let go."), 1):
        assert f"Step {number} of 3" in typed(*AUTHORITY, "--dry-run", "--data", data)
        assert said in " ".join(typed(*AUTHORITY, "--yes", "--data", data).split())
        zone.authority = Authority(zone.folder.path / "root")
        zone.kafka.authority = zone.authority  # type: ignore[attr-defined]
        restarted_whole(zone)
        sender = Sender(profile)
        for road in road_of(demo, profile):  # type: ignore[arg-type]
            assert told(road, sender, sender.sealed(1, a_delivery(f"CA{number}"))) == ("0200", 1)
        assert connects(zone, old, "ledger.v1") is (number < 3)
    assert zone.authority.ca_path.read_bytes() != before
    vault = VaultClient(zone.vault_url, cert=old.cert, key=old.key, ca=trusts)
    with pytest.raises(ZorgstroomError):
        vault.public_key("section")
    vault.close()
