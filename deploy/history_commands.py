"""`zorgstroom municipality verify` and `released`: check and write out everything that was ever released, with the municipality's own certificate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from deploy.awake import awake
from deploy.commands_frame import EXIT_REFUSED, DataOption, err, gemeente_in, out, plainly, zone_of
from deploy.released_files import check_free, write
from deploy.released_topics import OnTopics, read_topics
from deploy.zone import Zone
from projections.release.history import TopicHistory, across, checked, ends_with
from schemas.directory import Directory, KeysAt
from schemas.directory_follower import ROLE_KEYS
from schemas.errors import Refused, SettingsWrong
from schemas.roots import Roots
from streams.release_topics import records_since


@plainly
def verify(
    gemeente: Annotated[str | None, typer.Argument(help="GM and four digits (default: all of the zone).")] = None,
    root: Annotated[Path | None, typer.Option("--root", help="Public root keys to trust, of `zorgstroom operator keys public-root` (default: those the zone is pinned to).")] = None,
    release_key: Annotated[list[str], typer.Option("--release-key", help="Instead of a root: a public key of release, 64 hexadecimal digits; repeat for more.")] = [],  # noqa: B006 - typer's way to say: none
    data: DataOption = None,
) -> None:  # fmt: skip
    """Check every record ever released: signed, none changed, deleted, repeated or out of order, no figure restated, no closed year touched."""
    zone, faults = zone_of(data), []
    named = _named_keys(release_key)
    roots = zone.roots.pinned if root is None else _roots(root)
    with awake(zone, kafka=True):
        for municipality in _municipalities(zone, gemeente):
            keys = named or _keys_of(zone, municipality, roots)
            histories = _histories(read_topics(zone, municipality), keys)
            faults += [f for h in histories for f in h.faults] + across(*histories)
            for history in histories:
                out.print(ends_with(history), markup=False, soft_wrap=True)
    for fault in faults:
        out.print(fault, style="red", markup=False, soft_wrap=True)
    if faults:
        out.print(
            "What was released is not what lies there now: keep a copy of both topics, and call whoever supervises the zone."
        )
        raise typer.Exit(EXIT_REFUSED)
    out.print(
        "Everything lies there as it was released. What was cut off behind the last record can't be seen: compare the ends above with another reader's."
    )


@plainly
def released(
    target: Annotated[Path, typer.Option("--out", help="New or empty folder to write into.")], data: DataOption = None
) -> None:
    """Write everything that was ever released, as a reader of the topics gets it: cells, areas, streets, groups, and each record's manifest."""
    check_free(target)
    zone = zone_of(data)
    histories: list[TopicHistory] = []
    with awake(zone, kafka=True):
        for municipality in zone.folder.settings()["municipalities"]:
            keys = _keys_of(zone, municipality, zone.roots.pinned)
            histories += _histories(read_topics(zone, municipality), keys)
    count = write(target, histories)
    out.print(f"{target}: {count} rows of cells, {sum(len(h.epochs) for h in histories)} manifests.", markup=False)
    if any(h.faults for h in histories):
        err.print("The topics are not as they were released; `zorgstroom municipality verify` says what is wrong.")


def _municipalities(zone: Zone, gemeente: str | None) -> list[int]:
    of_zone: list[int] = zone.folder.settings()["municipalities"]
    return of_zone if gemeente is None else [gemeente_in(zone, gemeente)]


def _histories(read: OnTopics, keys: KeysAt) -> tuple[TopicHistory, TopicHistory]:
    macro, meso = (checked(topic, ((r.value, r.appended_ms) for r in found), keys) for topic, found in read.by_topic())
    return macro, meso


def _named_keys(release_key: list[str]) -> KeysAt | None:
    """Keys typed on the command line, which count for all time; None where there are none. Raises `SettingsWrong`."""
    try:
        keys = [bytes.fromhex(k) for k in release_key]
    except ValueError:
        keys = [b""]
    if any(len(k) != 32 for k in keys):
        msg = "A public key of release is 64 hexadecimal digits."
        raise SettingsWrong(msg)
    return (lambda _: keys) if keys else None


def _roots(file: Path) -> Roots:
    try:
        return Roots.of(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        msg = f"{file} holds no public root keys; `zorgstroom operator keys public-root --out FILE` writes them."
        raise SettingsWrong(msg) from wrong


def _keys_of(zone: Zone, municipality: int, roots: Roots) -> KeysAt:
    """What proves that release signed, by the root alone: its keys as the root signed them, read as any reader does."""
    name, directory = f"gm{municipality:04d}", Directory(roots)
    settings = zone.kafka.client(zone.reader_certificate(name)) | {"log_level": 0, "group.id": f"{name}.keys"}
    for record in records_since(settings, ROLE_KEYS):
        try:
            directory.take(record.value)
        except Refused:
            continue  # what the root did not sign counts for nothing
    if not directory.signing_entries("release"):
        raise Refused(
            "unknown-key",
            "These root keys signed no key of release: the file is of another network, or the zone never ran.",
        )
    return lambda appended_ms: directory.proves("release", appended_ms)
