"""The ledger hears what members of families say is not right, and tells the provider by its own references.

One ledger at a time reads `remarks.v1`; where it is stands in its database, in the transaction that holds the receipts: each
remark is taken exactly once, also when its bytes come again. A remark counts under a live mandate for the own file, at most twenty a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from confluent_kafka import Consumer, TopicPartition
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from keyvault.caller_signature import check_caller_signature
from keyvault.mutual_tls import common_name
from schemas import codec, topics
from schemas.care import CARE_TYPES
from schemas.directory import Directory
from schemas.errors import Refused
from schemas.frames import LEDGER_ROW, Kind, rows_of
from schemas.mandate_rules import FAMILY, kind_of_reader
from schemas.remarks import DOMAIN, TOPIC, Remark
from schemas.sealing import sha256
from schemas.values import Month, day_number, day_of
from streams import ledger_store
from streams.dead_letters import dead_letter
from streams.hop import InputRecord, Output
from streams.hop_store import PostgresHopStore, Transaction
from streams.key_ring import Keys
from streams.metrics import WorkerMetrics
from streams.outbox import OutboxSender

DDL: Final = (
    "CREATE TABLE IF NOT EXISTS remarks_read (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), next_offset bigint NOT NULL)",
    "INSERT INTO remarks_read (next_offset) VALUES (0) ON CONFLICT DO NOTHING",
    "CREATE TABLE IF NOT EXISTS remarks_taken (handle bytea, day int, count int NOT NULL, PRIMARY KEY (handle, day))",
    "CREATE TABLE IF NOT EXISTS remarks_known (hash bytea PRIMARY KEY)",
)
_AT_ONCE: Final = 50
_A_DAY: Final = 20
_REFERENCES: Final = 200
_NO_CERTIFICATE: Final = (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion)
"""What the library raises for bytes that are no certificate of this authority."""


@dataclass(slots=True)
class Remarks:
    """The tick of one ledger. `settings`: librdkafka with its certificate; `authority`: who signs members' certificates (PEM file)."""

    store: PostgresHopStore
    settings: dict[str, Any]
    authority: Path
    directory: Directory
    content_keys: Keys
    metrics: WorkerMetrics
    log_head: Callable[[], tuple[int, bytes]]
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    _consumer: Consumer | None = None
    _at: int = -1

    def tick(self, sender: OutboxSender) -> None:
        """Take what has come, if no other ledger is at it."""
        with self.store.transaction() as tx:
            row = tx.execute("SELECT next_offset FROM remarks_read FOR UPDATE SKIP LOCKED").fetchone()
            if row is None:
                return
            outputs, offset = [], int(str(row[0]))
            for record in self._arrived(offset):
                outputs += self._take(tx, record)
                offset = record.offset + 1
            tx.execute("UPDATE remarks_read SET next_offset = %s", (offset,))
            self._at = offset
            sent = self.store.add_outputs(tx, outputs)
        sender.put(sent)

    def _arrived(self, offset: int) -> Iterable[InputRecord]:
        if self._consumer is None:
            self._consumer = Consumer(
                {
                    **self.settings,
                    "group.id": "ledger.remarks",
                    "enable.auto.commit": False,
                    "auto.offset.reset": "earliest",
                }
            )
        if self._at != offset:
            self._consumer.assign([TopicPartition(TOPIC, 0, offset)])
            self._at = offset
        return [
            InputRecord(0, r.offset(), r.key() or b"", r.value() or b"", r.timestamp()[1])
            for r in self._consumer.consume(_AT_ONCE, 0.05) if r.error() is None
        ]  # fmt: skip

    def _take(self, tx: Transaction, record: InputRecord) -> list[Output]:
        """The receipt to the provider, or a letter about what is no remark of a member."""
        try:
            proved = self._proved(tx, record.value)
        except Refused as refused:
            return [dead_letter(self.metrics, TOPIC, record, refused.code)]
        if proved is None:
            self.metrics.duplicates.inc()
            return []
        remark, person = proved
        references = self._references(tx, remark, person)
        name = f"p{remark.provider:08d}"
        if not references or self.directory.sender(name) is None:
            return []
        sequence, head = self.log_head()
        body = codec.encode(
            "receipt",
            {"sender": name, "outbox": bytes(16), "number": 0, "kind": "doubt", "code": remark.reason, "accepted": 0, "duplicates": 0,
             "refused": [{"position": i, "reference": r, "code": remark.reason} for i, r in enumerate(references)],
             "log_sequence": sequence, "log_hash": head},
        )  # fmt: skip
        return [
            Output(
                topic=topics.receipts_topic(name), partition=0, key=b"", body=body, source_partition=0,
                source_offset=record.offset, numbered=False, final=True,
            )
        ]  # fmt: skip

    def _proved(self, tx: Transaction, value: bytes) -> tuple[Remark, bytes] | None:
        """The remark and whose it is, None where it was taken before. Raises `Refused` (`signature`, `unknown-key`, `part`, `unreadable`, `schema`)."""
        signed = codec.decode("signed_remark", value)
        reader = self._member(signed["certificate"])
        check_caller_signature(signed["certificate"], DOMAIN + signed["sealed"], signed["signature"])
        secret = self.content_keys.get(signed["key_id"])
        if secret is None:
            raise Refused("unknown-key", "Sealed under an unknown key.")
        remark = Remark.opened(secret, signed["sealed"])
        given = ledger_store.mandates(tx, [remark.handle]).get(remark.handle)
        today = day_number(self.now().date())
        holds = (
            given is not None and not given.withdrawn and given.terms.reader == reader
            and kind_of_reader(reader, gemeente=f"gm{given.municipality:04d}") == FAMILY
            and given.terms.valid_from <= today <= given.terms.valid_until
        )  # fmt: skip
        if given is None or not holds:
            raise Refused("signature", "No live mandate for the own file of who signed this.")
        fresh = tx.execute(
            "INSERT INTO remarks_known VALUES (%s) ON CONFLICT DO NOTHING RETURNING true", (sha256(signed["sealed"]),)
        ).fetchone()
        if fresh is None:
            return None
        count = tx.execute(
            "INSERT INTO remarks_taken VALUES (%s, %s, 1) ON CONFLICT (handle, day) DO UPDATE SET count = remarks_taken.count + 1 "
            "RETURNING count", (remark.handle, today),
        ).fetchone()  # fmt: skip
        if count is None or int(str(count[0])) > _A_DAY:
            raise Refused("signature", "More remarks in a day than are taken.")
        return remark, given.person

    def _member(self, certificate_der: bytes) -> str:
        """Principal of a member's certificate that the network's authority signed and that holds today."""
        try:
            certificate = x509.load_der_x509_certificate(certificate_der)
            if not any(_issued(certificate, by) for by in x509.load_pem_x509_certificates(self.authority.read_bytes())):
                raise Refused("signature", "Not a certificate of this network.")
        except _NO_CERTIFICATE as wrong:
            raise Refused("signature", "Not a certificate of this network.") from wrong
        if not certificate.not_valid_before_utc <= self.now() <= certificate.not_valid_after_utc:
            raise Refused("signature", "The certificate does not hold today.")
        names = [(("commonName", str(a.value)),) for a in certificate.subject if a.oid == x509.NameOID.COMMON_NAME]
        return common_name({"subject": names})

    @staticmethod
    def _references(tx: Transaction, remark: Remark, person: bytes) -> list[bytes]:
        """References of the deliveries the line is made of."""
        found: Iterable[Any] = tx.execute(
            "SELECT reference, row FROM known_references WHERE provider = %s AND person = %s AND NOT withdrawn ORDER BY reference",
            (remark.provider, person),
        )
        kept = [(bytes(reference), bytes(row)) for reference, row in found if len(row) == LEDGER_ROW.itemsize]
        if not kept:
            return []
        rows = rows_of(b"".join(row for _, row in kept), LEDGER_ROW)
        months = np.array([Month.of(day_of(int(d))).index for d in rows["from_day"]])
        kinds = [CARE_TYPES[int(c)].code == remark.care_type for c in rows["care_type"]]
        meant = (
            (rows["kind"] == Kind.DELIVERED) & kinds & (months >= remark.first_month) & (months <= remark.last_month)
        )
        return [reference for (reference, _), m in zip(kept, meant.tolist(), strict=True) if m][:_REFERENCES]


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
