"""One record of every schema as bytes that never change: what is stored today must be read in ten years."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas import codec
from schemas.sealing import sha256

GOLDEN = Path(__file__).parent.parent / "vectors" / "golden_records.txt"
"""Lines of `name hex`. A new schema adds its line; no line ever changes."""


def a_datum(schema: Any, path: str, named: dict[str, Any]) -> Any:  # noqa: C901 - one case per Avro type
    """A value of a schema that depends only on where in the record it stands."""
    match schema:
        case str() if schema in named:
            return a_datum(named[schema], path, named)
        case list():
            return a_datum(schema[-1], path, named)
        case {"type": "record", "fields": fields, "name": name}:
            named[name] = named[f"nl.zorgstroom.v1.{name}"] = schema
            return {f["name"]: a_datum(f["type"], f"{path}/{f['name']}", named) for f in fields}
        case {"type": "array", "items": items}:
            return [a_datum(items, f"{path}[{i}]", named) for i in range(2)]
        case {"type": "fixed", "size": size, "name": name}:
            for full in (name, f"{schema.get('namespace', 'nl.zorgstroom')}.{name}", f"nl.zorgstroom.v1.{name}"):
                named[full] = schema
            return (sha256(path.encode()) * 4)[:size]
        case {"type": "enum", "symbols": symbols}:
            return symbols[len(path) % len(symbols)]
        case {"type": inner}:
            return a_datum(inner, path, named)
        case "string":
            return f"é {path}"
        case "bytes":
            return sha256(path.encode())[: 1 + len(path) % 31]
        case "boolean":
            return len(path) % 2 == 0
        case "int" | "long":
            return int.from_bytes(sha256(path.encode())[:3], "big") - 2**23
        case "null":
            return None
    raise AssertionError(schema)


def lines() -> dict[str, bytes]:
    return {name: bytes.fromhex(data) for name, data in (x.split() for x in GOLDEN.read_text().splitlines())}


def test_every_schema_has_its_line() -> None:
    assert sorted(lines()) == list(codec.schema_names())


@pytest.mark.parametrize("name", codec.schema_names())
def test_todays_code_reads_and_writes_those_bytes(name: str) -> None:
    datum = a_datum(codec.raw_schema(name), name, {})
    assert codec.decode(name, lines()[name]) == datum
    assert codec.encode(name, datum) == lines()[name]
