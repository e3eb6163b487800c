"""`zorgstroom family ...`: a member of a family reads the own card and who looked at it, and says what is not right.

With the member's own mandate and the key handed over at the counter; Dutch by default, in plain words.
"""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from confluent_kafka import KafkaException, Producer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from deploy.card_view import keep_heads, newest, show_card, subscriber_of
from deploy.commands_frame import EXIT_REFUSED, DataOption, out, plainly, zone_of
from deploy.key_register import KeyRegister
from keyvault.caller_signature import sign_as_caller
from keyvault.vault import OWN_LOG_LINES
from producers.command_frame import Chosen, say
from schemas import codec
from schemas.codes import REASONS as CODES
from schemas.codes import sentence
from schemas.errors import SettingsWrong, Unavailable
from schemas.geography import gemeente_code
from schemas.mandate_rules import MandateRules
from schemas.reidentification import REASONS as WHO_REASONS
from schemas.remarks import DOMAIN, REASONS, TOPIC, Remark

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
Member = Annotated[
    str, typer.Argument(help="Naam in het certificaat, bijv. family-gm9901-1a2b3c4d. / Name in the certificate.")
]
Handle = Annotated[str | None, typer.Option("--handle", help="Handgreep van het mandaat. / Handle of the mandate.")]
_SECONDS: Final = 10


@app.callback()
def options(lang: Annotated[str, typer.Option("--lang", help="nl of en.")] = "nl") -> None:
    """I want to see what is known of me, and who looked; Dutch by default."""
    if lang not in ("nl", "en"):
        raise typer.BadParameter("nl of en / nl or en")
    Chosen.lang = lang


@app.command()
@plainly
def card(member: Member, data: DataOption = None, handle: Handle = None) -> None:
    """Uw eigen kaart: wat er aan zorg geleverd is. / Your own card: what care was delivered."""
    if not show_card(subscriber_of(data, member, handle), numbered=True):
        raise typer.Exit(EXIT_REFUSED)


@app.command()
@plainly
def log(
    member: Member,
    data: DataOption = None,
    handle: Handle = None,
    before: Annotated[
        str, typer.Option("--before", help="Alleen van voor deze dag, JJJJ-MM-DD. / Only of before this day.")
    ] = "",
) -> None:
    """Wie keek, wanneer en waarom; het nieuwste boven. / Who looked, when and why; newest first."""
    until = _moment(before)
    zone, subscriber = zone_of(data), subscriber_of(data, member, handle)
    try:
        subscriber.catch_up(seconds=2 * _SECONDS)
        lines = subscriber.own_log(before_ms=until)
    finally:
        subscriber.close()
    if lines is None:
        out.print(say("Onder dit mandaat is er geen kaart.", "There is no card under this mandate."))
        raise typer.Exit(EXIT_REFUSED)
    keep_heads(subscriber)
    for line in lines:
        out.print(told(line, zone.mandate_rules(), member=member), markup=False)
    if len(lines) >= OWN_LOG_LINES:
        oldest = dt.datetime.fromtimestamp(lines[-1]["at_ms"] / 1000, dt.UTC).astimezone().date() + dt.timedelta(days=1)
        out.print(
            say(
                f"Dit zijn {len(lines)} regels; wat ouder is ziet u met --before {oldest}.",
                f"These are {len(lines)} lines; what is older you see with --before {oldest}.",
            )
        )


def _moment(day: str) -> int:
    """The beginning of a day here, in ms since 1970; 0 for none. Raises `SettingsWrong`."""
    if not day:
        return 0
    try:
        return int(dt.datetime.combine(dt.date.fromisoformat(day), dt.time()).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError) as wrong:
        raise SettingsWrong(say("Een dag is JJJJ-MM-DD.", "A day is YYYY-MM-DD.")) from wrong


def told(line: dict[str, Any], rules: MandateRules, *, member: str) -> str:
    """One line of the log in plain words: when, who (role and organisation), what, why, and whether it was refused."""
    when = dt.datetime.fromtimestamp(line["at_ms"] / 1000, dt.UTC).astimezone()
    what = {
        "look": say("bekeek de kaart", "looked at the card"), "log": say("las dit logboek", "read this log"),
        "withdraw": say("trok het mandaat in", "withdrew the mandate"),
        "name-ask": say("vroeg wie u bent", "asked who you are"),
        "name-approve": say("stemde ermee in na te gaan wie u bent", "agreed that it is found out who you are"),
        "name-open": say("kreeg uw verzegelde BSN", "was given your sealed BSN"),
        "name-part": say("gaf een deel om het te openen", "gave a part to open it"),
        "name-end": say("zag uw BSN", "saw your BSN"),
    }.get(line["action"], line["action"])  # fmt: skip
    why = ""
    if line["purpose"]:
        known = next(((p.dutch, p.english) for p in rules.purposes if p.code == line["purpose"]), None)
        known = known or (WHO_REASONS.get(line["purpose"]) if line["action"].startswith("name-") else None)
        words = say(*known) if known else line["purpose"]
        why = say(f", om: {words} ({line['ground']})", f", for: {words} ({line['ground']})")
    elif line["action"] == "look":
        why = say(
            ", onder een mandaat voor een ander gezinslid", ", under a mandate about another member of the household"
        )
    refused = ""
    if line["result"] != "given":
        reason = sentence(line["result"], lang=Chosen.lang) if line["result"] in CODES else line["result"]
        refused = say(f" - geweigerd: {reason}", f" - refused: {reason}")
    return f"{when:%d-%m-%Y %H:%M:%S}  {_who(line, member)} {what}{why}{refused}"


def _who(line: dict[str, Any], member: str) -> str:
    name, organisation = line["who"], gemeente_code(line["municipality"]) if line["municipality"] else ""
    if name == member:
        return say("U", "You")
    role = {
        "caseworker": say("Een medewerker", "A caseworker"), "family": say("Een gezinslid", "A member of the family"),
        "officer": say("Een functionaris", "An officer"),
    }.get(name.split("-")[0])  # fmt: skip
    if role is None:
        return str(name)
    if not organisation:
        return f"{role} ({name})"
    return say(f"{role} van gemeente {organisation} ({name})", f"{role} of municipality {organisation} ({name})")


@app.command()
@plainly
def says(
    member: Member,
    line: Annotated[
        int, typer.Option("--line", min=1, help="Nummer van de regel op uw kaart. / Number of the line on your card.")
    ],
    reason: Annotated[str, typer.Option("--reason", help=f"{', '.join(REASONS)}.")],
    data: DataOption = None,
    handle: Handle = None,
) -> None:
    """Zeg dat een regel niet klopt; de aanbieder krijgt er bericht van. / Say that a line is not right; its provider is told."""
    if reason not in REASONS:
        raise SettingsWrong(say(f"Kies als reden: {', '.join(REASONS)}.", f"Choose as reason: {', '.join(REASONS)}."))
    subscriber = subscriber_of(data, member, handle)
    try:
        seen = newest(subscriber)
    finally:
        subscriber.close()
    if seen is None or line > len(seen.lines):
        out.print(say("Die regel staat niet op uw kaart.", "That line is not on your card."))
        raise typer.Exit(EXIT_REFUSED)
    keep_heads(subscriber)
    meant = seen.lines[line - 1]
    if meant["member"] != seen.fields["subject"]:
        raise SettingsWrong(
            say("Deze regel gaat over een ander gezinslid; alleen wie het aangaat kan zeggen dat hij niet klopt.",
                "This line is about another member of the household; only that member can say that it is not right.")
        )  # fmt: skip
    if not meant["count"]:
        raise SettingsWrong(
            say("Op deze regel is nog niets geleverd; er is geen aanbieder die er iets over gestuurd heeft.",
                "Nothing was delivered on this line yet; no provider sent anything about it.")
        )  # fmt: skip
    remark = Remark(
        subscriber.handle, meant["provider"], meant["care_type"], meant["first_month"], meant["last_month"], reason,
        int(time.time() * 1000),
    )  # fmt: skip
    _publish(data, member, remark)
    out.print(
        say(
            f"Aanbieder {meant['provider']:08d} krijgt bericht over regel {line}: {REASONS[reason][0]}",
            f"Provider {meant['provider']:08d} is told about line {line}: {REASONS[reason][1]}",
        ),
        markup=False,
    )


def _publish(data: Path | None, member: str, remark: Remark) -> None:
    zone = zone_of(data)
    files = zone.reader_certificate(member)
    key = KeyRegister.of(zone.folder).current("ledger", "content").entry()
    sealed = remark.sealed_to(key.public_key)
    body = codec.encode(
        "signed_remark",
        {"key_id": key.key_id, "sealed": sealed, "signature": sign_as_caller(files.key.read_bytes(), DOMAIN + sealed),
         "certificate": x509.load_pem_x509_certificate(files.cert.read_bytes()).public_bytes(Encoding.DER)},
    )  # fmt: skip
    acknowledged: list[bool] = []
    try:
        producer = Producer(
            {**zone.kafka.client(files), "acks": "all", "message.timeout.ms": _SECONDS * 1000, "log_level": 0}
        )
        producer.produce(TOPIC, body, partition=0, on_delivery=lambda error, _: acknowledged.append(error is None))
        producer.flush(_SECONDS + 2)
    except KafkaException:
        acknowledged.append(False)
    if acknowledged != [True]:
        raise Unavailable(
            say("Kafka is niet bereikbaar; probeer het straks opnieuw.", "Kafka is away; try again later.")
        )
