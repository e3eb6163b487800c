"""The API's OpenAPI document, and answers held against what it says of them."""

from __future__ import annotations

import json
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from municipality_served import ask

DESCRIBED: dict[str, Any] = json.loads(ask("/api/v1/openapi.json").text)


def fits(answer: httpx.Response, path: str) -> dict[str, Any]:
    """The answer, checked against what the OpenAPI document says of its address and status."""
    told = DESCRIBED["paths"][path]["get"]["responses"][str(answer.status_code)]["content"]
    (media_type,) = told
    assert answer.headers["content-type"] == media_type
    schema = told[media_type]["schema"] | {"components": DESCRIBED["components"]}
    for named in DESCRIBED["components"]["schemas"].values():
        assert set(named["required"]) <= set(named["properties"])
    Draft202012Validator(schema).validate(answer.json())
    name = schema["$ref"].rpartition("/")[2]
    assert set(answer.json()) <= set(DESCRIBED["components"]["schemas"][name]["properties"])
    return answer.json()
