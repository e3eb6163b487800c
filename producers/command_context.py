"""Who is asking, for the checks of a file: from a profile and the municipality a command names."""

from __future__ import annotations

import datetime as dt

from producers.checks import ProviderContext
from producers.command_frame import say
from producers.profile import Profile
from schemas.errors import SettingsWrong
from schemas.geography import gemeente_number


def context_of(profile: Profile, payer: str | None) -> ProviderContext:
    """The checking context of a profile; `payer` as typed (`GM9901`). Raises `SettingsWrong`."""
    number = None
    if payer is not None:
        try:
            number = gemeente_number(payer)
        except ValueError as wrong:
            raise SettingsWrong(
                say("Een gemeente is GM en vier cijfers.", "A municipality is GM and four digits.")
            ) from wrong
    return ProviderContext(
        agb=profile.sender.text[1:], municipalities=frozenset(profile.municipalities), today=dt.datetime.now(dt.UTC).date(),
        payer=number,
    )  # fmt: skip
