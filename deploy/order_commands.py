"""`zorgstroom operator order ...`: what two operators allow the keyvault together, each with a key of their own."""

from __future__ import annotations

import datetime as dt
import re
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from deploy.awake import awake
from deploy.commands_frame import DataOption, YesOption, out, plainly, zone_of
from deploy.key_register import pseudonym_key_entry
from deploy.operator_keys import renew_operator
from deploy.scraped import Scraped
from deploy.zone import Zone
from schemas import topics
from schemas.errors import SettingsWrong, Unavailable
from schemas.orders import TURN, Order, add_signature, read_order, signed_order
from schemas.secret_file import write_private
from schemas.secrets import SigningKey

app = typer.Typer(no_args_is_help=True, help="What two operators allow the keyvault: made, signed by both, placed.")
File = Annotated[Path, typer.Argument(help="Order file.")]
Why = Annotated[str, typer.Option("--why", help="In plain words.")]
Target = Annotated[Path, typer.Option("--out", help="Order file to write.")]
Days = Annotated[int, typer.Option("--days", min=1, help="How many days it holds, today included.")]


@app.command("admit-operator")
@plainly
def admit_operator(
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens, e.g. anne.")],
    data: DataOption = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="Put a new key in the place of the one there is; typed twice is once.")
    ] = False,
) -> None:
    """Make the key with which an operator signs orders. The keyvault knows it from its next start on."""
    zone = zone_of(data)
    if re.fullmatch(r"[a-z0-9-]{1,40}", name) is None:
        msg = "An operator's name has small letters, digits and hyphens."
        raise SettingsWrong(msg)
    if renew:
        done = renew_operator(zone.folder, name)
        out.print(
            f"{name} has a new key. Once the keyvault was started again, orders signed with the old one alone count no more: sign those anew."
            if done
            else f"{name} has a new key already, of which the keyvault was not told yet."
        )
    made = zone.folder.admit_operator(name)
    out.print(f"{name}: {made}" if made.exists() else f"{name} has a key, which is not on this machine; --renew makes another one.")  # fmt: skip
    out.print(
        "Give the key to its operator and take it out of this machine; start the zone again, so that the keyvault knows it."
    )


@app.command("first-load")
@plainly
def first_load(
    number: Annotated[int, typer.Option("--number", min=1, help="How many persons may be new beyond the daily limit.")],
    why: Why,
    target: Target,
    days: Days = 31,
) -> None:
    """Write an order that allows a first load of persons, not signed yet."""
    _write(target, Order.first_load(number=number, until=_last_day(days), why=why))


@app.command()
@plainly
def turn(
    why: Why,
    target: Target,
    number: Annotated[
        int | None, typer.Option("--number", min=1, help="How many elements there are; without it intake is asked.")
    ] = None,
    days: Days = 7,
    data: DataOption = None,
) -> None:
    """Write an order that ends the pseudonym key in use and turns all elements to a new one, not signed yet."""
    zone = zone_of(data)
    with awake(zone, kafka=True, vault=True):
        vault = zone.vault(topics.OPERATOR)
        try:
            key_id = vault.public_key("voprf").key_id
        finally:
            vault.close()
        counted = number or int(Scraped.of(zone.metrics_url("intake")).one("zorgstroom_pseudonym_elements"))
    _write(target, Order.turn(key_id=key_id, number=counted, until=_last_day(days), why=why))


@app.command()
@plainly
def sign(
    file: File,
    operator: Annotated[str, typer.Option("--as", help="Name of the operator.")],
    data: DataOption = None,
) -> None:
    """Sign an order as one operator, after reading what it says."""
    zone = zone_of(data)
    write_private(file, add_signature(_read(file), operator, operator_key(zone, operator)))
    out.print(f"Signed by {operator}: {read_order(_read(file)).said()}", markup=False)


@app.command()
@plainly
def place(
    file: File,
    data: DataOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it orders, and do nothing.")] = False,
    yes: YesOption = False,
) -> None:
    """Place an order at the keyvault; it needs the signatures of two different operators.

    Of an order to turn, the network's root signs the new key at once: intake turns to nothing else. Such an order is asked about first.
    """
    zone, order = zone_of(data), _read(file)
    said = read_order(order)
    if dry_run:
        out.print(f"Would be placed: {said.said()}. Nothing was done.", markup=False)
        return
    if said.kind == TURN and not yes:
        typer.confirm(f"{said.said()}: {said.key_id} is destroyed when all is turned. Place it?", abort=True)
    with awake(zone, kafka=True, vault=True):
        place_order(zone, order)
    if said.kind == TURN:
        out.print("Placed, and the new key is signed. Intake turns by itself: `zorgstroom operator order progress`.")
    else:
        out.print("Placed. Intake goes on by itself.")


@app.command()
@plainly
def progress(
    data: DataOption = None,
    minutes: Annotated[float, typer.Option("--minutes", help="How long to wait at most.")] = 60,
) -> None:
    """Follow the turn of the pseudonym key to its end: until the old one is destroyed."""
    url = zone_of(data).metrics_url("intake")
    deadline = time.monotonic() + 60 * minutes
    with Progress(console=out, disable=not out.is_terminal) as bar:
        task = bar.add_task("turned", total=None)
        while True:
            now = Scraped.of(url)
            turning, total = now.one("zorgstroom_pseudonym_turning"), now.one("zorgstroom_pseudonym_elements")
            bar.update(task, total=total, completed=now.one("zorgstroom_pseudonym_turned") if turning else total)
            if now.one("zorgstroom_pseudonym_turn_waits"):
                bar.console.print("The turn waits: intake's log says for what.")
            if not turning:
                break
            if time.monotonic() > deadline:
                msg = f"It is not done yet: {now.one('zorgstroom_pseudonym_turned'):.0f} of {total:.0f} elements are turned."
                raise Unavailable(msg)
            time.sleep(1)
    out.print(f"Nothing is being turned; {total:.0f} elements are under the key in use.")


def place_order(zone: Zone, order: bytes) -> None:
    """Place a signed order with the operator's certificate; of one to turn, have the root sign the new key.

    Raises `Refused` with the keyvault's reason.
    """
    vault = zone.vault(topics.OPERATOR, zone.certificate(topics.OPERATOR))
    try:
        vault.place_order(order)
        if read_order(order).kind == TURN:
            coming = vault.public_key("voprf/next")
            version = zone.folder.next_pseudonym_version(coming.key_id)
            zone.publish_directory([pseudonym_key_entry(coming.key_id, coming.key, version=version)])
    finally:
        vault.close()


def order_first_load(zone: Zone, number: int, *, why: str) -> None:
    """Make, sign and place an order for invented persons, with the keys of the zone's first two operators."""
    place_order(zone, signed_by_two(zone, Order.first_load(number=number, until=_last_day(31), why=why)))


def signed_by_two(zone: Zone, order: Order) -> bytes:
    """An order signed with the keys of the zone's first two operators, which are on this machine. Raises `SettingsWrong`."""
    signed = signed_order(order.encoded(), {})
    for name in sorted(zone.folder.operators())[:2]:
        signed = add_signature(signed, name, operator_key(zone, name))
    return signed


def operator_key(zone: Zone, name: str) -> SigningKey:
    """An operator's signing key on this machine. Raises `SettingsWrong`."""
    try:
        return SigningKey(zone.folder.operator_file(name).read_bytes())
    except (OSError, ValueError) as absent:
        msg = f"There is no key of an operator {name} here; make one with `zorgstroom operator order admit-operator {name}`."
        raise SettingsWrong(msg) from absent


def _last_day(days: int) -> dt.date:
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=min(days, 10_000) - 1)


def _write(target: Path, order: Order) -> None:
    target.write_bytes(signed_order(order.encoded(), {}))
    out.print(f"{target}: {order.said()}. Now two operators sign it.", markup=False)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as absent:
        msg = f"{file} can't be read."
        raise SettingsWrong(msg) from absent
