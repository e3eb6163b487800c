"""Errors by what the reader of them does next: refuse the input, wait and retry, or stop.

A message says what is wrong and what to do. It never repeats the refused value: that may be personal data.
"""

from __future__ import annotations


class ZorgstroomError(Exception):
    """Root of all errors of this project. `str()` is one English sentence that is safe to show and to log."""

    def __init__(self, sentence: str = "", *, dutch: str = "") -> None:
        """`dutch`: the same sentence for whoever works in Dutch, where one meets it."""
        super().__init__(sentence)
        self.dutch = dutch

    def text(self, lang: str) -> str:
        """The sentence in a language (`nl` or `en`); English where there is no other."""
        return self.dutch if lang == "nl" and self.dutch else str(self)


class Refused(ZorgstroomError):  # noqa: N818 - named for what happened, as all families here
    """Input that will never be accepted as it is. `code` comes from `schemas.codes` and goes into receipts and metrics."""

    def __init__(self, code: str, sentence: str, *, dutch: str = "") -> None:
        """`code`: a code of `schemas.codes`; `sentence`: what is wrong and what to do, without the refused value."""
        super().__init__(sentence, dutch=dutch)
        self.code = code
        self.sentence = sentence


class Unavailable(ZorgstroomError):  # noqa: N818
    """Something we need is away (Kafka, PostgreSQL, the keyvault, a full outbox). Wait and try again; nothing is lost."""


class ContractBroken(ZorgstroomError):  # noqa: N818
    """Something that can't be if every part keeps its promises. Stop and call a person; going on would lose or double."""


class SettingsWrong(ZorgstroomError):  # noqa: N818
    """A setting, file, port or certificate that is not as it must be. Said before anything is touched; exit code 2."""
