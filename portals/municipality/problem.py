"""What the API and the downloads say when they can't give what was asked (RFC 9457): a sentence that says what to do, and nothing of what was typed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from fastapi.responses import PlainTextResponse, Response

MEDIA_TYPE: Final = "application/problem+json"
PROBLEMS: Final[dict[str, tuple[int, str, str, str]]] = {
    "unknown-value": (422, "Unknown value", "De waarde van {name} kan hier niet. {hint}", "The value of {name} is not possible here. {hint}"),
    "unknown-parameter": (422, "Unknown parameter", "Een van de parameters is hier onbekend of staat er twee keer. {hint}",
                          "A parameter is unknown here, or given twice. {hint}"),
    "unknown-address": (404, "Not found", "Dit adres is er niet. {hint}", "There is no such address. {hint}"),
    "no-figure": (404, "No such figure", "Dit gebied heeft geen cijfer van deze groep en dit zorgjaar in deze momentopname. {hint}",
                  "This area has no figure of this group and service year in this snapshot. {hint}"),
    "nothing-released": (404, "Nothing released", "Er is nog geen maand afgesloten. {hint}", "No month is closed yet. {hint}"),
    "too-long": (414, "Address too long", "Het adres is te lang. {hint}", "The address is too long. {hint}"),
    "method": (405, "Only reading", "Hier kan alleen gelezen worden, met GET. {hint}", "This can only be read, with GET. {hint}"),
    "reading": (503, "Still reading", "De cijfers worden nog gelezen; probeer het over een halve minuut weer. {hint}",
                "The figures are still being read; try again in half a minute. {hint}"),
}  # fmt: skip
"""Kind -> status, title, sentence in Dutch and in English."""
HINTS: Final = {
    "nl": "Wat wel kan: {allowed}.", "en": "Possible: {allowed}.",
}  # fmt: skip
_NAMED_AT_MOST: Final = 60


class Problem(Exception):  # noqa: N818 - the standard's word
    """Something asked that can't be given."""

    def __init__(self, kind: str, lang: str, *, name: str = "", allowed: Sequence[str] = (), see: str = "") -> None:
        """`name`: which parameter; `allowed`: what may be asked instead, or `see`: the address that lists it."""
        self.status, self.title, *sentences = PROBLEMS[kind]
        self.kind, self.allowed, self.see = kind, list(allowed[:_NAMED_AT_MOST]), see
        shown = see or ", ".join(self.allowed)
        hint = HINTS[lang].format(allowed=shown) if shown else ""
        self.detail = sentences[lang == "en"].format(name=name, hint=hint).strip()
        super().__init__(self.detail)

    def as_json(self) -> Response:
        """For programs."""
        body: dict[str, object] = {
            "type": f"/api/v1#{self.kind}", "title": self.title, "status": self.status, "detail": self.detail,
        }  # fmt: skip
        body |= {"allowed": self.allowed} if self.allowed else {}
        body |= {"see": self.see} if self.see else {}
        return Response(json.dumps(body, ensure_ascii=False), self.status, self._headers(), media_type=MEDIA_TYPE)

    def as_text(self) -> Response:
        """For people: the sentence."""
        return PlainTextResponse(self.detail, self.status, self._headers())

    def _headers(self) -> Mapping[str, str]:
        extra = {"reading": {"Retry-After": "30"}, "method": {"Allow": "GET"}}
        return {"Cache-Control": "no-store"} | extra.get(self.kind, {})
