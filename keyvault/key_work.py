"""The vault's work on its own keys: what there is, and turning the key that household records are sealed to."""

from __future__ import annotations

from dataclasses import dataclass, replace

from keyvault.access_log import GIVEN, NOBODY, TURN, TURN_END, Access
from keyvault.mutual_tls import Caller
from keyvault.vault import Vault
from schemas import codec
from schemas.errors import Refused
from schemas.values import day_number


@dataclass(frozen=True, slots=True)
class KeyWork:
    """What operators and the projector ask. All bodies are Avro single objects."""

    vault: Vault

    def states(self, _caller: Caller, _body: bytes) -> bytes:
        """All keys there are and were, without their bytes."""
        rows = [
            {
                "use": s.use, "key_id": s.key_id, "state": s.state, "made_on": day_number(s.made_on),
                "ended_on": None if s.ended_on is None else day_number(s.ended_on),
            } for s in self.vault.store.key_states()
        ]  # fmt: skip
        return codec.encode("vault_keys", {"keys": rows})

    def turn_section(self, caller: Caller, _body: bytes) -> bytes:
        """Make a further section key; the one before opens records until each is made anew. Logged.

        Raises `Refused` (`unknown-key`) while an earlier one is still leaving.
        """
        access = Access(self.vault.now_ms(), TURN, NOBODY, caller.name, caller.source, None, GIVEN)
        if self.vault.store.leaving_box_key("section") is not None:
            self.vault.write(replace(access, result="unknown-key"))
            raise Refused(
                "unknown-key", "The section key before this one still opens records; wait until all are made anew."
            )
        self.vault.write(access)
        key_id = self.vault.store.turn_box_key("section", self.vault.today())
        return codec.encode(
            "vault_key_name", {"key_id": key_id or self.vault.store.box_key("section", self.vault.today())[0]}
        )

    def settle_section(self, caller: Caller, body: bytes) -> bytes:
        """Every live record is sealed to the key named here: the one before, if any, is destroyed, and that is logged."""
        named = codec.decode("vault_key_name", body)
        leaving = self.vault.store.leaving_box_key("section")
        if leaving is not None and self.vault.store.box_key("section", self.vault.today())[0] == named["key_id"]:
            self.vault.write(Access(self.vault.now_ms(), TURN_END, NOBODY, caller.name, caller.source, None, GIVEN))
            self.vault.store.settle_box_key("section", active=named["key_id"], today=self.vault.today())
        return codec.encode("vault_key_name", named)
