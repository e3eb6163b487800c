"""A household's card on a screen, for whoever has a mandate: caseworker or family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from deploy.commands_frame import out, zone_of
from keyvault.client import VaultClient
from producers.command_frame import Chosen, amount, say
from projections.subscribers import Card, HouseholdSubscriber
from schemas.care import CARE_TYPE_BY_CODE, UNITS
from schemas.certificates import check_not_expired
from schemas.errors import SettingsWrong
from schemas.geography import gemeente_number
from schemas.values import Month, day_of

_SECONDS: Final = 20.0


def subscriber_of(data: Path | None, reader: str, handle: str | None) -> HouseholdSubscriber:
    """A reader's subscriber on this machine, for the handle named or the one noted. Raises `SettingsWrong`."""
    zone = zone_of(data)
    folder = zone.folder.path / "readers" / reader
    if not (folder / "cert.pem").exists():
        msg = f"{reader} has no certificate in this zone; the municipality admits readers."
        raise SettingsWrong(msg)
    if handle is None:
        note = folder / "mandate.json"
        if not note.exists():
            msg = "Name the mandate with --handle; the municipality gave it to you."
            raise SettingsWrong(msg)
        handle = json.loads(note.read_text("utf-8"))["handle"]
    try:
        raw = bytes.fromhex(handle or "")
    except ValueError as wrong:
        msg = "A handle has 32 hexadecimal digits."
        raise SettingsWrong(msg) from wrong
    files = zone.reader_certificate(reader)
    check_not_expired(files.cert)
    municipality = gemeente_number(reader.split("-")[1][2:])
    return HouseholdSubscriber(
        zone.kafka.client(files) | {"log_level": 0}, f"{reader}.show", municipality, raw, zone.vault(reader, files)
    )


def newest(subscriber: HouseholdSubscriber) -> Card | None:
    """Read up to what is there now, and look; None where no record is there."""
    subscriber.catch_up(seconds=_SECONDS)
    return subscriber.look()


def keep_heads(subscriber: HouseholdSubscriber) -> None:
    """Write down the lines of the access log that were shown, beside the reader's certificate: whoever has them can tell a cut log."""
    vault = subscriber.vault
    if isinstance(vault, VaultClient) and vault.heads:
        path = vault.key_file.parent / "log-heads.txt"
        with path.open("a", encoding="utf-8") as kept:
            kept.writelines(f"{n} {h.hex()}\n" for n, h in sorted(vault.heads.items()))
        vault.heads.clear()


def show_card(subscriber: HouseholdSubscriber, *, numbered: bool = False) -> bool:
    """Look once and print the card, its lines numbered if wanted; False where there is none."""
    try:
        card = newest(subscriber)
    finally:
        subscriber.close()
    if card is None:
        out.print(
            say(
                "Onder dit mandaat is er geen kaart: het is ingetrokken of afgelopen, of er is nog niets geleverd.",
                "There is no card under this mandate: it was withdrawn, it has ended, or nothing was delivered yet.",
            )
        )
        return False
    keep_heads(subscriber)
    print_card(card, numbered=numbered)
    return True


def _volume(hundredths: int, unit: int) -> str:
    if hundredths <= 0:
        return "-"
    return amount(hundredths).rstrip("0").rstrip(".,") + (f" {UNITS[unit][Chosen.lang == 'en']}" if unit else "")


def print_card(card: Card, *, numbered: bool = False) -> None:
    """The card as a table, its lines numbered if wanted; the total is the sum of the lines above it."""
    fields: dict[str, Any] = card.fields
    known = day_of(fields["known_on"])
    month = Month.from_index(fields["epoch"])
    out.print(
        say(
            f"Huishoudkaart, zoals bekend op {known:%d-%m-%Y}; open maand {month}; {fields['members']} personen.",
            f"Household card, as known on {known}; open month {month}; {fields['members']} person(s).",
        )
    )
    heads = say(
        "Persoon|Geldstroom|Zorg|Aanbieder (AGB)|Geleverd|Toegewezen t/m nu|Maanden|Euro",
        "Person|Stream|Care|Provider (AGB)|Delivered|Granted so far|Months|Euros",
    ).split("|")
    first = [say("Regel", "Line")] if numbered else []
    table = Table(box=None, pad_edge=False)
    for head in [*first, *heads]:
        table.add_column(head, justify="right" if head == heads[-1] else "left")
    for number, line in enumerate(card.lines, 1):
        who = say("u", "you") if numbered and line["member"] == fields["subject"] else str(line["member"] or "*")
        table.add_row(*([str(number)] if numbered else []), who, *_cells(line))
    total = amount(sum(line["cents"] for line in card.lines))
    table.add_row(*([""] * (len(first) + len(heads) - 2)), say("Samen", "Total"), total, style="bold")
    out.print(table)
    if card.private:
        out.print(
            say(
                "Met dit mandaat ziet u ook wat de persoon om wie het gaat voor zich houdt (*: zonder andere diensten op deze kaart).",
                "This mandate also shows what the person it is about keeps private (*: without other services on this card).",
            )
        )
    if card.left_out:
        out.print(
            say(
                f"Op één kaart passen niet alle regels: de {card.left_out} oudste staan er niet op. Samen is de som van wat hier staat.",
                f"Not all lines fit on one card: the {card.left_out} oldest are left out. The total is the sum of what is shown.",
            )
        )
    out.print(
        say(
            "Diensten die iemand voor zich houdt staan niet op deze kaart.",
            "Services that a member keeps private are not on this card.",
        )
    )


def _cells(line: dict[str, Any]) -> list[str]:
    months = "-"
    if line["count"]:
        months = f"{Month.from_index(line['first_month'])} - {Month.from_index(line['last_month'])}"
    care = CARE_TYPE_BY_CODE[line["care_type"]]
    return [
        line["stream"], say(care.label, care.label_en), f"{line['provider']:08d}",
        _volume(line["volume"], line["unit"]), _volume(line["granted_volume"], line["unit"]), months, amount(line["cents"]),
    ]  # fmt: skip
