"""A municipality's own topic from a machine that has its sender's folder: its pen, what is there, and its page's key."""

from __future__ import annotations

import time
from typing import Any, Final

from deploy.admission import sender_folder
from deploy.key_register import KeyRegister
from deploy.sender_keys import SenderKeys
from deploy.zone import Zone
from producers.profile import Profile
from projections.municipal_events import Story
from projections.municipal_topic import MunicipalReader, append
from projections.subscribers import ReleaseSubscriber
from schemas import topics
from schemas.errors import SettingsWrong, Unavailable
from schemas.municipal_events import Kind, Pen, told_keys, vouch_for_page
from schemas.sealing import verify_key_of
from schemas.secret_file import write_private
from schemas.secrets import SigningKey

PAGE_KEY_DAYS: Final = 400
"""How long a page's key counts; each start of the page gives it as long again."""
_PATIENCE_SECONDS: Final = 20.0
_DAY_MS: Final = 86_400_000


class OwnTopic:
    """One municipality's topic, from its terminal. Raises `SettingsWrong` where its folder is not on this machine."""

    def __init__(self, zone: Zone, number: int) -> None:
        """Nothing is read yet."""
        self.number, self._zone = number, zone
        self.profile = Profile.load(sender_folder(zone, f"gm{number:04d}"))

    def pen(self) -> Pen:
        """The municipality's own."""
        return Pen(self.number, self.profile.signing_key())

    def story(self) -> Story:
        """All there is. Raises `Unavailable`."""
        keys = told_keys(own_keys(self._zone, self.number))
        reader = MunicipalReader(self.profile.kafka(), f"gm{self.number:04d}.own-events", self.number, keys)
        try:
            return reader.catch_up(seconds=_PATIENCE_SECONDS)
        finally:
            reader.close()

    def append(self, kind: Kind, *, by: str, at_ms: int, **fields: object) -> None:
        """Sign and append an event that somebody at the terminal did. Raises `Unavailable`."""
        data = self.pen().signed(kind, at_ms=at_ms, actor="terminal", actor_name=by, **fields)
        append(self.profile.kafka(), self.number, data)

    def released(self) -> tuple[dict[int, dict[str, Any]], dict[str, Any] | None]:
        """Released macro epochs by month index, and the areas published last. Raises `Unavailable`."""
        name = f"gm{self.number:04d}"
        settings = self._zone.kafka.client(self._zone.reader_certificate(name)) | {"log_level": 0}
        keys = KeyRegister.of(self._zone.folder).proves("release")
        reader = ReleaseSubscriber(settings, f"{name}.own-figures", topics.macro_topic(self.number), keys)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        try:
            while not reader.caught_up and time.monotonic() < deadline:
                reader.poll(0.5)
        finally:
            reader.close()
        if not reader.caught_up:
            msg = "Kafka does not answer; is the zone running?"
            raise Unavailable(msg)
        return reader.epochs, reader.geography


def own_keys(zone: Zone, number: int) -> list[dict[str, Any]]:
    """Every signing key of a municipality that was admitted here, and since when it counts no more."""
    known = SenderKeys(zone.folder, f"gm{number:04d}")
    entries = [known.entry(key_id) for key_id, _, _ in known.listed()]
    return [{"public": e.public_key.hex(), "revoked_at_ms": e.revoked_at_ms} for e in entries]


def page_pen_settings(zone: Zone, number: int, *, now_ms: int) -> dict[str, str] | None:
    """What a page is told so that it can sign: its key's file and what vouches for it; None where the municipality's folder is not here.

    The key is made at first need and stays; the municipality vouches for it anew at each start.
    """
    try:
        signing = Profile.load(sender_folder(zone, f"gm{number:04d}")).signing_key()
    except SettingsWrong:
        return None
    path = zone.folder.path / "pages" / f"gm{number:04d}.signing"
    if not path.exists():
        write_private(path, SigningKey.generate().reveal())
    vouched = vouch_for_page(
        signing=signing, public=verify_key_of(SigningKey(path.read_bytes())), municipality=number,
        from_ms=now_ms - _DAY_MS, until_ms=now_ms + PAGE_KEY_DAYS * _DAY_MS,
    )  # fmt: skip
    return {
        "key": str(path), "page_key": vouched.page_key.hex(),
        "page_key_signature": vouched.page_key_signature.hex(),
    }  # fmt: skip
