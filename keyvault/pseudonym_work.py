"""The vault's work on pseudonyms: evaluate blindly, take orders of operators, turn elements from one key to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace

from keyvault import turning, voprf
from keyvault.access_log import GIVEN, NOBODY, ORDER, TURN_END, Access
from keyvault.limits import median_day
from keyvault.mutual_tls import Caller
from keyvault.vault import Vault
from schemas import codec
from schemas.errors import Refused
from schemas.orders import TURN, Order
from schemas.secrets import ScalarKey


@dataclass(frozen=True, slots=True)
class PseudonymWork:
    """What intake and operators ask. All bodies are Avro single objects."""

    vault: Vault

    def evaluate(self, caller: Caller, body: bytes) -> bytes:
        """Multiply blinded elements by the pseudonym key asked for, with a proof; counted per caller and day before it answers.

        Where the day's limit allows fewer, the first so many. Raises `Refused`: `evaluation-limit` where it allows none,
        `unknown-key` for a key that is neither in use nor the next.
        """
        asked, today, store = codec.decode("vault_elements", body), self.vault.today(), self.vault.store
        elements, secret = asked["elements"], self._key(asked["key_id"])
        evaluated, proof = voprf.evaluate(secret, elements)
        per_day = self.vault.evaluations.per_day
        taken = store.take_evaluations(caller.name, len(elements), today, per_day=per_day)
        of_today, days = store.evaluation_days(today)
        self.vault.meter.evaluated(taken.granted, today=of_today, median=median_day(days), left=taken.left)
        if taken.granted == 0:
            raise Refused(
                "evaluation-limit",
                f"The keyvault makes no more pseudonyms today: {per_day} a day, and no order for a first load has any left.",
                dutch=f"De sleutelkluis maakt vandaag geen pseudoniemen meer: {per_day} per dag, en geen opdracht laat er meer toe.",
            )
        if taken.granted < len(elements):
            evaluated, proof = voprf.evaluate(secret, elements[: taken.granted])
        return codec.encode(
            "vault_evaluation",
            {
                "key_id": asked["key_id"],
                "elements": evaluated,
                "proof": proof,
                "standing": taken.standing,
                "per_day": per_day,
            },
        )

    def _key(self, key_id: str) -> ScalarKey:
        following = self.vault.store.next_pseudonym_key()
        for known in (self.vault.store.pseudonym_key(self.vault.today()), following):
            if known is not None and known[0] == key_id:
                return known[1]
        raise _unknown(key_id)

    def order(self, caller: Caller, body: bytes) -> bytes:
        """Place an order that two operators signed; logged. Raises `Refused` (`signature`, `order`, `unreadable`, `schema`)."""
        access = Access(self.vault.now_ms(), ORDER, NOBODY, caller.name, caller.source, None, GIVEN)
        try:
            order = self.vault.evaluations.proved(body, self.vault.today())
            self._check_turn(order)
        except Refused as refused:
            self.vault.write(replace(access, result=refused.code))
            raise
        self.vault.write(replace(access, handle=order.id))
        self.vault.store.place_order(order, self.vault.today())
        return codec.encode("vault_mandate", {"handle": order.id})

    def _check_turn(self, order: Order) -> None:
        if order.kind == TURN and order.key_id != (active := self.vault.store.pseudonym_key(self.vault.today())[0]):
            raise Refused("order", f"The order ends the key {order.key_id}, and {active} is in use.")

    def public_key(self) -> bytes:
        """The public half of the pseudonym key in use."""
        key_id, scalar = self.vault.store.pseudonym_key(self.vault.today())
        return codec.encode("vault_key", {"key_id": key_id, "key": voprf.public_key(scalar)})

    def next_public_key(self) -> bytes:
        """The public half of the key that is turned to. Raises `Refused` (`unknown-key`) where no turn was ordered."""
        found = self.vault.store.next_pseudonym_key()
        if found is None:
            raise Refused("unknown-key", "No other pseudonym key was ordered.")
        return codec.encode("vault_key", {"key_id": found[0], "key": voprf.public_key(found[1])})

    def turn(self, _caller: Caller, body: bytes) -> bytes:
        """Multiply blinded elements by new/old, with a proof for both public keys; only during an ordered turn, counted before it answers.

        Raises `Refused`: `unknown-key` unless the two are the key in use and the next, `turn-limit` past what the orders allow.
        """
        asked, today = codec.decode("vault_turn", body), self.vault.today()
        active, following = self.vault.store.pseudonym_key(today), self.vault.store.next_pseudonym_key()
        if following is None or (active[0], following[0]) != (asked["old_key_id"], asked["new_key_id"]):
            raise _unknown(asked["new_key_id"])
        turned, proof = turning.turn(active[1], following[1], asked["elements"])
        left = self.vault.store.take_turned(len(turned), today, key_id=active[0])
        if left is None:
            raise Refused(
                "turn-limit",
                f"No order allows so many elements of {active[0]} to turn; two operators place another one.",
                dutch=f"Geen opdracht laat zoveel elementen van {active[0]} draaien; twee beheerders plaatsen er nog een.",
            )
        return codec.encode("vault_turned", {"elements": turned, "proof": proof, "left": left})

    def end_turn(self, caller: Caller, body: bytes) -> bytes:
        """Put the next key in the place of the one in use, which is destroyed; logged. Twice is once.

        Raises `Refused` (`unknown-key`) for keys that are not these two.
        """
        asked, today = codec.decode("vault_turn_end", body), self.vault.today()
        old, new = asked["old_key_id"], asked["new_key_id"]
        if self.vault.store.pseudonym_key(today)[0] != new:
            access = Access(self.vault.now_ms(), TURN_END, NOBODY, caller.name, caller.source, None, GIVEN)
            following = self.vault.store.next_pseudonym_key()
            if following is None or following[0] != new or self.vault.store.pseudonym_key(today)[0] != old:
                self.vault.write(replace(access, result="unknown-key"))
                raise _unknown(new)
            self.vault.write(access)
            self.vault.store.end_turn(old=old, new=new, today=today)
        return codec.encode("vault_turn_end", asked)


def _unknown(key_id: str) -> Refused:
    return Refused("unknown-key", f"The keyvault has no pseudonym key {key_id} now.")
