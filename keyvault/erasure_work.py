"""The vault's work on erasure: keep what erased persons left apart, destroy a person's key on a decision, and say so in a signed receipt.

A key is destroyed only on a decision that two grantors signed, which the vault checks itself; one decision destroys one person's key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from keyvault.access_log import ERASE, GIVEN, NOBODY, YEAR_END, Access
from keyvault.erasure_table import Erasure
from keyvault.mandates import gemeente_of
from keyvault.mutual_tls import Caller
from keyvault.vault import Vault, lent
from schemas import codec, erasure_receipt
from schemas.erasure import Decision, PublicKeyOf
from schemas.errors import Refused, Unavailable
from schemas.retention import decided, may_be_about, what_it_says
from schemas.sealing import sign, verify_key_of
from schemas.values import Month, day_number

_MOST_YEARS: Final = 200
COPIES_DAYS: Final = 97
"""How long copies lie on `delivered.v1` and `rekeyed.v1`: 90 days, and a week until Kafka has deleted their file."""


def last_copy_day(day: dt.date, kept_days: int) -> dt.date:
    """The last day on which a copy made by the zone on `day` or before can be opened: so long after the month's end, since a key closes a month's backups."""
    return Month.of(day).last_day + dt.timedelta(days=kept_days)


@dataclass(frozen=True, slots=True)
class ErasureWork:
    """What the projector and municipalities ask. All bodies are Avro single objects.

    `key_of`: public keys of grantors; `signed_key`: the entry of the vault's own signing key as the root signed it, by key id;
    `copies_days`: how long a copy in a topic, or a backup made on the last day of its month, can be opened.
    """

    vault: Vault
    key_of: PublicKeyOf
    signed_key: Callable[[str], bytes | None]
    copies_days: int = COPIES_DAYS

    def year_keys(self, _caller: Caller, body: bytes) -> bytes:
        """Lend the keys of service years in a partition of the ledger, made where absent, zeros where destroyed."""
        asked = codec.decode("vault_settled_keys", body)
        if len(asked["years"]) > _MOST_YEARS:
            raise Refused("unreadable", f"Up to {_MOST_YEARS} service years in one request.")
        return lent(self.vault.store.year_keys(asked["partition"], asked["years"], self.vault.today()))

    def destroy_years(self, caller: Caller, body: bytes) -> bytes:
        """Destroy the keys of service years that closed for good in a partition; logged before. Twice is once."""
        asked = codec.decode("vault_settled_keys", body)
        if self.vault.store.has_year_keys(asked["partition"], asked["years"]):
            self.vault.write(Access(self.vault.now_ms(), YEAR_END, NOBODY, caller.name, caller.source, None, GIVEN))
            self.vault.store.destroy_years(asked["partition"], asked["years"])
        return body

    def erase(self, caller: Caller, body: bytes) -> bytes:
        """Destroy a person's key; logged before. Said twice is once, also when a key that signed was revoked since.

        Raises `Refused`: `erasure-signatures`, `erasure-ground`, `retention-...` for a decision that does not count, `erasure-request` for one that refuses the
        request, or on which somebody else was erased.
        """
        asked = codec.decode("vault_erase", body)
        access = Access(
            self.vault.now_ms(), ERASE, NOBODY, caller.name, caller.source, None, GIVEN, about=asked["person"]
        )
        try:
            said = what_it_says(asked["decision"])
            before = self.vault.store.erasure(said.request)
            if before is not None and (before.person, before.decision) == (asked["person"], said):
                return codec.encode("vault_mandate", {"handle": said.request})
            by = decided(asked["decision"], self.key_of)
            access = replace(access, handle=by.decision.request)
            _check_whom(by.decision, before, asked["person"])
        except Refused as refused:
            self.vault.write(replace(access, result=refused.code, about=NOBODY))
            raise
        if before is None:
            line = self.vault.write(access)
            self.vault.store.erase(
                asked["person"], by=by, at_ms=access.at_ms,
                line=(line["sequence"], line["hash"]),
            )  # fmt: skip
        return codec.encode("vault_mandate", {"handle": by.decision.request})

    def receipt(self, caller: Caller, body: bytes) -> bytes:
        """The signed receipt of a request of this municipality. Raises `Refused` (`erasure-request`) where there is none (yet)."""
        request = codec.decode("vault_mandate", body)["handle"]
        done = self.vault.store.erasure(request)
        if done is None or caller.name != gemeente_of(done.decision.municipality):
            raise Refused("erasure-request", "Nobody was erased on this request of yours, or not yet.")
        key_id, secret = self.vault.store.signing_key(self.vault.today())
        entry = self.signed_key(key_id)
        if entry is None:
            msg = f"The keyvault's signing key {key_id} is not signed by the network's root yet."
            raise Unavailable(msg)
        erased_on = dt.datetime.fromtimestamp(done.at_ms / 1000, dt.UTC).date()
        encoded = codec.encode(
            "erasure_receipt",
            {
                "request": request, "municipality": done.decision.municipality, "ground": done.decision.ground,
                "asked_on": done.decision.asked_on, "decided_on": done.decision.decided_on, "deciders": list(done.deciders),
                "erased_at_ms": done.at_ms, "destroyed": list(erasure_receipt.DESTROYED), "mandates": done.mandates,
                "last_copy_day": day_number(last_copy_day(erased_on, self.copies_days)),
                "log_sequence": done.log_sequence, "log_hash": done.log_hash,
            },
        )  # fmt: skip
        signature = sign(secret, erasure_receipt.DOMAIN, encoded)
        return codec.encode("signed_erasure_receipt", {"receipt": encoded, "signature": signature, "key": entry})

    def public_key(self, _caller: Caller, _body: bytes) -> bytes:
        """The public half of the key that signs receipts."""
        key_id, secret = self.vault.store.signing_key(self.vault.today())
        return codec.encode("vault_key", {"key_id": key_id, "key": verify_key_of(secret)})


def _check_whom(decision: Decision, before: Erasure | None, person: bytes) -> None:
    if not decision.granted or not may_be_about(decision, person) or (before is not None and before.person != person):
        raise Refused("erasure-request", "This decision erases nobody, or somebody else.")
