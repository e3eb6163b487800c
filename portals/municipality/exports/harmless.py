"""Text that a spreadsheet would run as a formula, made to be read as text (OWASP, CSV injection)."""

from __future__ import annotations

from typing import Final

_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With the wide forms that some spreadsheets take for the narrow ones."""


def harmless(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would calculate it (spaces before the sign do not help)."""
    return f"'{text}" if text.startswith(_STARTS) or text.lstrip().startswith(_STARTS) else text
