"""Admitting officers and letting them go, and having the root sign the joint key they made."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from deploy.people_keys import PeopleKeys
from deploy.zone import Zone
from keyvault.officers.ceremony import MAKE, RESHARE, ROUNDS, Ceremony, Committee
from keyvault.officers.client import OfficersClient, Told
from keyvault.officers.folder import OfficerFolder
from keyvault.officers.sharing import THRESHOLD
from keyvault.officers.tool import OfficerTool
from schemas import topics
from schemas.directory import Entry, role_key_id
from schemas.errors import Refused, SettingsWrong
from schemas.sealing import verify_key_of
from schemas.secret_file import write_private
from schemas.secrets import SigningKey

_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
_PUBLIC: Final = "signing.public"
_HEARD_WITHIN_SECONDS: Final = 10.0


def officer_folder(zone: Zone, name: str) -> Path:
    """The folder of an officer on this machine."""
    return zone.folder.path / "officers" / name


def admit_officer(zone: Zone, name: str) -> OfficerFolder:
    """Admit an officer: certificate and keys in a folder of the officer's own, and an entry signed by the root. Twice is once.

    Raises `SettingsWrong` for a name that can't be, or where no two root keys are at hand.
    """
    if _NAME.fullmatch(name) is None:
        msg = "An officer's name has small letters, digits and hyphens."
        raise SettingsWrong(msg)
    folder = officer_folder(zone, name)
    principal = f"officer-{name}"
    zone.authority.issue(principal, folder, server=False)
    if not (folder / "signing.key").exists():
        write_private(folder / "signing.key", SigningKey.generate().reveal())
    public = verify_key_of(SigningKey((folder / "signing.key").read_bytes()))
    (folder / _PUBLIC).write_bytes(public)
    made = OfficerFolder(folder, principal, role_key_id("officer", public), zone.vault_url, zone.roots.pinned)
    made.save()
    known = PeopleKeys(zone.folder).take("officer", principal, made.key_id, public, on=dt.datetime.now(dt.UTC).date())
    if known.state == "revoked":
        msg = f"Officer {name} left; a new name is needed to come back."
        raise SettingsWrong(msg)
    zone.publish_directory([known.entry()])
    return made


def let_go(zone: Zone, name: str) -> None:
    """From now on the keyvault takes nothing of this officer. Raises `SettingsWrong` where there is none."""
    ended = PeopleKeys(zone.folder).revoke(f"officer-{name}", None, now=dt.datetime.now(dt.UTC))
    zone.publish_directory([key.entry() for key in ended])


def officers_client(zone: Zone) -> OfficersClient:
    """The operator's connection for what concerns officers."""
    files = zone.certificate(topics.OPERATOR)
    return OfficersClient(zone.vault_url, cert=files.cert, key=files.key, ca=files.ca)


def tool_of(folder: OfficerFolder) -> OfficerTool:
    """An officer's tool on the officer's own machine."""
    own = folder.path
    vault = OfficersClient(folder.vault_url, cert=own / "cert.pem", key=own / "key.pem", ca=own / "ca.pem")
    return OfficerTool(folder, vault)


def committee_here(zone: Zone, names: Sequence[str]) -> Committee:
    """Officers of a zone whose officers all live on this machine (a demo, a test), with a joint key the root signed. Twice is once.

    Raises `Refused`, `SettingsWrong`, `Unavailable`.
    """
    tools = [tool_of(admit_officer(zone, name)) for name in names]
    client = officers_client(zone)
    try:
        committee = client.told().in_force()
        if committee is None:
            _when_heard(lambda: client.begin(planned(client.told(), names, None, new_key=False)))
            for _ in range(ROUNDS):
                for tool in tools:
                    tool.step()
            committee = client.told().in_force()
        assert committee is not None  # every officer took part in every round
        sign_joint_key(zone, committee)
    finally:
        for connection in (client, *(t.vault for t in tools)):
            connection.close()
    return committee


def _when_heard(work: Callable[[], None]) -> None:
    """The keyvault hears of who was admitted a moment later, from Kafka. Raises `Refused` where it does not within ten seconds."""
    until = time.monotonic() + _HEARD_WITHIN_SECONDS
    while True:
        try:
            work()
        except Refused:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def planned(told: Told, names: Sequence[str], by: Sequence[str] | None, *, new_key: bool) -> Ceremony:
    """The ceremony for a committee of these names. Raises `SettingsWrong` where nobody of the committee in force can hand the key on."""
    roster = tuple(f"officer-{n.strip()}" for n in names)
    before, now = told.in_force(), time.time()
    if before is None or new_key:
        key_id = f"officers-{dt.datetime.fromtimestamp(now, dt.UTC):%Y%m%d}-{secrets.token_hex(3)}"
        return Ceremony(secrets.token_bytes(16), MAKE, key_id, 1, roster, roster, int(now * 1000))
    staying = [m.officer for m in before.members if m.officer in roster]
    dealers = tuple(f"officer-{n.strip()}" for n in by) if by else tuple(staying[:THRESHOLD])
    if len(dealers) < THRESHOLD:
        members = ", ".join(m.officer.removeprefix("officer-") for m in before.members)
        msg = f"Name with --by {THRESHOLD} of the committee in force who deal: {members}."
        raise SettingsWrong(msg)
    return Ceremony(secrets.token_bytes(16), RESHARE, before.key_id, before.epoch + 1, roster, dealers, int(now * 1000))


def sign_joint_key(zone: Zone, committee: Committee) -> None:
    """Have the root sign the joint key: from then on intake seals to it. Raises `SettingsWrong`, `Unavailable`."""
    settings = zone.folder.settings()
    known = list(settings.get("officers_keys", ()))
    if committee.key_id not in known:
        known.append(committee.key_id)
        zone.folder.save_settings(settings | {"officers_keys": known})
    zone.publish_directory(
        [
            Entry(
                "role_key", "officers", committee.key_id, "officers", committee.joint_key, valid_from=0,
                version=known.index(committee.key_id) + 1,
            )
        ]
    )  # fmt: skip
