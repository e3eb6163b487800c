"""What a member of a family says is not right: sealed, signed, taken once by one ledger, and told to the provider by its references."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from deploy.certificates import Authority, RoleCertificate
from deploy.cluster import Cluster
from keyvault.caller_signature import sign_as_caller
from schemas import codec, topics
from schemas.care import CARE_TYPES
from schemas.errors import Refused
from schemas.remarks import DOMAIN, TOPIC, Remark
from schemas.sealing import box_public_key
from schemas.values import Month, day_of
from streams.hop_store import OutboxRow, prepared
from streams.ledger_store import mandates
from streams.remarks import DDL, Remarks
from tests.integration.ledger_in_postgres import ANNE, BRAM, SENDER, Ledger
from tests.unit.ledger_builders import DAY, HOUSEHELP, PROVIDER, TODAY, a_mandate, a_row, sixteen

MEMBER, NEIGHBOUR = "family-gm9901-a1b2", "family-gm9901-c3d4"
MONTH, CARE = Month.of(day_of(DAY)).index, CARE_TYPES[HOUSEHELP].code
NOW = dt.datetime.combine(day_of(TODAY), dt.time(12), dt.UTC)


class Family:
    """Members with certificates, and ledgers on one database that hear them."""

    def __init__(self, dsn: str, kafka: Any, authority: Authority, folder: Path) -> None:
        self.kafka, self.authority, self.folder = kafka, authority, folder
        members = topics.Members((SENDER,), ("gm9901",), ((MEMBER, "gm9901"), (NEIGHBOUR, "gm9901")))
        Cluster(kafka.admin()).apply(members)
        self.ledger = Ledger(dsn)
        with prepared(dsn, DDL) as c:
            end = self._end()
            c.execute("UPDATE remarks_read SET next_offset = %s", (end,))
        self.sent: list[OutboxRow] = []

    def _end(self) -> int:
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(self.kafka.admin() | {"group.id": "admin.remarks"})
        _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=20)
        consumer.close()
        return int(end)

    def hears(self, *, days: int = 0) -> Remarks:
        files = self.authority.issue("ledger", self.folder / "ledger")
        return Remarks(
            self.ledger.store, self.kafka.client(files), files.ca, self.ledger.network.directory,
            {"c1": self.ledger.network.content}, self.ledger.metrics, lambda: (7, b"h" * 32), lambda: NOW + dt.timedelta(days=days),
        )  # fmt: skip

    def put(self, rows: list[OutboxRow]) -> None:
        self.sent += rows

    def give(self, handle: str, person: int, **terms: Any) -> None:
        network = self.ledger.network
        fields = {"reader": MEMBER, "purpose": "own-file"} | terms
        part = network.content_part(mandates=[a_mandate(handle, subject=person, **fields)])
        self.ledger.take(network.rekeyed(part, [ANNE, BRAM], sender="gm9901"))

    def says(
        self, handle: str, *, by: str = MEMBER, signed_by: str | None = None, key_id: str = "c1", authority: Authority | None = None,
        certificate: Callable[[bytes], bytes] = bytes, times: int = 1, **changes: Any,
    ) -> None:  # fmt: skip
        files = self.certificate(by, authority)
        fields = {
            "provider": PROVIDER,
            "care_type": CARE,
            "first_month": MONTH,
            "last_month": MONTH,
            "reason": "not-received",
        } | changes
        sealed = Remark(sixteen(handle), at_ms=1, **fields).sealed_to(box_public_key(self.ledger.network.content))
        key = self.certificate(signed_by or by, authority).key.read_bytes()
        der = x509.load_pem_x509_certificate(files.cert.read_bytes()).public_bytes(Encoding.DER)
        fields = {"key_id": key_id, "sealed": sealed, "certificate": certificate(der)}
        said = codec.encode("signed_remark", fields | {"signature": sign_as_caller(key, DOMAIN + sealed)})
        for _ in range(times):
            self.send(said)

    def certificate(self, name: str, authority: Authority | None = None) -> RoleCertificate:
        place = self.folder / ("other" if authority else "ours") / name
        return (authority or self.authority).issue(name, place, valid_from=NOW - dt.timedelta(days=30))

    def send(self, body: bytes) -> None:
        producer = Producer(self.kafka.client(self.certificate(MEMBER)))
        producer.produce(TOPIC, body, partition=0)
        assert producer.flush(20) == 0

    def heard(self, *, ledger: Remarks | None = None, until: int = 1) -> list[dict[str, Any]]:
        """Receipts and letters after ticks that brought `until` of them, or a second without any."""
        before, taken = len(self.sent), ledger or self.hears()
        for _ in range(40):
            taken.tick(self)  # type: ignore[arg-type]
            if len(self.sent) - before >= until > 0:
                break
        return [codec.decode(codec.name_of(r.value), r.value) for r in self.sent[before:] if r.value]


@pytest.fixture
def family(fresh_database: Callable[[str], str], kafka: Any, authority: Authority, tmp_path: Path) -> Iterator[Family]:
    made = Family(fresh_database("ledger"), kafka, authority, tmp_path)
    made.ledger.take(
        made.ledger.deliver(
            a_row("mine 1"), a_row("mine 2", volume=8), a_row("later", from_day=DAY + 31), a_row("hers", subject=1)
        )
    )
    made.give("own", 0)
    yield made
    made.ledger.store.close()


def test_the_provider_is_told_its_references_and_the_reason_once(family: Family) -> None:
    family.says("own")
    (told,) = family.heard()
    assert {r["reference"] for r in told["refused"]} == {sixteen("mine 1"), sixteen("mine 2")}
    assert (told["sender"], told["kind"], told["code"], told["log_sequence"]) == (SENDER, "doubt", "not-received", 7)
    assert family.sent[-1].topic == topics.receipts_topic(SENDER)
    assert family.heard(until=0) == [], "taken once, by whichever ledger"


def test_a_remark_put_on_the_topic_three_times_is_told_once_and_another_day_not_again(family: Family) -> None:
    family.says("own", times=3)
    assert [r["kind"] for r in family.heard(until=1)] == ["doubt"]
    assert family.heard(until=0, ledger=family.hears(days=1)) == []
    assert family.ledger.metric("duplicates_total") == 2
    with family.ledger.store.transaction() as tx:
        assert [int(str(n)) for (n,) in tx.execute("SELECT count FROM remarks_taken")] == [1]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("signature", {"by": NEIGHBOUR}),
        ("signature", {"signed_by": NEIGHBOUR}),
        ("signature", {"handle": "nobody's"}),
        ("signature", {"handle": "caseworker's", "by": "caseworker-gm9901-1"}),
        ("unknown-key", {"key_id": "c2"}),
    ],
    ids=["another member", "another's key", "no mandate", "a caseworker", "another key"],
)
def test_what_is_no_remark_of_the_member_gets_a_letter_and_reaches_nobody(
    family: Family, reason: str, said: dict
) -> None:
    family.give("caseworker's", 0, reader="caseworker-gm9901-1", purpose="coordination")
    family.says(said.pop("handle", "own"), **said)
    (letter,) = family.heard()
    assert (letter["reason"], letter["topic"]) == (reason, TOPIC)
    family.says("own")
    assert family.heard()[0]["kind"] == "doubt", "and the next one is taken"


def test_a_stranger_and_random_bytes_get_letters(family: Family, tmp_path: Path) -> None:
    family.says("own", authority=Authority(tmp_path / "another root"))
    family.send(b"nothing of the kind")
    assert [r["reason"] for r in family.heard(until=2)] == ["signature", "unreadable"]


def test_a_certificate_of_another_form_gets_a_letter_and_stops_nothing(family: Family) -> None:
    version, number = b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01"
    for form in (b"\x03", b"\x7f", b"\x00"):
        family.says("own", certificate=lambda der, form=form: der.replace(version, number + form, 1))
    family.says("own", certificate=lambda _: b"0" * 400)
    assert [r["reason"] for r in family.heard(until=4)] == ["signature"] * 4
    family.says("own")
    assert family.heard()[0]["kind"] == "doubt"


def test_a_mandate_that_ended_says_nothing_any_more_and_twenty_remarks_a_day_are_enough(family: Family) -> None:
    family.says("own")
    assert family.heard(ledger=family.hears(days=200))[0]["reason"] == "signature"
    for _ in range(21):
        family.says("own")
    kinds = [r.get("kind", "letter") for r in family.heard(until=21)]
    assert kinds == ["doubt"] * 20 + ["letter"]


def test_a_line_that_names_no_delivery_tells_nobody(family: Family) -> None:
    family.says("own", first_month=MONTH + 5, last_month=MONTH + 5)
    family.says("own", provider=PROVIDER + 1)
    assert family.heard(until=0) == []
    with family.ledger.store.transaction() as tx:
        assert mandates(tx, [sixteen("own")])[sixteen("own")].person == ANNE


@pytest.mark.parametrize(
    "wrong", [{"reason": "999900006 is a fraud"}, {"provider": 0}, {"first_month": 5, "last_month": 4}]
)
def test_only_a_line_and_a_reason_of_the_list_can_be_said(wrong: dict) -> None:
    fields = {"provider": PROVIDER, "care_type": CARE, "first_month": 1, "last_month": 1, "reason": "other"} | wrong
    with pytest.raises(Refused) as told:
        Remark(bytes(16), at_ms=1, **fields)
    assert "999900006" not in str(told.value)
