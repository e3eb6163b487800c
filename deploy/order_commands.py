"""`zorgstroom operator order ...`: leave for a first load of persons, signed by two operators, each with a key of their own."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated

import typer

from deploy.awake import awake
from deploy.commands_frame import DataOption, out, plainly, zone_of
from deploy.zone import Zone
from producers.profile import write_private
from schemas import codec, topics
from schemas.errors import SettingsWrong
from schemas.orders import EvaluationOrder, add_signature, signed_order
from schemas.secrets import SigningKey

app = typer.Typer(
    no_args_is_help=True, help="Leave for a first load of persons: made, signed by two operators, placed."
)
File = Annotated[Path, typer.Argument(help="Order file.")]


@app.command("admit-operator")
@plainly
def admit_operator(
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens, e.g. anne.")], data: DataOption = None
) -> None:
    """Make the key with which an operator signs orders. The keyvault knows it from its next start on."""
    zone = zone_of(data)
    if re.fullmatch(r"[a-z0-9-]{1,40}", name) is None:
        msg = "An operator's name has small letters, digits and hyphens."
        raise SettingsWrong(msg)
    made = zone.folder.admit_operator(name)
    out.print(f"{name}: {made}")
    out.print(
        "Give the key to its operator and take it out of this machine; start the zone again, so that the keyvault knows it."
    )


@app.command("first-load")
@plainly
def first_load(
    number: Annotated[int, typer.Option("--number", min=1, help="How many persons may be new beyond the daily limit.")],
    why: Annotated[str, typer.Option("--why", help="In plain words.")],
    target: Annotated[Path, typer.Option("--out", help="Order file to write.")],
    days: Annotated[int, typer.Option("--days", min=1, help="How many days it holds, today included.")] = 31,
) -> None:
    """Write an order, not signed yet."""
    until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=min(days, 10_000) - 1)
    order = EvaluationOrder.new(number=number, until=until, why=why)
    target.write_bytes(signed_order(order.encoded(), {}))
    out.print(f"{target}: {number} new persons until {until}, because: {why}. Now two operators sign it.", markup=False)


@app.command()
@plainly
def sign(
    file: File,
    operator: Annotated[str, typer.Option("--as", help="Name of the operator.")],
    data: DataOption = None,
) -> None:
    """Sign an order as one operator, after reading what it says."""
    zone = zone_of(data)
    fields = codec.decode("signed_order", _read(file))
    order = EvaluationOrder.decode(fields["order"])
    write_private(file, add_signature(_read(file), operator, operator_key(zone, operator)))
    out.print(
        f"Signed by {operator}: {order.number} new persons until {order.until}, because: {order.why}", markup=False
    )


@app.command()
@plainly
def place(file: File, data: DataOption = None) -> None:
    """Place an order at the keyvault; it needs the signatures of two different operators."""
    zone, order = zone_of(data), _read(file)
    with awake(zone, kafka=True, vault=True):
        place_order(zone, order)
    out.print("Placed. Intake goes on by itself.")


def place_order(zone: Zone, order: bytes) -> None:
    """Place a signed order with the operator's certificate. Raises `Refused` with the keyvault's reason."""
    vault = zone.vault(topics.OPERATOR, zone.certificate(topics.OPERATOR))
    try:
        vault.place_order(order)
    finally:
        vault.close()


def order_first_load(zone: Zone, number: int, *, why: str) -> None:
    """Make, sign and place an order for invented persons, with the keys of the zone's first two operators."""
    until = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)
    order = signed_order(EvaluationOrder.new(number=number, until=until, why=why).encoded(), {})
    for name in sorted(zone.folder.operators())[:2]:
        order = add_signature(order, name, operator_key(zone, name))
    place_order(zone, order)


def operator_key(zone: Zone, name: str) -> SigningKey:
    """An operator's signing key on this machine. Raises `SettingsWrong`."""
    try:
        return SigningKey(zone.folder.operator_file(name).read_bytes())
    except (OSError, ValueError) as absent:
        msg = f"There is no key of an operator {name} here; make one with `zorgstroom operator order admit-operator {name}`."
        raise SettingsWrong(msg) from absent


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as absent:
        msg = f"{file} can't be read."
        raise SettingsWrong(msg) from absent
