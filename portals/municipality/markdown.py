"""Notes as HTML: paragraphs, lists, emphasis, quotes, and links to https. No HTML of the writer's own, no images, no headings.

What is not understood is shown as text. The library is markdown-it-py (CommonMark).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

_UNUSED: Final = (
    "image", "html_block", "html_inline", "heading", "lheading", "hr", "code", "fence", "backticks", "reference",
)  # fmt: skip


def _only_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and parts.username is None


def _link_open(self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    del env
    tokens[at].attrSet("rel", "noopener noreferrer")
    return self.renderToken(tokens, at, options, {})


def _made() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    made.disable(_UNUSED)
    made.validateLink = _only_https  # type: ignore[method-assign] # how the library lets one choose
    made.add_render_rule("link_open", _link_open)
    return made


_MARKDOWN: Final = _made()


def as_html(text: str) -> str:
    """A note as HTML that may stand in a page as it is."""
    return str(_MARKDOWN.render(text))


def as_text(text: str) -> str:
    """The words of a note as a reader sees them, and after them the addresses of its links: what the checks look at besides the source."""
    words: list[str] = []
    addresses: list[str] = []
    for block in _MARKDOWN.parse(text):
        for token in block.children or []:
            words.append("\n" if token.type in ("softbreak", "hardbreak") else token.content)
            addresses += [str(token.attrGet("href"))] if token.type == "link_open" else []
        words.append("\n" if block.type.endswith("_close") else "")
    return "\n\n".join(["".join(words), *addresses])


def as_lines(text: str) -> list[str]:
    """The words of a note for a page on paper: one line per paragraph or item of a list, which keeps its mark. Links are their words only."""
    lines: list[str] = []
    mark = ""
    for block in _MARKDOWN.parse(text):
        if block.type == "list_item_open":
            mark = f"{block.info}. " if block.info else "\N{BULLET} "
        elif block.type == "inline":
            breaks = ("softbreak", "hardbreak")
            words = "".join(" " if t.type in breaks else t.content for t in block.children or [])
            lines.append(mark + " ".join(words.split()))
            mark = ""
    return lines
