"""The figures as CSV: semicolons, UTF-8 with a byte order mark and CRLF, as a Dutch Excel opens it; or commas, for others."""

from __future__ import annotations

import csv
import io

from portals.municipality.exports.harmless import harmless
from portals.municipality.exports.snapshot import Snapshot
from portals.municipality.exports.table import Value, head, records


def csv_bytes(snapshot: Snapshot, lang: str, *, separator: str = ";") -> bytes:
    """All cells of a snapshot; the same bytes for the same snapshot. Amounts are whole euros without points or commas."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    writer.writerow(head(lang))
    writer.writerows([_written(value) for value in record] for record in records(snapshot, lang))
    return out.getvalue().encode("utf-8-sig")


def _written(value: Value) -> Value:
    return harmless(value) if isinstance(value, str) else value
