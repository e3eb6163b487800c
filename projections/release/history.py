"""Checks a whole released topic, from its first record on, with nothing but release's public keys: what is changed, missing, doubled or restated.

What was cut off behind the last record can't be seen in what is left; so a verification says with which record the history ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from projections.geometry.streets import street_cells_of
from projections.release.calendar import end_of
from projections.release.changes import changes_against, rules_of
from projections.release.signing import verified_payload
from schemas import codec, topics
from schemas.directory import KeysAt
from schemas.errors import Refused
from schemas.geography import gemeente_code
from schemas.sealing import sha256
from schemas.values import Month, day_number, day_of

_NOTHING: Final = bytes(32)
_MOST: Final = 5
"""Sentences about the figures of one record; the rest is counted."""


@dataclass(slots=True)
class TopicHistory:
    """One released topic, taken record by record in the order in which they lie there. `faults`: a sentence for each thing that is wrong."""

    topic: str
    release_keys: KeysAt
    faults: list[str] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    """Every `released_epoch` that release signed, as they lie; one that repeats another is left out."""
    hashes: list[bytes] = field(default_factory=list)
    """SHA-256 of the payload of each."""
    signatures: list[bytes] = field(default_factory=list)
    """Release's signature under each."""
    geographies: list[dict[str, Any]] = field(default_factory=list)
    records: int = 0
    last: bytes = _NOTHING
    """SHA-256 of the payload that lies last: what can be compared with another reader's."""
    _seen: dict[bytes, int] = field(default_factory=dict)
    _named: dict[bytes, int] = field(default_factory=dict)
    _geometry: bytes = b""

    def take(self, value: bytes, appended_ms: int) -> None:
        """Take in the next record and when Kafka took it in (ms since 1970)."""
        self.records += 1
        try:
            payload = verified_payload(self.release_keys(appended_ms), value)
            name = codec.name_of(payload)
            datum = codec.decode("published_geography" if name == "published_geography" else "released_epoch", payload)
        except Refused:
            self._fault("is not signed by release, or a byte of it was changed")
            return
        digest = sha256(payload)
        if self._is_elsewhere(datum):
            self._fault("belongs to another municipality or level")
        elif digest in self._seen:
            self._fault(f"repeats record {self._seen[digest]}")
        elif name == "published_geography":
            self._geometry = digest
            self.geographies.append(datum)
            self._follow(digest)
        else:
            self._take_epoch(datum)
            self.hashes.append(digest)
            self.signatures.append(codec.decode("signed_release", value)["signature"])
            self._follow(digest)

    def _follow(self, digest: bytes) -> None:
        self._seen[digest] = self.records
        self.last = digest

    def _fault(self, what: str) -> None:
        self.faults.append(f"Record {self.records} of {self.topic} {what}.")

    def _is_elsewhere(self, datum: dict[str, Any]) -> bool:
        municipality = datum["municipality"]
        both = {"macro": topics.macro_topic(municipality), "meso": topics.meso_topic(municipality)}
        return self.topic not in (both.values() if "level" not in datum else (both[datum["level"]],))

    def _take_epoch(self, datum: dict[str, Any]) -> None:
        unbroken = self._check_chain(datum)
        before = self.epochs[-1] if self.epochs else None
        version = 1 if before is None else before["version"] + 1
        if datum["version"] != version:
            missing = ": what comes between them is not there" if datum["version"] > version else ""
            self._fault(f"has version {datum['version']}, and {version} follows{missing}")
        self._check_month(datum, before)
        if datum["geometry_hash"] != self._geometry:
            self._fault("names other areas than those that lie before it")
        changes = list(changes_against(before, datum, self._areas(datum))) if unbroken else list(rules_of(datum))
        for change in changes[:_MOST]:
            self._fault(change)
        if len(changes) > _MOST:
            self._fault(f"has {len(changes) - _MOST} more faults of this kind")
        self.epochs.append(datum)

    def _areas(self, datum: dict[str, Any]) -> set[str]:
        """Codes of the areas that lie before a record, the placed whole and streets with figures of their own included."""
        newest = self.geographies[-1] if self.geographies else None
        codes = {a["code"] for a in newest["areas"]} | set(street_cells_of(newest)) if newest else set()
        return codes | {f"{gemeente_code(datum['municipality'])}P"}

    def _check_chain(self, datum: dict[str, Any]) -> bool:
        """Whether the record follows the one that lies before it: only then its figures can be compared with that one's."""
        previous = datum["previous"]
        if previous != self.last:
            if previous in self._seen:
                self._fault(
                    f"was published right after record {self._seen[previous]}: it lies out of order, or what lies between was put in later"
                )
            else:
                self._fault("names a record before it that is not there: one was deleted, changed, or lies further on")
        if previous in self._named:
            self._fault(f"names the same record before it as record {self._named[previous]} does")
        self._named[previous] = self.records
        return bool(previous == self.last)

    def _check_month(self, datum: dict[str, Any], before: dict[str, Any] | None) -> None:
        month = Month.from_index(datum["epoch"])
        if before is not None:
            wanted = before["epoch"] + (not before["awaits_quarter"])
            if datum["epoch"] != wanted:
                self._fault(f"is of {month}, and {Month.from_index(wanted)} follows")
            if datum["published_on"] < before["published_on"]:
                self._fault("was published on an earlier day than the record before it")
            if datum["epoch"] == before["epoch"] and datum["ledger_hash"] != before["ledger_hash"]:
                self._fault("says the same month ended elsewhere in the ledger")
        if datum["awaits_quarter"] and month.month % 3:
            self._fault("awaits a quarter that does not end with its month")
        if datum["published_on"] < day_number(end_of(month).date()):
            self._fault(f"was published before {month} was over")


def across(macro: TopicHistory, meso: TopicHistory) -> list[str]:
    """What two levels of one municipality say differently of the same epoch: by which rules, from where in the ledger, on which areas."""
    of_meso = {(d["epoch"], d["awaits_quarter"]): d for d in meso.epochs}
    found = []
    for one in macro.epochs:
        other = of_meso.get((one["epoch"], one["awaits_quarter"]))
        if other is not None:
            found += [
                f"{macro.topic} and {meso.topic} say different things of {Month.from_index(one['epoch'])}: {name}."
                for name in ("ledger_hash", "geometry_hash", "parameters", "given_up", "protection")
                if one[name] != other[name]
            ]
    lacking = {d["epoch"] for d in macro.epochs} ^ {d["epoch"] for d in meso.epochs}
    return found + [f"Only one of {macro.topic} and {meso.topic} has {Month.from_index(e)}." for e in sorted(lacking)]


def checked(topic: str, records: Iterable[tuple[bytes, int]], release_keys: KeysAt) -> TopicHistory:
    """The history of a topic: (value, ms since 1970 at which Kafka took it in) of all its records."""
    history = TopicHistory(topic, release_keys)
    for value, appended_ms in records:
        history.take(value, appended_ms)
    return history


def ends_with(history: TopicHistory) -> str:
    """How far a history goes, in one sentence."""
    if not history.epochs:
        return f"{history.topic}: {history.records} records, no epoch yet."
    newest = history.epochs[-1]
    return (
        f"{history.topic}: {history.records} records, the last epoch {Month.from_index(newest['epoch'])}, version {newest['version']}, published on "
        f"{day_of(newest['published_on'])}; its end is {history.last.hex()}."
    )
