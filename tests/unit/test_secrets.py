"""Every secret type, tried with everything that prints: none gives itself away."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import traceback

import pytest
import structlog

from schemas import secrets
from schemas.errors import Refused

BSN_DIGITS = "999900006"
KEY_BYTES = bytes(range(32))
EVERY_SECRET = [secrets.Bsn(BSN_DIGITS)] + [
    getattr(secrets, name)(KEY_BYTES) for name in secrets.__all__ if name not in ("Bsn", "passes_eleven_test")
]
NEEDLES = [BSN_DIGITS, KEY_BYTES.hex(), repr(KEY_BYTES)[2:-1], "00010203"]


@dataclasses.dataclass
class Holder:
    secret: object


@pytest.mark.parametrize("secret", EVERY_SECRET, ids=lambda s: type(s).__name__)
def test_a_secret_shows_stars_however_it_is_printed(secret: object, capsys: pytest.CaptureFixture[str]) -> None:
    log = io.StringIO()
    logger = logging.Logger("t")
    logger.addHandler(logging.StreamHandler(log))
    logger.error("%s %r", secret, secret)
    structlog.wrap_logger(
        structlog.PrintLogger(log), processors=[structlog.processors.JSONRenderer(default=repr)]
    ).info("x", value=secret)
    print(secret, [secret], {"a": secret}, Holder(secret))
    try:
        raise ValueError(secret)  # noqa: TRY301
    except ValueError:
        log.write(traceback.format_exc())
    shown = log.getvalue() + capsys.readouterr().out + repr(secret) + str(secret) + f"{secret}{secret!r}{secret:>40}"
    assert not [needle for needle in NEEDLES if needle in shown]
    assert "***" in shown


@pytest.mark.parametrize("secret", EVERY_SECRET, ids=lambda s: type(s).__name__)
def test_a_secret_refuses_to_be_copied_pickled_or_serialised(secret: object) -> None:
    for attempt in (
        lambda: pickle.dumps(secret),
        lambda: copy.copy(secret),
        lambda: copy.deepcopy(secret),
        lambda: json.dumps({"a": secret}),
        lambda: dataclasses.asdict(Holder(secret)),
    ):
        with pytest.raises(TypeError) as told:
            attempt()
        assert not [needle for needle in NEEDLES if needle in str(told.value)]
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize(
    "digits", ["999900007", "99990000", "9999000066", "000000000", "99990000a", "９９９９００００６"]
)
def test_a_wrong_bsn_is_refused_without_being_repeated(digits: str) -> None:
    with pytest.raises(Refused) as told:
        secrets.Bsn(digits)
    assert digits not in str(told.value)
    assert told.value.code == "bsn"


def test_a_bsn_keeps_its_leading_zeros() -> None:
    assert secrets.Bsn("000000012").reveal() == "000000012"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        secrets.DataKey(b"\xaa" * length)
