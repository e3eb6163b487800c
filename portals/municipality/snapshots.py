"""Released epochs as snapshots to export, each made once of the records as they stand on the topics now, and how an answer says that it did not change."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from fastapi.responses import Response

from portals.municipality.exports.shelf import Made
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.figures import Figures
from portals.municipality.problem import Problem
from portals.municipality.released import Released
from schemas.values import Month


class Snapshots:
    """What was released, by epoch. Safe for many threads."""

    def __init__(self, released: Released, ready: Callable[[], bool]) -> None:
        """`ready`: whether all that had been released when the page started has been read; before that nothing is given."""
        self._released, self._ready = released, ready
        self._known: dict[int, Snapshot] = {}

    def epochs(self, lang: str) -> list[str]:
        """Months, newest first. Raises `Problem` while not all was read, or nothing was released."""
        if not self._ready():
            raise Problem("reading", lang)
        epochs = self._released.epochs()
        if not epochs:
            raise Problem("nothing-released", lang)
        return [str(Month.from_index(e)) for e in reversed(epochs)]

    def newest(self) -> Figures | None:
        """The figures released last, None while there are none."""
        return self._released.newest()

    def of(self, month: str, lang: str, *, named: str = "epoch") -> Snapshot:
        """The snapshot of a month, the newest where none is given. `named`: what the address calls it. Raises `Problem`."""
        allowed = self.epochs(lang)
        if month and month not in allowed:
            raise Problem("unknown-value", lang, name=named, allowed=allowed)
        epoch = Month.parse(month or allowed[0]).index
        macro, meso = self._released.macro.epochs[epoch], self._released.meso.epochs.get(epoch)
        geography = self._released.geography(epoch)
        known = self._known.get(epoch)
        if known is None or not known.made_of(macro, meso, geography):
            known = self._known[epoch] = Snapshot(macro, meso, geography)
        return known


def sent(request: Request, made: Made, *, media_type: str, filename: str = "") -> Response:
    """The whole file, or 304 where the reader has it already. It may be kept by the reader, who asks each time whether it still stands."""
    headers = {"ETag": made.etag, "Cache-Control": "private, no-cache"}
    if filename:
        headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    asked = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if asked & {made.etag.removeprefix("W/"), "*"}:
        return Response(status_code=304, headers=headers)
    return Response(made.data, headers=headers, media_type=media_type)
