"""The embedded Kafka lets in whom our authority named, for as long as it said, and says what keeps it from starting."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.certificates import Authority
from deploy.embedded_kafka import EmbeddedKafka
from deploy.servers import ExternalKafka, kafka_server
from deploy.settings import Settings
from schemas.errors import SettingsWrong, Unavailable

QUIET = {"log_level": 0}


def test_an_expired_certificate_is_refused(kafka: EmbeddedKafka, authority: Authority, tmp_path: Path) -> None:
    long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    expired = authority.issue("p99000001", tmp_path / "expired", days=30, valid_from=long_ago)
    with pytest.raises(KafkaException):
        AdminClient({**kafka.client(expired), **QUIET}).list_topics(timeout=4)
    valid = authority.issue("p99000001", tmp_path / "valid")
    assert AdminClient({**kafka.client(valid), **QUIET}).list_topics(timeout=10).brokers


def test_a_member_without_a_grant_sees_no_topic_and_makes_none(
    kafka: EmbeddedKafka, authority: Authority, tmp_path: Path
) -> None:
    admin = AdminClient({**kafka.admin(), **QUIET})
    admin.create_topics([NewTopic("kept-from-you.v1", 1, 1)])["kept-from-you.v1"].result(20)
    stranger = AdminClient({**kafka.client(authority.issue("p99000008", tmp_path / "s")), **QUIET})
    try:
        assert stranger.list_topics(timeout=10).topics == {}
        with pytest.raises(KafkaException, match="AUTHORIZATION_FAILED"):
            stranger.create_topics([NewTopic("mine.v1", 1, 1)])["mine.v1"].result(20)
        with pytest.raises(KafkaException, match="AUTHORIZATION_FAILED"):
            stranger.delete_topics(["kept-from-you.v1"])["kept-from-you.v1"].result(20)
    finally:
        admin.delete_topics(["kept-from-you.v1"])["kept-from-you.v1"].result(20)


def speak_without_certificate(port: int, trusted: Path) -> bytes:
    """Say something to a listener without showing a certificate; returns its answer, empty when it just hangs up."""
    context = ssl.create_default_context(cafile=str(trusted))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as spoken,
    ):
        spoken.sendall(b"\0\0\0\1x")
        return spoken.recv(1)


def test_the_controllers_listener_also_asks_for_a_certificate(kafka: EmbeddedKafka, authority: Authority) -> None:
    client, controller = (int(n) for n in (kafka.data_dir / "ports").read_text().split())
    for port in (client, controller):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            speak_without_certificate(port, authority.ca_path)


def shake_hands(caller: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """A TLS handshake in memory. Raises what either side refuses."""
    to_caller, from_caller, to_server, from_server = (ssl.MemoryBIO() for _ in range(4))
    sides = (
        (caller.wrap_bio(to_caller, from_caller, server_hostname="127.0.0.1"), from_caller, to_server),
        (server.wrap_bio(to_server, from_server, server_side=True), from_server, to_caller),
    )
    for _ in range(4):
        for side, said, heard in sides:
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
            heard.write(said.read())


def test_a_members_certificate_cannot_stand_in_for_the_broker(authority: Authority, tmp_path: Path) -> None:
    caller = ssl.create_default_context(cafile=str(authority.ca_path))
    member, broker = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for context, name, server in ((member, "p99000001", False), (broker, "broker", True)):
        files = authority.issue(name, tmp_path / name, server=server)
        context.load_cert_chain(files.cert, files.key)
    shake_hands(caller, broker)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(caller, member)


def test_a_port_taken_while_it_was_down_is_told_and_the_data_wait(
    authority: Authority, server_folder: Path, kafka: EmbeddedKafka
) -> None:
    second = EmbeddedKafka(server_folder / "second", authority, kafka.cache_dir)
    port = int(second.bootstrap.rpartition(":")[2])
    with socket.socket() as intruder:
        intruder.bind(("127.0.0.1", port))
        intruder.listen()
        with pytest.raises(SettingsWrong, match=f"^Port {port}"):
            second.start()
    assert second.pid is None
    assert not (second.data_dir / "data").exists()


def test_a_second_server_on_the_same_data_is_refused(kafka: EmbeddedKafka, authority: Authority) -> None:
    with pytest.raises(SettingsWrong, match=f"process {kafka.pid}"):
        EmbeddedKafka(kafka.data_dir, authority, kafka.cache_dir).start()
    assert (kafka.data_dir / "pid").exists()


def test_a_kafka_of_ones_own_is_used_when_the_settings_name_it(
    kafka: EmbeddedKafka, authority: Authority, tmp_path: Path
) -> None:
    files = authority.issue("admin", tmp_path / "given")
    named = kafka_server(
        Settings(kafka=kafka.bootstrap, kafka_admin=files.cert.parent), folder=tmp_path, authority=authority
    )
    assert isinstance(named, ExternalKafka)
    named.start()
    named.stop()
    assert kafka.pid is not None
    foreign = Authority(tmp_path / "foreign").issue("admin", tmp_path / "theirs")
    with pytest.raises(Unavailable, match="does not let the administrator in"):
        ExternalKafka(kafka.bootstrap, foreign).start()
    with pytest.raises(SettingsWrong, match=r"without cert\.pem"):
        kafka_server(Settings(kafka=kafka.bootstrap, kafka_admin=tmp_path), folder=tmp_path, authority=authority)
