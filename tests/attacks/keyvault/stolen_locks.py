"""What is shut, and everything a thief has tried on it as a key: which values fit which lock. For tests.

A value that fits counts for whoever has it among the stolen rows or secrets; so each is tried once, and not once per theft.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from keyvault import group, voprf
from keyvault.officers.sealed_identity import open_identity, point_of
from keyvault.wrapping import Wrapping
from schemas.envelope import Envelope, open_content
from schemas.envelope import open_identity as open_subjects
from schemas.errors import ContractBroken, Refused
from schemas.sealing import box_public_key, open_events, open_sealed, open_under, verify_key_of
from schemas.secrets import BoxKey, DataKey, SigningKey, WrappingKey
from tests.attacks.keyvault.stolen_loot import Loot, Resident, Row, address_hash, as_keys, scraps

KINDS = {"events": "events", "mandates": "mandate", "months": "months"}
SAMPLE = 8


@dataclass(slots=True)
class Public:
    """What anybody has: public keys of the directory by use, envelopes that lay on delivered.v1."""

    keys: dict[str, set[bytes]]
    delivered: list[bytes]


@dataclass(slots=True)
class Locks:
    """Lock -> the values that open it, each the set of what must be in hand together."""

    fits: dict[str, list[frozenset[bytes]]] = field(default_factory=lambda: defaultdict(list))

    def open_with(self, lock: str, in_hand: set[bytes]) -> bool:
        """Whether one of the fits is all in hand."""
        return any(fit <= in_hand for fit in self.fits[lock])


def wrapped_names(rows: Mapping[str, Sequence[Row]]) -> list[tuple[bytes, bytes]]:
    """(name of the row, wrapped bytes) of each key in a keyvault's tables."""
    found = [
        (f"named_keys/{r['use']}/{r['key_id']}".encode(), r["wrapped"]) for r in rows.get("keyvault.named_keys", ())
    ]
    found += [
        (f"year_keys/{r['partition']}/{r['year']}".encode(), r["wrapped"]) for r in rows.get("keyvault.year_keys", ())
    ]
    found += [(b"person_keys/" + r["person"], r["wrapped"]) for r in rows.get("keyvault.person_keys", ())]
    return [(name, wrapped) for name, wrapped in found if wrapped]


def unwrapped(rows: Mapping[str, Sequence[Row]], keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """Row's name -> key, of all that open under one of these keys."""
    names = wrapped_names(rows)
    found: dict[bytes, bytes] = {}
    for key in keys:
        if names and _opens(lambda k=key: Wrapping(WrappingKey(k)).unwrap(names[0][1], names[0][0])):
            found |= {name: Wrapping(WrappingKey(key)).unwrap(wrapped, name) for name, wrapped in names}
    return found


def _opens(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (Refused, ContractBroken):
        return False
    return True


def placement_key(own: bytes, person: bytes, key: bytes) -> bytes:
    """As the keyvault makes it."""
    return hmac.digest(own, b"placement 1|" + person + key, "sha256")


def try_all(loot: Loot, people: Sequence[Resident], public: Public, opened: Mapping[bytes, bytes]) -> Locks:
    """Try every value of all databases and the topic, every secret, and every key that was wrapped, on every lock.

    `opened`: what the wrapping key gives; only who has that key and the keyvault's rows has those.
    """
    values = scraps({**loot.rows, "topic": loot.topic})
    strong = set(loot.secrets) | {k for name, k in opened.items() if name.startswith(b"named_keys/")}
    keys = as_keys(values) | strong | set(opened.values())
    locks = Locks()
    _numbers(locks, loot, people, keys=keys, strong=strong)
    _dictionary(locks, people[:SAMPLE], keys=keys, values=values)
    _topic(locks, loot, keys=keys, strong=strong, opened=opened)
    _sealed_numbers(locks, loot, keys=keys, opened=opened)
    names = wrapped_names(loot.rows)
    for key in keys:
        if _opens(lambda k=key: Wrapping(WrappingKey(k)).unwrap(names[0][1], names[0][0])):
            locks.fits["wrapped"].append(frozenset([key]))
        for row in loot.rows["intake.handle_cache"][:2]:
            if _opens(lambda k=key, r=row: open_under(DataKey(k), r["sealed"], r["lookup"])):
                locks.fits["cache"].append(frozenset([key]))
        if verify_key_of(SigningKey(key)) in public.keys["signing"] | public.keys["receipts"]:
            locks.fits["signature"].append(frozenset([key]))
        if box_public_key(BoxKey(key)) in public.keys["identity"] | public.keys["content"] and _opens_a_part(
            key, public
        ):
            locks.fits["parts"].append(frozenset([key]))
    return locks


def _opens_a_part(key: bytes, public: Public) -> bool:
    for data in public.delivered[:SAMPLE]:
        e = Envelope.decode(data)
        if _opens(lambda e=e: open_subjects(secret=BoxKey(key), header=e.header_bytes, sealed=e.identity)):
            return True
        if _opens(lambda e=e: open_content(secret=BoxKey(key), header=e.header_bytes, sealed=e.content)):
            return True
    return False


def _numbers(locks: Locks, loot: Loot, people: Sequence[Resident], *, keys: set[bytes], strong: set[bytes]) -> None:
    """A scalar, or two together, that turns somebody's number into an element of intake's table."""
    points = {voprf.hash_to_group(r.bsn.encode()) for r in people}
    elements = [r["element"] for r in loot.rows["intake.elements"][:2]]
    together = [frozenset(two) for two in itertools.combinations(sorted(strong), 2)]
    for fit in [frozenset([k]) for k in keys] + together:
        scalars = [k for k in fit if group.is_reduced(k) and any(k)]
        if len(scalars) < len(fit):
            continue
        scalar = scalars[0] if len(scalars) == 1 else group.product(*scalars)
        inverse = group.inverses([scalar])[0]
        if all(group.multiply(inverse, e) in points for e in elements):
            locks.fits["elements"].append(fit)


def _dictionary(locks: Locks, people: Sequence[Resident], *, keys: set[bytes], values: set[bytes]) -> None:
    """Numbers and addresses hashed in every usual way, plain and under each key; a digest that lies in a row is a fit."""
    short = beginnings(values)
    for r in people:
        digits, address = r.bsn.encode(), r.address.canonical()
        numbers = [
            digits,
            voprf.hash_to_group(digits),
            *(int(r.bsn).to_bytes(n, order) for n in (4, 8) for order in ("big", "little")),
        ]
        for name, forms in (("hashed numbers", numbers), ("addresses", (address, b"address|" + address))):
            for digest in (d for f in forms for d in (f, *_hashes(f))):
                if (found := _in(digest, short)) is not None:
                    locks.fits[name].append(frozenset([found]))
        for key in keys | {bytes(32)}:
            in_hand = {key} - {bytes(32)}
            if (found := _in(hmac.digest(key, digits, "sha256"), short)) is not None:
                locks.fits["hashed numbers"].append(frozenset({*in_hand, found}))
            if (found := _in(address_hash(key, r.address), short)) is not None:
                locks.fits["addresses"].append(frozenset({*in_hand, found}))


def _hashes(data: bytes) -> list[bytes]:
    plain = [hashlib.new(name, data).digest() for name in ("sha256", "sha512", "md5", "sha1", "blake2b")]
    return plain + [hashlib.blake2b(data, digest_size=n).digest() for n in (16, 20, 32)]


def beginnings(values: Iterable[bytes]) -> set[bytes]:
    """The first 16, 20 and 32 bytes: what a hash is cut to."""
    return {v[:n] for v in values for n in (16, 20, 32) if len(v) >= n}


def _in(digest: bytes, short: set[bytes]) -> bytes | None:
    return next((digest[:n] for n in (16, 20, 32) if len(digest) >= n and digest[:n] in short), None)


def _topic(locks: Locks, loot: Loot, *, keys: set[bytes], strong: set[bytes], opened: Mapping[bytes, bytes]) -> None:
    """What lies sealed on ledger.v1: samples of each part, of which one that opens is a fit."""
    samples = {part: [r for r in loot.topic if r["part"] == part][:SAMPLE] for part in (*KINDS, "placements")}
    for part, kind in KINDS.items():
        for key, row in itertools.product(keys, samples[part]):
            if _opens(lambda k=key, r=row, n=kind: open_events(DataKey(k), r["person"], n, r["sealed"])):
                locks.fits[part].append(frozenset([key]))
    for row in samples["placements"][:1]:
        for key in keys:
            if _opens(lambda k=key, r=row: open_sealed(BoxKey(k), r["sealed"])):
                locks.fits["placements"].append(frozenset([key]))
        for own, key in itertools.product(sorted(strong), sorted({*strong, *opened.values()})):
            secret = BoxKey(placement_key(own, row["person"], key))
            if _opens(lambda s=secret, r=row: open_sealed(s, r["sealed"])):
                locks.fits["placements"].append(frozenset([own, key]))


def _sealed_numbers(locks: Locks, loot: Loot, *, keys: set[bytes], opened: Mapping[bytes, bytes]) -> None:
    """Numbers sealed to the officers' joint key, within a seal of the keyvault's: every value as the joint secret."""
    row = loot.rows["keyvault.sealed_identities"][0]
    own = next(k for n, k in opened.items() if n.startswith(b"named_keys/identities/"))
    outer = hmac.digest(own, b"identity 1|" + row["person"] + opened[b"person_keys/" + row["person"]], "sha256")
    sealed = open_under(DataKey(outer), row["wrapped"], row["person"])
    _, point = point_of(sealed)
    for key in keys:
        if _opens(lambda k=key: open_under(DataKey(k), row["wrapped"], row["person"])):
            locks.fits["sealed numbers"].append(frozenset([key]))
        if (
            group.is_reduced(key)
            and any(key)
            and _opens(lambda k=key: open_identity(sealed, group.multiply(k, point), person=row["person"]))
        ):
            locks.fits["sealed numbers"].append(frozenset([key]))
