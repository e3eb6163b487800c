"""`zorgstroom operator log ...`: read the access log, and prove that nothing was taken out of it. Reading it is a line in it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from confluent_kafka import Consumer, TopicPartition
from rich.progress import Progress

from deploy.awake import awake
from deploy.commands_frame import EXIT_REFUSED, DataOption, out, plainly, zone_of
from deploy.zone import Zone
from keyvault.access_log import TOPIC, ChainCheck
from schemas import codec, topics
from schemas.errors import Refused, SettingsWrong, Unavailable

app = typer.Typer(no_args_is_help=True, help="Read and verify the access log; reading it is logged.")
_SECONDS: Final = 20.0
HeadsOption = Annotated[
    list[Path],
    typer.Option(
        "--heads",
        help="Lines that were shown before (number and hash): of `zorgstroom provider log-heads`, or a reader's log-heads.txt; repeat for more.",
    ),
]


@app.command()
@plainly
def show(
    last: Annotated[int, typer.Option("--last", min=1, help="How many lines, the newest last.")] = 50,
    data: DataOption = None,
) -> None:
    """Who looked, when, under which mandate, and what was refused. This reading becomes a line itself."""
    zone = zone_of(data)
    with awake(zone, kafka=True, vault=True):
        vault = zone.vault(topics.OPERATOR, zone.certificate(topics.OPERATOR))
        lines = list(vault.log_lines())
        vault.close()
    for line in lines[-last:]:
        when = dt.datetime.fromtimestamp(line["at_ms"] / 1000, dt.UTC)
        mandate = (
            f" mandate {line['handle'].hex()[:8]} by {line['grantor']} for {line['purpose']} ({line['ground']})"
            if line["grantor"]
            else ""
        )
        out.print(
            f"{line['sequence']:>6} {when:%Y-%m-%d %H:%M:%S} {line['who']} from {line['source'] or '-'}: {line['action']} "
            f"[{line['sections']}]{mandate}, client {line['client'].hex()[:8]}: {line['result']}", markup=False,
        )  # fmt: skip


@app.command()
@plainly
def verify(heads: HeadsOption = [], data: DataOption = None) -> None:  # noqa: B006 - typer's way to say: none
    """Find any line that was removed, changed, added or put in another order, in the vault's table and on the topic."""
    zone, shown = zone_of(data), read_heads(heads)
    with awake(zone, kafka=True, vault=True), Progress(console=out, transient=True) as progress:
        task = progress.add_task("Reading the access log", total=None)
        vault = zone.vault(topics.OPERATOR, zone.certificate(topics.OPERATOR))
        table = ChainCheck(shown)
        hashes: dict[int, bytes] = {}
        for line in vault.log_lines():
            table.take([line])
            hashes[line["sequence"]] = line["hash"]
            progress.update(task, completed=len(hashes))
        vault.close()
        topic = ChainCheck(hashes)
        topic.take(on_topic(zone))
    faults = [f"table: {f}" for f in table.end()] + [f"topic: {f}" for f in topic.end()]
    for fault in faults:
        out.print(fault, style="red", markup=False)
    if faults:
        out.print("Keep what you have, stop the keyvault, and call whoever supervises it.")
        raise typer.Exit(EXIT_REFUSED)
    out.print(
        f"{table.last} lines, whole and in order, in the vault and on the topic; {len(shown)} lines shown before are among them."
    )
    out.print(f"Head: {table.last} {table.head.hex()}")


def read_heads(files: list[Path]) -> dict[int, bytes]:
    """Lines shown before: number -> hash. Raises `SettingsWrong`, also where two files show two lines under one number."""
    found: dict[int, set[bytes]] = defaultdict(set)
    for path in files:
        try:
            for text in path.read_text("utf-8").splitlines():
                if text.strip():
                    number, digest = text.split()
                    found[int(number)].add(bytes.fromhex(digest))
        except (OSError, ValueError) as wrong:
            msg = f"{path} can't be read: each line is a number and a hash of 64 hexadecimal digits."
            raise SettingsWrong(msg) from wrong
    forked = sorted(n for n, hashes in found.items() if len(hashes) > 1)
    if forked:
        msg = (
            f"Two different lines were shown under number {forked[0]}: the log was forked. Call whoever supervises it."
        )
        raise SettingsWrong(msg)
    return {number: next(iter(hashes)) for number, hashes in found.items()}


def on_topic(zone: Zone) -> Iterator[dict[str, Any]]:
    """Every record of the topic, in its order; one that is no record breaks the chain by its absence."""
    name = topics.OPERATOR
    settings = zone.kafka.client(zone.certificate(name)) | {
        "group.id": f"{name}.log", **topics.READ_ONCE, "enable.partition.eof": True, "log_level": 0,
    }  # fmt: skip
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    try:
        while True:
            first = consumer.poll(_SECONDS)  # a batch alone would wait for the batch to fill
            if first is None:
                msg = "Kafka does not answer in time."
                raise Unavailable(msg)
            for record in (first, *consumer.consume(1_000, 0)):
                if record.error() is not None:
                    if record.error().name() == "_PARTITION_EOF":
                        return
                    continue
                try:
                    yield codec.decode("access_record", record.value() or b"")
                except Refused:
                    continue
    finally:
        consumer.close()
