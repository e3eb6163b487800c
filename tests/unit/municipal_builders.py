"""Events of an invented municipality, signed as they stand on its topic; nobody in them exists."""

from __future__ import annotations

from typing import Any

from projections.municipal_events import Story, replay
from projections.municipal_topic import MunicipalReader
from schemas.directory import KeysAt
from schemas.municipal_events import Event, Kind, Pen, signed_event, told_keys, vouch_for_page
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey
from schemas.values import Month

GM = 9901
OWN, PAGE, OTHERS = SigningKey(b"m" * 32), SigningKey(b"p" * 32), SigningKey(b"o" * 32)
HOUR = 3_600_000
FROM, UNTIL = 1_000 * HOUR, 9_000 * HOUR
NOW, REVOKED = 2_000 * HOUR, 20_000 * HOUR
JANUARY, MARCH = Month(2025, 1).index, Month(2025, 3).index
ANNE, BRAM = ("anne", "Anne Voorbeeld"), ("bram", "Bram Voorbeeld")


def own_pen(number: int = GM, key: SigningKey = OWN) -> Pen:
    """The municipality's own key, as at its terminal."""
    return Pen(number, key)


def page_pen(number: int = GM, *, own: SigningKey = OWN, from_ms: int = FROM, until_ms: int = UNTIL) -> Pen:
    """The key of its page, vouched for by its own."""
    vouched = vouch_for_page(
        signing=own, public=verify_key_of(PAGE), municipality=number, from_ms=from_ms,
        until_ms=until_ms,
    )  # fmt: skip
    return Pen(number, PAGE, vouched)


def who(person: tuple[str, str] = ANNE, at_ms: int = NOW) -> dict[str, Any]:
    return {"municipality": GM, "at_ms": at_ms, "actor": person[0], "actor_name": person[1]}


def written(note: str = "n1", revision: int = 1, by: tuple[str, str] = ANNE, **other: Any) -> Event:
    """A note beside the Wmo figure of a buurt in the first quarter of 2025."""
    fields = {
        "note": note, "revision": revision, "area": "BU99010101", "group": "wmo", "first_month": JANUARY, "last_month": MARCH,
        "speaker": "policy", "consent": False, "audience": "council", "text": f"Tekst {revision}",
    }  # fmt: skip
    return Event(Kind.NOTE_WRITTEN, who(by) | fields | other)


def note_released(note: str = "n1", revision: int = 1, by: tuple[str, str] = BRAM, **other: Any) -> Event:
    return Event(Kind.NOTE_RELEASED, who(by) | {"note": note, "revision": revision} | other)


def withdrawn(note: str = "n1", by: tuple[str, str] = ANNE) -> Event:
    return Event(Kind.NOTE_WITHDRAWN, who(by) | {"note": note})


def marked(intervention: str = "i1", **other: Any) -> Event:
    fields = {"intervention": intervention, "area": "GM9901P", "group": "wmo", "day": 20_150, "what": "Wijkteam begint"}
    return Event(Kind.INTERVENTION_MARKED, who() | fields | other)


def frozen(baseline: str = "b1", **other: Any) -> Event:
    fields = {
        "baseline": baseline, "name": "Nulmeting", "service_year": 2025, "epoch": Month(2026, 3).index, "release_version": 15,
        "release_hash": b"r" * 32, "geometry_hash": b"g" * 32, "geometry_year": 2025, "parameters": "{}", "protection": "preliminary",
        "population_year": None, "providers": 7, "areas": [{"code": "BU99010101", "shape": b"s" * 8, "inhabitants": None}],
    }  # fmt: skip
    return Event(Kind.BASELINE_FROZEN, who() | fields | other)


def record(event: Event, pen: Pen | None = None) -> bytes:
    """The signed record of an event."""
    pen = pen or own_pen()
    return signed_event(event, signing=pen.signing, vouched=pen.vouched)


def keys(number: int = GM) -> KeysAt:
    """Own keys of one of two municipalities, the first's revoked at `REVOKED`."""
    mine = OWN if number == GM else OTHERS
    return told_keys([{"public": verify_key_of(mine).hex(), "revoked_at_ms": REVOKED}])


def reader(number: int = GM) -> MunicipalReader:
    return MunicipalReader({}, "test", number, keys(number))


def story(*events: Event) -> Story:
    return replay(events)
