"""The receipt of an erasure: what was destroyed and when, in words, and the check anybody can make who knows the network's root."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from schemas import codec
from schemas.directory import verified_entry
from schemas.erasure import TOLD_GROUNDS
from schemas.errors import Refused
from schemas.roots import Roots
from schemas.sealing import signature_holds
from schemas.values import day_of

DOMAIN: Final = "zorgstroom erasure receipt 1"
DESTROYED: Final[dict[str, tuple[str, str]]] = {
    "key": (
        "de sleutel van deze persoon: alles wat onder die sleutel in het grootboek staat gaat niet meer open",
        "this person's key: nothing under it in the ledger opens any more",
    ),
    "link": (
        "de koppeling van het BSN aan het pseudoniem, en wat over adressen bekend was",
        "the link from the BSN to the pseudonym, and what was known of addresses",
    ),
    "references": (
        "wat het grootboek per referentienummer wist; er blijft een merk dat niets zegt, zodat hetzelfde niet nog eens komt",
        "what the ledger knew per reference; a mark that tells nothing stays, so that the same is not taken again",
    ),
    "bookings": (
        "de naam op de bedragen: ze staan onder een nummer dat aan niemand hangt en tellen alleen nog mee in totalen",
        "whose the amounts were: they stand under a number linked to nobody and count in totals only",
    ),
    "records": ("de kaarten bij mandaten voor deze persoon", "the cards of mandates for this person"),
}
"""Code -> what is destroyed with a person, in Dutch and English."""
_TAKEN_OUT: Final = (
    "Wie die topics voor die dag zelf kopieerde, kan zijn kopie openen met de sleutels van intake en grootboek van die tijd, tot die vernietigd zijn: "
    "bij de gewone termijnen binnen zestien maanden.",
    "Who copied those topics before that day can open the copy with intake's and the ledger's keys of that time, until those are destroyed: within "
    "sixteen months where the usual periods are kept.",
)
"""A year that a key is used, 97 days more that it opens: `key_days` and `old_keys_open_days` in zone.json say otherwise."""


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """A receipt whose signature holds, and the id of the key that signed it."""

    fields: dict[str, Any]
    key_id: str

    @property
    def last_copy_day(self) -> dt.date:
        """The last day on which the zone itself can open a copy in a topic, and anybody a backup; of copies of topics taken out before it says nothing."""
        return day_of(self.fields["last_copy_day"])

    def told(self, *, lang: str = "nl") -> list[str]:
        """The receipt in plain words, a sentence a line."""
        dutch, f = lang == "nl", self.fields
        moment = dt.datetime.fromtimestamp(f["erased_at_ms"] / 1000, dt.UTC)
        ground = TOLD_GROUNDS.get(f["ground"], (f["ground"], f["ground"]))[0 if dutch else 1]
        return [
            (f"Verzoek {f['request'].hex()} van {day_of(f['asked_on'])}: {ground}." if dutch else
             f"Request {f['request'].hex()} of {day_of(f['asked_on'])}: {ground}."),
            (f"Besloten op {day_of(f['decided_on'])} door {' en '.join(f['deciders'])}." if dutch else
             f"Decided on {day_of(f['decided_on'])} by {' and '.join(f['deciders'])}."),
            (f"Vernietigd op {moment:%Y-%m-%d %H:%M:%S} UTC:" if dutch else f"Destroyed on {moment:%Y-%m-%d %H:%M:%S} UTC:"),
            *(f"- {DESTROYED.get(code, (code, code))[0 if dutch else 1]}" for code in f["destroyed"]),
            (f"Beëindigde mandaten: {f['mandates']}." if dutch else f"Mandates that ended with it: {f['mandates']}."),
            (f"Laatste dag waarop een back-up, of wat in delivered.v1 of rekeyed.v1 staat, nog open kan: {self.last_copy_day}." if dutch else
             f"Last day on which a backup, or what lies in delivered.v1 or rekeyed.v1, can be opened: {self.last_copy_day}."),
            _TAKEN_OUT[0 if dutch else 1],
            (f"Regel {f['log_sequence']} van het inzagelogboek." if dutch else f"Line {f['log_sequence']} of the access log."),
        ]  # fmt: skip


def checked(data: bytes, roots: Roots) -> CheckedReceipt:
    """A receipt that the keyvault of this network signed. Raises `Refused` (`signature`, `unreadable`, `schema`)."""
    d = codec.decode("signed_erasure_receipt", data)
    entry = verified_entry(roots, d["key"])
    own = (entry.kind, entry.name, entry.use) == ("role_key", "keyvault", "receipts")
    if not own or not signature_holds(entry.public_key, DOMAIN, d["receipt"], d["signature"]):
        raise Refused(
            "signature",
            "The keyvault of this network did not sign this receipt, or it was changed.",
            dutch="De sleutelkluis van dit netwerk heeft dit bewijs niet getekend, of het is gewijzigd.",
        )
    found = CheckedReceipt(codec.decode("erasure_receipt", d["receipt"]), entry.key_id)
    try:
        found.told()
    except (OverflowError, ValueError, OSError) as beyond:
        raise Refused(
            "unreadable",
            "A day in this receipt is in no calendar.",
            dutch="Een dag in dit bewijs staat in geen kalender.",
        ) from beyond
    return found
