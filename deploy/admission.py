"""Admitting members: a sender's request becomes a certificate, rights, a receipts topic and an entry signed by the root."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from deploy.certificates import RoleCertificate
from deploy.people_keys import PeopleKeys
from deploy.sender_keys import SenderKeys
from deploy.zone import Zone
from producers import joining
from producers.joining import make_admission, read_request
from producers.municipal_mandates import Grantor, grantor_key_id
from producers.profile import signing_key_id
from schemas.errors import Refused, SettingsWrong
from schemas.secret_file import write_private
from schemas.values import SenderId


def admit(zone: Zone, request: bytes, *, municipalities: Sequence[int]) -> bytes:
    """Admit a sender for these municipalities (added to those it had); returns the admission file.

    Raises `Refused` for a broken request or a municipality that is not in this zone.
    """
    asked = read_request(request)
    settings = zone.folder.settings()
    strangers = set(municipalities) - set(settings["municipalities"])
    if strangers or not municipalities:
        raise Refused("payer", "Name one or more municipalities of this zone (GM and four digits).")
    keys = SenderKeys(zone.folder, asked.sender.text)
    if asked.previous is not None and not keys.known(asked.previous):
        raise Refused(
            "unknown-key",
            "The key that asks for a further one was never admitted here, or is revoked; admit the sender anew.",
        )
    known = zone.folder.path / "senders" / f"{asked.sender}.municipalities"
    before = [int(m) for m in known.read_text().split()] if known.exists() else []
    merged = tuple(sorted({*before, *municipalities}))
    write_private(known, " ".join(map(str, merged)).encode())
    certificate = zone.authority.sign_request(asked.csr, asked.sender.text)
    if asked.sender.is_municipality:
        zone.folder.add_members(municipalities=[asked.sender.text])
    else:
        zone.folder.add_members(providers=[asked.sender.text])
    zone.apply_topics()
    keys.admit(asked.signing_public_key, name=asked.name, municipalities=merged, on=_today())
    entry = keys.entry(signing_key_id(asked.signing_public_key))
    zone.publish_directory([entry])
    return make_admission(
        sender=asked.sender, certificate=certificate, authority=zone.authority.trusted(),
        bootstrap=zone.kafka.bootstrap, vault_url=zone.vault_url, roots=zone.roots.pinned,
        directory=[*zone.role_entries(), zone.roots.signed(entry)], municipalities=merged,
        signing_public=asked.signing_public_key,
    )  # fmt: skip


def admit_here(zone: Zone, sender: str, *, name: str, municipalities: Sequence[int]) -> Path:
    """Join, admit and accept a sender that lives on this machine, where it is not yet; returns its profile folder."""
    folder = sender_folder(zone, sender)
    if not (folder / "profile.json").exists():
        joining.join(folder, sender=SenderId(sender), name=name)
    if not (folder / "cert.pem").exists():
        request = (folder / f"aanvraag-{sender}.json").read_bytes()
        joining.accept(folder, admit(zone, request, municipalities=municipalities))
    return folder


def sender_folder(zone: Zone, sender: str) -> Path:
    """The profile folder of a sender on this machine."""
    return zone.folder.path / "senders" / sender


def admit_grantor(zone: Zone, name: str, *, renew: bool = False) -> Grantor:
    """Admit who gives mandates (`grantor-gm9901-anne`): a key on this machine, and an entry signed by the root. Twice is once.

    `renew`: make a further key, which signs from then on; broken off anywhere, it finishes when called again. Raises `SettingsWrong`
    where the key is revoked, or lies elsewhere, and no further one is asked for.
    """
    people, grantor = PeopleKeys(zone.folder), Grantor(name, grantor_folder(zone, name))
    if grantor.turning and (begun := people.one(name, grantor_key_id(grantor.further()))) and begun.state == "revoked":
        grantor.drop_further()
    if renew or grantor.turning:
        public = grantor.further()
        made = people.take("grantor", name, grantor_key_id(public), public, on=_today())
        zone.publish_directory([made.entry()])
        grantor.turn()
        return grantor
    if people.of(name) and not grantor.joined:
        msg = f"The key of {name} does not lie on this machine; `zorgstroom municipality admit-grantor {name} --renew` makes a further one."
        raise SettingsWrong(msg)
    grantor = Grantor.join(grantor.folder, name)
    known = people.take("grantor", name, grantor.key_id, grantor.public_key, on=_today())
    if known.state == "revoked":
        msg = (
            f"The key of {name} is revoked; `zorgstroom municipality admit-grantor {name} --renew` makes a further one."
        )
        raise SettingsWrong(msg)
    zone.publish_directory([known.entry()])
    return grantor


def revoke_grantor(zone: Zone, name: str, key_id: str | None, *, now: dt.datetime) -> list[str]:
    """From now on nothing counts that is signed with this key, or with any of the grantor's; returns their ids. Raises `SettingsWrong`."""
    if not name.startswith("grantor-"):
        msg = "A grantor is called grantor-gm9901-NAME; an officer leaves with `zorgstroom operator officers leave`."
        raise SettingsWrong(msg)
    ended = PeopleKeys(zone.folder).revoke(name, key_id, now=now)
    zone.publish_directory([key.entry() for key in ended])
    return [key.key_id for key in ended]


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def grantor_folder(zone: Zone, name: str) -> Path:
    """The folder of a grantor on this machine."""
    return zone.folder.path / "grantors" / name


def admit_reader(zone: Zone, name: str, *, gm: str) -> RoleCertificate:
    """Admit a caseworker (`caseworker-gm9901-1`) of a municipality, or a member of a family there: certificate and rights."""
    files = zone.reader_certificate(name)
    zone.folder.add_members(readers=[(name, gm)])
    zone.apply_topics()
    return files
