"""The certificate authority turns in three steps, between which the zone is started again: both trusted, the next one signs, the old one is let go.

So every connection holds at every moment, and members on other machines have from the first to the third step to follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from deploy.certificates import Authority, files_of
from schemas.secret_file import write_private


class Stage(StrEnum):
    """How far a turn is."""

    REST = "rest"
    BOTH_TRUSTED = "both trusted"
    NEXT_SIGNS = "the next one signs"


def stage(authority: Authority, zone: Path) -> Stage:
    """How far the turn of an authority is; a step that was broken off is still to be done."""
    if authority.before_path.exists():
        return Stage.NEXT_SIGNS
    told = all((c.parent / "ca.pem").read_bytes() == authority.trusted() for c in _certificates(zone))
    return Stage.BOTH_TRUSTED if authority.next_path.exists() and told else Stage.REST


def trust_both(authority: Authority, zone: Path) -> int:
    """Make the next authority and have everybody on this machine trust both; how many are told."""
    authority.make_next()
    return _tell(authority.trusted(), zone)


def go_over(authority: Authority, zone: Path) -> int:
    """The next authority signs, and certificates on this machine are signed anew; how many."""
    if authority.next_path.exists():
        authority.go_over()
    _tell(authority.trusted(), zone)
    left = unsigned(authority, zone)
    for certificate in left:
        _sign_anew(authority, certificate)
    return len(left)


def let_go(authority: Authority, zone: Path) -> int:
    """Nobody on this machine trusts the one before any more; how many are told."""
    told = _tell(authority.ca_path.read_bytes(), zone)
    authority.let_go()
    return told


def unsigned(authority: Authority, zone: Path) -> list[Path]:
    """Certificates on this machine that the authority of now did not sign."""
    return [c for c in _certificates(zone) if not authority.signed(c)]


def _sign_anew(authority: Authority, certificate: Path) -> None:
    if (certificate.parent / "key.pem").exists():
        authority.renew(files_of(certificate))
    else:
        authority.sign_again(certificate)  # a sender's: its private key is the sender's own business


def _certificates(zone: Path) -> Iterator[Path]:
    for place in ("kafka", "roles", "readers", "officers", "senders"):
        yield from (c for c in sorted((zone / place).glob("*/cert.pem")) if (c.parent / "ca.pem").exists())


def _tell(trusted: bytes, zone: Path) -> int:
    told = [c.parent / "ca.pem" for c in _certificates(zone)]
    for path in told:
        write_private(path, trusted)
    return len(told)
