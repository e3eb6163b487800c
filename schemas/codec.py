"""Avro bytes that say what they are: single-object encoding (Avro 1.11, marker C3 01 and the schema's CRC-64 fingerprint).

What is stored names an Avro record and version, never a Python class. Schemas are the files in `schemas/avro`.
"""

from __future__ import annotations

import io
import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from schemas.errors import Refused

MARKER: Final = b"\xc3\x01"
Datum = dict[str, Any]


@cache
def schema_names() -> tuple[str, ...]:
    """Names of all schema files, without `.avsc`, sorted."""
    folder = files("schemas").joinpath("avro")
    return tuple(sorted(f.name.removesuffix(".avsc") for f in folder.iterdir() if f.name.endswith(".avsc")))


@cache
def raw_schema(name: str) -> Datum:
    """The schema file `name` as JSON. Raises `KeyError` where there is none."""
    if name not in schema_names():
        raise KeyError(name)
    text = files("schemas").joinpath("avro", f"{name}.avsc").read_text("utf-8")
    loaded: Datum = json.loads(text)
    return loaded


@cache
def schema(name: str) -> Datum:
    """The parsed schema `name`."""
    parsed: Datum = parse_schema(raw_schema(name))
    return parsed


@cache
def schema_fingerprint(name: str) -> bytes:
    """The 8 bytes that name this schema on the wire (CRC-64-AVRO of its canonical form, little-endian)."""
    digest = fingerprint(to_parsing_canonical_form(raw_schema(name)), "CRC-64-AVRO")
    return bytes.fromhex(digest)


@cache
def _by_fingerprint() -> dict[bytes, str]:
    return {schema_fingerprint(name): name for name in schema_names()}


def encode(name: str, datum: Datum) -> bytes:
    """Encode `datum` as record `name` with marker and fingerprint. Raises `ValueError`/`TypeError` for a wrong datum."""
    out = io.BytesIO()
    out.write(MARKER)
    out.write(schema_fingerprint(name))
    fastavro.schemaless_writer(out, schema(name), datum)
    return out.getvalue()


def name_of(data: bytes) -> str:
    """Tell which record `data` is. Raises `Refused` (`unreadable` or `schema`)."""
    if len(data) < 10 or data[:2] != MARKER:
        raise Refused("unreadable", "Not an Avro single object.")
    name = _by_fingerprint().get(data[2:10])
    if name is None:
        raise Refused("schema", "Unknown schema; update the software.")
    return name


def decode(name: str, data: bytes) -> Datum:
    """Decode `data`, which must be exactly one record `name`. Raises `Refused` (`unreadable`, `schema`)."""
    found = name_of(data)
    if found != name:
        raise Refused("schema", f"Expected {name}, found {found}.")
    stream = io.BytesIO(data)
    stream.seek(10)
    try:
        datum: Datum = fastavro.schemaless_reader(stream, schema(name), None)
    except Exception as broken:  # fastavro raises many kinds for broken bytes; all mean the same to the reader
        raise Refused("unreadable", f"Broken bytes in a {name}.") from broken
    if stream.tell() != len(data):
        raise Refused("unreadable", f"Bytes left over after a {name}.")
    return datum
