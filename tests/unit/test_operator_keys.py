"""An operator's key turns: the keyvault is told at its next start, and an order signed with the old one alone counts no more."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from deploy.operator_keys import renew_operator
from deploy.zone_folder import ZoneFolder
from schemas.errors import Refused, SettingsWrong
from schemas.orders import Order, add_signature, proved_order, signed_order
from schemas.sealing import verify_key_of
from schemas.secrets import SigningKey

TODAY = dt.date(2025, 6, 1)


def told_to_the_keyvault(folder: ZoneFolder) -> dict[str, bytes]:
    """The operators of its last start, and that it starts now."""
    (folder.role("keyvault")).mkdir(parents=True, exist_ok=True)
    settings = {"operators": {name: key.hex() for name, key in folder.operators().items()}}
    (folder.role("keyvault") / "config.json").write_text(json.dumps(settings))
    return folder.operators()


def test_an_order_signed_with_an_operators_old_key_alone_counts_no_more_and_renewed_twice_is_once(
    tmp_path: Path,
) -> None:
    folder = ZoneFolder(tmp_path)
    keys = {name: SigningKey(folder.admit_operator(name).read_bytes()) for name in ("anne", "bob")}
    order = signed_order(Order.first_load(number=9, until=TODAY, why="test").encoded(), {})
    with_old = add_signature(add_signature(order, "anne", keys["anne"]), "bob", keys["bob"])
    assert proved_order(with_old, told_to_the_keyvault(folder)).number == 9
    assert [renew_operator(folder, "anne"), renew_operator(folder, "anne")] == [True, False]
    new = SigningKey(folder.operator_file("anne").read_bytes())
    assert sorted(p.name for p in (tmp_path / "operators").iterdir()) == ["anne.key", "anne.public", "bob.key", "bob.public"]  # fmt: skip
    operators = told_to_the_keyvault(folder)
    with pytest.raises(Refused, match="it has 1"):
        proved_order(with_old, operators)
    assert proved_order(add_signature(with_old, "anne", new), operators).number == 9
    assert renew_operator(folder, "anne"), "the keyvault knows the one before: this is another turn"
    with pytest.raises(SettingsWrong, match="no operator cees"):
        renew_operator(folder, "cees")


def test_an_operator_who_took_the_key_away_keeps_it_and_its_age(tmp_path: Path) -> None:
    folder = ZoneFolder(tmp_path)
    public = folder.admit_operator("anne").with_suffix(".public")
    before = (public.read_bytes(), public.stat().st_mtime_ns)
    folder.operator_file("anne").unlink()
    assert not folder.admit_operator("anne").exists()
    assert (public.read_bytes(), public.stat().st_mtime_ns) == before
    told_to_the_keyvault(folder)
    assert renew_operator(folder, "anne")
    assert folder.operators()["anne"] == verify_key_of(SigningKey(folder.operator_file("anne").read_bytes()))
