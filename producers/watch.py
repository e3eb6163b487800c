"""The watched folder: each file that has stopped growing is checked and published, then moved with a plain-Dutch note beside it.

`verzonden/` holds what was sent, `geweigerd/` what was not; the note says what happened and what to do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from producers.checks import ProviderContext, check
from producers.deliveries import Reading
from producers.outbox import Receipt
from producers.publisher import Publisher
from producers.spreadsheet_references import complete_references
from schemas import codes

SENT, REFUSED = "verzonden", "geweigerd"
_STEADY_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 1.0
_RECEIPT_SECONDS: Final = 120.0


def pause() -> None:
    """Wait before the next look."""
    time.sleep(_PAUSE_SECONDS)


def sweep(folder: Path, publisher: Publisher, context: ProviderContext, *, lang: str = "nl") -> Iterator[str]:
    """Handle every steady file once, in name order; yields one line per file."""
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~"))):
        if path.suffix == ".txt" or time.time() - path.stat().st_mtime < _STEADY_SECONDS:
            continue
        reading = check(path, context)
        if reading.has_refusals:
            yield _move(path, folder / REFUSED, _refusal_text(reading, lang))
            continue
        before = len(publisher.receipts())
        publisher.publish_items(reading.items, file=path.name, lines=reading.lines)
        complete_references(path, reading, folder=_made(folder / SENT))
        done = publisher.wait(seconds=_RECEIPT_SECONDS)
        receipts = [r for r in publisher.receipts()[before:] if r.file == path.name]
        yield _move(path, folder / SENT, _sent_text(reading, receipts, done=done, lang=lang))


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _move(path: Path, target: Path, note: str) -> str:
    _made(target)
    place, number = target / path.name, 1
    while place.exists():
        number += 1
        place = target / f"{path.stem}-{number}{path.suffix}"
    path.rename(place)
    place.with_name(place.name + ".txt").write_text(note + "\n", "utf-8")
    return f"{path.name} -> {target.name}/"


def _refusal_text(reading: Reading, lang: str) -> str:
    head = "Er is niets van dit bestand verstuurd." if lang == "nl" else "Nothing of this file was sent."
    tail = (
        "Verbeter het bestand en zet het opnieuw in de map. Wilt u alleen het goede deel versturen: "
        "zorgstroom provider publish --accept-rest BESTAND"
        if lang == "nl"
        else "Correct the file and put it into the folder again. To send only the good part: zorgstroom provider publish --accept-rest FILE"
    )
    return "\n".join([head, "", *(f.text(lang=lang) for f in reading.findings), "", tail])


def _sent_text(reading: Reading, receipts: list[Receipt], *, done: bool, lang: str) -> str:
    dutch = lang == "nl"
    accepted, known = sum(r.accepted for r in receipts), sum(r.duplicates for r in receipts)
    lines = [
        f"{len(reading.items)} regels verstuurd, {accepted} verwerkt, {known} waren al bekend."
        if dutch else f"{len(reading.items)} lines sent, {accepted} applied, {known} were known."
    ]  # fmt: skip
    if not done:
        lines.append(
            "Nog niet alles is bevestigd; kijk later met: zorgstroom provider receipts"
            if dutch else "Not everything is confirmed yet; look later with: zorgstroom provider receipts"
        )  # fmt: skip
    for receipt in receipts:
        for refusal in receipt.refused:
            word = "Geweigerd" if dutch else "Refused"
            lines.append(f"{word}: {refusal.reference}: {codes.sentence(refusal.code, lang=lang)} [{refusal.code}]")
    return "\n".join(lines)
