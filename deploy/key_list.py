"""Every key of a zone with its age, its state and when it should turn: never its bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from deploy.backup_keys import backup_keys
from deploy.certificates import PLACES, files_of
from deploy.key_register import KeyRegister
from deploy.officer_admission import officers_client
from deploy.people_keys import PeopleKeys
from deploy.sender_keys import SenderKeys
from deploy.zone import Zone
from keyvault.officers.client import Told
from schemas import topics
from schemas.errors import SettingsWrong
from schemas.values import day_of

DAYS: Final = {
    "identity": 365, "content": 365, "signing": 730, "voprf": 730, "scalar": 730, "section": 365, "wrapping": 365, "root": 1825,
    "sender": 730, "operator": 730, "grantor": 730, "officer": 730, "officers": 365,
}  # fmt: skip
"""How long a key of a use is used, in days; `key_days` in zone.json says otherwise. A use that is not named has no turn."""
OPEN_DAYS: Final = 97
"""How long a superseded identity or content key still opens: as long as delivered.v1 is kept, and a week; `old_keys_open_days`."""
_COUNTS: Final = "it counts until it is revoked"
_CERTIFICATE_DAYS_BEFORE: Final = 60
_DESTROYED_WITHIN_DAYS: Final = 14
_WITHOUT_TURN: Final = {
    "placement": "the keys of persons' placements follow from it", "receipts": "receipts of erasures are checked with it",
    "log": "it names households in the access log", "identities": "sealed numbers lie under it and the person's key",
    "person-id": "person ids follow from it", "address": "household ids follow from it", "cache": "what it closes is asked again without it",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key. `due`: the day it should turn, or, superseded, be destroyed; None where it has no turn, `why` says why."""

    what: str
    holder: str
    key_id: str
    state: str
    made_on: dt.date
    due: dt.date | None = None
    why: str = ""

    def overdue(self, today: dt.date) -> bool:
        """Whether its day has passed."""
        return self.due is not None and self.due < today


def open_days(settings: dict[str, Any]) -> int:
    """How long superseded keys still open. Raises `SettingsWrong`."""
    return _days(settings.get("old_keys_open_days", OPEN_DAYS), "old_keys_open_days")


def keys_of(zone: Zone) -> list[KeyLine]:
    """All keys of a zone, of which the vault's are asked of it. Raises `Unavailable`, `SettingsWrong`."""
    vault, officers = zone.vault(topics.OPERATOR), officers_client(zone)
    try:
        states, told = vault.key_states(), officers.told()
    finally:
        vault.close()
        officers.close()
    return [
        *_of_roles(zone), *_of_the_vault(zone, states), *_of_officers(zone, told), *_of_people(zone), *_of_files(zone),
        *_certificates(zone), *_of_backups(zone),
    ]  # fmt: skip


def _of_officers(zone: Zone, told: Told) -> Iterator[KeyLine]:
    """Shares of joint keys: they turn by being handed on; of a committee that was, until each officer signed that the share is destroyed."""
    for c in told.committees:
        newest, made = told.in_force(c.key_id), day_of(c.made_on)
        if newest is not None and newest.epoch == c.epoch:
            yield KeyLine(
                "officers' shares", "officers", f"{c.key_id}/{c.epoch}", "active", made, _due(zone, "officers", made)
            )
            continue
        after = next(n for n in told.committees if (n.key_id, n.epoch) == (c.key_id, c.epoch + 1))
        for m in (m for m in c.members if not m.left):
            due = day_of(after.made_on) + dt.timedelta(days=_DESTROYED_WITHIN_DAYS)
            yield KeyLine(f"old share of {m.officer}", m.officer, f"{c.key_id}/{c.epoch}", "leaving", made, due)


def _due(zone: Zone, use: str, made_on: dt.date) -> dt.date | None:
    days = zone.folder.settings().get("key_days", {}).get(use, DAYS.get(use))
    return None if days is None else made_on + dt.timedelta(days=_days(days, f"key_days: {use}"))


def _days(value: Any, name: str) -> int:
    if not isinstance(value, int) or value < 0:
        msg = f"`{name}` in zone.json is a number of days."
        raise SettingsWrong(msg)
    return value


def _of_roles(zone: Zone) -> Iterator[KeyLine]:
    grace = open_days(zone.folder.settings())
    for r in KeyRegister.of(zone.folder).records:
        made = dt.date.fromisoformat(r.made_on)
        due = _due(zone, r.use, made) if r.state == "active" else KeyRegister.ends(r, grace_days=grace)
        yield KeyLine(f"{r.role} {r.use}", r.role, r.key_id, r.state, made, due)


def _of_the_vault(zone: Zone, states: list[dict[str, Any]]) -> Iterator[KeyLine]:
    for s in states:
        made = day_of(s["made_on"])
        due = _due(zone, s["use"], made) if s["state"] == "active" else None
        yield KeyLine(
            "pseudonyms" if s["use"] == "voprf" else s["use"], "keyvault", s["key_id"], s["state"], made, due, _WITHOUT_TURN.get(s["use"], ""),
        )  # fmt: skip


def _of_people(zone: Zone) -> Iterator[KeyLine]:
    """Signing keys of grantors, officers and senders, on this machine or elsewhere: what is remembered of their admission."""
    known: list[tuple[str, str, str, str, dt.date]] = [
        (r.kind, r.name, r.key_id, r.state, dt.date.fromisoformat(r.made_on)) for r in PeopleKeys(zone.folder).records
    ]
    known += [
        ("sender", path.stem, key_id, state, made)
        for path in sorted((zone.folder.path / "senders").glob("*.keys"))
        for key_id, state, made in SenderKeys(zone.folder, path.stem).listed()
    ]
    for holder, name, key_id, state, made in known:
        due = _due(zone, holder, made) if state == "active" else None
        yield KeyLine(f"{name} signing", holder, key_id, state, made, due, _COUNTS if state == "counts" else "")


def _of_files(zone: Zone) -> Iterator[KeyLine]:
    folder = zone.folder
    named = [
        ("intake", use, folder.secret_file("intake", use))
        for use in ("scalar", "scalar-next", "person-id", "address", "cache")
    ]
    named += [("root", "root", p) for p in sorted((folder.path / "root").glob("root*.key"))]
    named += [("operator", "operator", p) for p in sorted((folder.path / "operators").glob("*.public"))]
    joined = sorted((folder.path / "senders").glob("*/signing.key"))
    named += [("sender", "sender", p) for p in joined if not p.parent.with_name(f"{p.parent.name}.keys").exists()]
    for holder, use, path in named:
        if path.exists():
            made = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).date()
            state = "next" if use == "scalar-next" else "active"
            yield KeyLine(
                _called(use, path), holder, "", state, made, _due(zone, use, made), _WITHOUT_TURN.get(use, "")
            )


def _called(use: str, path: Path) -> str:
    return {"operator": f"operator {path.stem}", "sender": f"{path.parent.name} signing", "root": path.stem}.get(
        use, use
    )


def _certificates(zone: Zone) -> Iterator[KeyLine]:
    authority = zone.folder.path / "root" / "ca.pem"
    for path in [authority, *(c for p in PLACES for c in sorted(zone.folder.path.glob(f"{p}/cert.pem")))]:
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as broken:
            msg = f"The certificate {path} can't be read; restore it from a copy."
            raise SettingsWrong(msg) from broken
        before = dt.timedelta(days=_CERTIFICATE_DAYS_BEFORE)
        name = "authority" if path == authority else files_of(path).name
        yield KeyLine(
            f"certificate of {name}", name, f"{certificate.serial_number:x}"[:12], "active", certificate.not_valid_before_utc.date(),
            certificate.not_valid_after_utc.date() - before,
        )  # fmt: skip


def _of_backups(zone: Zone) -> Iterator[KeyLine]:
    """A key per role and month, which opens that month's backups until its day."""
    for key in backup_keys(zone).all():
        yield KeyLine(f"backups of {key.role}", key.role, key.key_id, "opens", key.month.first_day, key.ends)
