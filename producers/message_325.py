"""The 325 (declaratie-antwoord): every debit the municipality rejected is withdrawn, since it comes again without a credit.

A declaration rejected as a whole names no lines: `replacements(declaration, answer)` takes it out with the 323 beside it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Final

from producers.deliveries import WITHDRAWN_BY_ANSWER, Reading, Withdrawal
from producers.findings import CREDIT_REJECTED, Finding, Severity, Where
from producers.istandaard import (
    Header,
    Message,
    bsn_of,
    care_type_of,
    line_finding,
    missing,
    read_header,
    text,
    unit_of,
    whole,
)
from producers.istandaard_service import MAX_TOTAL, Service, is_credit, read_service, withdrawal
from producers.istandaard_xml import Block, blocks
from schemas.codes import ACCEPTED
from schemas.errors import Refused
from schemas.secrets import Bsn

_BLOCKS: Final = ("Header", "DeclaratieNummer", "TotaalToegekendBedrag", "Bsn", "Prestatie", "Client", "RetourCodes")
_REPEATABLE: Final = frozenset(
    {"Identificatie", "Dagtekening", "BasisschemaXsdVersie", "BerichtXsdVersie", "RetourCode"}
)
_NO_REJECTION: Final = frozenset({ACCEPTED, "0233", "8001"})
"""Of a header or a whole declaration: no remark, not judged, fully granted (WJ001)."""


@dataclass(slots=True)
class _Answer:
    """What has been read so far."""

    message: Message
    header: Header | None = None
    number: str | None = None
    granted: int | None = None
    subject: Bsn | Refused | None = None
    codes: dict[str, list[str]] = field(default_factory=dict)
    whole_codes: list[str] = field(default_factory=list)
    of_client: list[tuple[Service, list[str]]] = field(default_factory=list)
    services: int = 0
    items: list[Withdrawal] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def take(self, block: Block) -> None:
        """One element, in the order of the message; return codes come before the end of what they are about."""
        match block.name:
            case "Header":
                first = {name: found[0] for name, found in block.repeated.items()}
                self.header = read_header(first | block.fields, self.message, where=block.where)
            case "DeclaratieNummer":
                self.number = text(block.fields, "DeclaratieNummer", most=12, where=block.where)
            case "TotaalToegekendBedrag":
                is_credit(block.fields, where=block.where)
                self.granted = whole(block.fields, "TotaalBedrag", where=block.where, most=MAX_TOTAL)
            case "Bsn":
                self.subject = bsn_of(block.fields, where=block.where)
            case "RetourCodes":
                self._take_codes(block)
            case "Prestatie":
                self.services += 1
                self.of_client.append((read_service(block), self.codes.pop("Prestatie", [])))
            case _:
                self._close_client()

    def _take_codes(self, block: Block) -> None:
        found = block.repeated.get("RetourCode", [])
        if not found or not all(len(c) == 4 and c.isalnum() for c in found):
            missing("RetourCode", where=block.where)
        if block.parent in ("Header", "DeclaratieAntwoord"):
            self.whole_codes += found
        else:
            self.codes[block.parent] = found

    def _close_client(self) -> None:
        client_codes = self.codes.pop("Client", [])
        for service, codes in self.of_client:
            if not codes or not client_codes:
                missing("RetourCodes", where=service.where)
            if all(code == ACCEPTED for code in (*codes, *client_codes)):
                continue
            if service.is_credit:
                self.findings.append(replace(CREDIT_REJECTED, where=service.where))
                continue
            self._withdraw(service)
        self.of_client.clear()
        self.subject = None

    def _withdraw(self, service: Service) -> None:
        subject = self.subject
        if subject is None or self.header is None:
            missing("Bsn" if subject is None else "Header", where=service.where)
        try:
            if isinstance(subject, Refused):
                raise subject
            item = withdrawal(
                service, bsn=subject, care_type=care_type_of(self.message.law, service.category),
                unit=unit_of(service.unit_code), payer=self.header.gemeente, reference=f"{WITHDRAWN_BY_ANSWER}{service.reference}",
                withdrawn=service.reference,
            )  # fmt: skip
        except Refused as refused:
            self.findings.append(line_finding(refused, service.where))
        else:
            self.items.append(item)
            self.lines.append(service.where.line or 0)

    @property
    def rejects_all(self) -> bool:
        """Whether the declaration was rejected as a whole (TR342): then nothing is granted and no line is named."""
        return not self.services and not self.granted and any(c not in _NO_REJECTION for c in self.whole_codes)


def read_325(data: bytes, *, message: Message, source: str, today: dt.date) -> Reading:
    """Read an answer: withdrawals of what was rejected (own reference: `325|` + that of the debit). Raises `FileRefused`."""
    del today  # an old line may always be taken out
    answer = _Answer(message)
    for block in blocks(data, _BLOCKS, repeatable=_REPEATABLE):
        answer.take(block)
    if answer.header is None or not answer.whole_codes:
        missing("Header of RetourCodes", where=Where())
    if answer.rejects_all:
        answer.findings.append(Finding(
            "answer-whole", Severity.MESSAGE, Where(),
            "Publiceer dit bericht met --replaces en de declaratie ervoor: dan worden al haar regels ingetrokken.",
            "Publish this message with --replaces and the declaration before it: then all its lines are withdrawn.",
        ))  # fmt: skip
    return Reading(
        source=source, format=message.format, items=tuple(answer.items), lines=tuple(answer.lines),
        findings=tuple(answer.findings), sender=answer.header.sender, receiver=answer.header.receiver,
        declaration=answer.number,
    )  # fmt: skip
