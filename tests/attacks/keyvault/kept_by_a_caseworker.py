"""A caseworker who keeps everything: records of the topic, requests, answers, one-time keys, keys of sections, the bytes on the wire. For tests."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from deploy.certificates import Authority
from keyvault.client import VaultClient
from schemas import codec, topics
from schemas.errors import Refused
from schemas.household_record import open_section
from schemas.sealing import box_public_key, open_sealed
from schemas.secrets import BoxKey, DataKey


class Wire:
    """A line to the keyvault that keeps what goes over it, one way and the other."""

    def __init__(self, port: int) -> None:
        self.to, self.sent, self.heard = port, list[bytes](), list[bytes]()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self.door.accept()
                there = socket.create_connection(("127.0.0.1", self.to))
                for end in (here, there):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for kept, a, b in ((self.sent, here, there), (self.heard, there, here)):
                    kept.append(b"")
                    threading.Thread(target=self._pass, args=(kept, len(kept) - 1, a, b), daemon=True).start()

    @staticmethod
    def _pass(kept: list[bytes], index: int, a: socket.socket, b: socket.socket) -> None:
        with contextlib.suppress(OSError), a, b:
            while data := a.recv(65_536):
                kept[index] += data
                b.sendall(data)

    def close(self) -> None:
        self.door.close()


def said_again(port: int, sent: bytes) -> bytes:
    """What the keyvault answers to the bytes of an earlier connection."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line, contextlib.suppress(OSError):
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        while data := line.recv(65_536):
            heard += data
    return heard


@dataclass
class Caseworker:
    """What one has, and how it is come by."""

    name: str
    client: VaultClient
    records: list[dict[str, Any]] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    one_time_keys: list[BoxKey] = field(default_factory=list)
    section_keys: list[DataKey] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    tries: int = 0
    """Looks asked for since this was last set to zero."""

    def read(self, kafka: Any, authority: Authority, folder: Any, *, gemeente: int) -> None:
        """All that lies on the municipality's topic, others' records too."""
        files = authority.issue(self.name, folder / self.name)
        settings = {"group.id": f"{self.name}.kept", "enable.partition.eof": True, "enable.auto.commit": False}
        consumer = Consumer(kafka.client(files) | settings)
        topic = topics.household_topic(gemeente)
        partitions = next(t.partitions for t in topics.TABLE if t.name == "household.{gm}.v1")
        consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
        ends = 0
        with contextlib.closing(consumer):
            while ends < partitions:
                message = consumer.poll(10)
                assert message is not None, "Kafka does not answer"
                if message.error() is not None:
                    ends += 1
                elif (record := codec.decode("household_record", message.value())) not in self.records:
                    self.records.append(record)

    def of(self, handle: bytes) -> list[dict[str, Any]]:
        return sorted((r for r in self.records if r["handle"] == handle), key=lambda r: r["version"])

    def asked(self, record: dict[str, Any], once: BoxKey | None = None, **changes: Any) -> bytes:
        """A look that is signed with the own certificate; `changes` to what is asked."""
        if once is None:
            once = BoxKey.generate()
            self.one_time_keys.append(once)
        body = self.client._signed_look(record | changes, box_public_key(once))
        self.requests.append(body)
        return body

    def send(self, body: bytes) -> bytes:
        self.tries += 1
        answer = self.client._ask("POST", "/v1/look", body, again=False)
        self.answers.append(answer)
        return answer

    def look(self, record: dict[str, Any]) -> None:
        """As the tool does, and keep what comes of it."""
        answer = codec.decode("vault_look_answer", self.send(self.asked(record)))
        keys = [DataKey(open_sealed(self.one_time_keys[-1], k)) for k in answer["keys"] if k]
        self.section_keys += keys
        self.cards += self.opened(record, keys)

    def opened(self, record: dict[str, Any], keys: list[DataKey] | None = None) -> list[dict[str, Any]]:
        """The cards of a record that open with these keys, or with any there is."""
        found = []
        for index in range(len(record["sections"])):
            for key in self.section_keys if keys is None else keys:
                with contextlib.suppress(Refused):
                    card = open_section(secret=key, record=record, index=index)
                    found += [card] if card else []
        return found

    def secrets(self) -> list[bytes]:
        """Everything of 32 bytes that is secret."""
        of_sections = [k.reveal() for k in self.section_keys]
        once = [k.reveal() for k in self.one_time_keys]
        again = [
            self._unsealed(k, s)
            for a in self.answers
            for s in codec.decode("vault_look_answer", a)["keys"]
            if s
            for k in self.one_time_keys
        ]
        return [*of_sections, *once, *(s for s in again if s)]

    @staticmethod
    def _unsealed(once: BoxKey, sealed: bytes) -> bytes | None:
        try:
            return open_sealed(once, sealed)
        except (Refused, ValueError):
            return None
