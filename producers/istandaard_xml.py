"""XML from anywhere, read safely and in a stream: no DTD, no entities, no network, nothing above the size limit.

Knows the parser and its faults; a fault's text never repeats what the file holds. Knows no message's meaning.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from producers.findings import Where
from producers.istandaard import MESSAGE_BY_NAMESPACE, Message, missing, refuse_file

MAX_FILE_BYTES: Final = 50 * 1024 * 1024
_LAST_LINE: Final = 65535
"""libxml2 counts lines in 16 bits in some builds: from here on we name the reference only."""

_ENCODING_FAULTS: Final = frozenset({
    etree.ErrorTypes.ERR_UNKNOWN_ENCODING, etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING, etree.ErrorTypes.ERR_INVALID_ENCODING,
    etree.ErrorTypes.ERR_ENCODING_NAME, etree.ErrorTypes.ERR_MISSING_ENCODING, etree.ErrorTypes.I18N_CONV_FAILED,
    etree.ErrorTypes.I18N_NO_HANDLER, etree.ErrorTypes.ERR_INVALID_CHAR,
})  # fmt: skip
_ENTITY_FAULTS: Final = frozenset({
    etree.ErrorTypes.ERR_ENTITY_LOOP, etree.ErrorTypes.ERR_UNDECLARED_ENTITY, etree.ErrorTypes.ERR_ENTITY_BOUNDARY,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """One element of interest: its local name and its parent's, the texts of its leaves by local name, its first line."""

    name: str
    parent: str
    fields: dict[str, str]
    repeated: dict[str, list[str]]
    line: int | None

    @property
    def where(self) -> Where:
        """Its place, with the reference where it has one."""
        return Where(line=self.line, reference=self.fields.get("ReferentieNummer"))


def message_of(data: bytes) -> Message:
    """The kind of message, from the root's namespace. Raises `FileRefused` (broken, doctype, format, version)."""
    root = next((element for _, element in _events(data, tags=None, events=("start",))), None)
    if root is None:
        refuse_file("xml-broken", "Het bestand is leeg.", "The file is empty.")
    return _message_of_root(root)


def _message_of_root(root: etree._Element) -> Message:
    info = root.getroottree().docinfo
    if info.internalDTD is not None or info.externalDTD is not None:
        refuse_file("xml-doctype", "Laat de DOCTYPE weg.", "Leave the DOCTYPE out.", where=Where(line=1))
    namespace, name = _split(root.tag)
    message = MESSAGE_BY_NAMESPACE.get(namespace)
    if message is not None and name == "Bericht":
        return message
    if name == "Bericht" and "istandaarden.nl" in namespace:
        code = "message-kind" if "/3_2/" in namespace else "message-version"
        refuse_file(code, "Gelezen worden 323, 301 en 325 in release 3.2.",
                    "Read are 323, 301 and 325 of release 3.2.", where=_where(root))  # fmt: skip
    return refuse_file("file-format", "Het hoofdelement is geen Bericht van iWmo of iJw.",
                       "The root element is no Bericht of iWmo or iJw.", where=_where(root))  # fmt: skip


def blocks(data: bytes, names: tuple[str, ...], *, repeatable: frozenset[str] = frozenset()) -> Iterator[Block]:
    """The elements called `names` in document order of their ends, each with its leaves; memory stays flat.

    A leaf that occurs twice in one block and is not `repeatable` is refused. Raises `FileRefused`.
    """
    local: dict[str, str] = {}
    for _, element in _events(data, tags=[f"{{*}}{n}" for n in names], events=("end",)):
        fields: dict[str, str] = {}
        repeated: dict[str, list[str]] = {}
        for leaf in element.iter():
            if len(leaf):
                continue
            tag = leaf.tag
            name = local.get(tag)
            if name is None:
                _, name = _split(tag)
                local[tag] = name
            if name in names and leaf is not element:
                continue  # handed out before, and empty since
            written = (leaf.text or "").strip()
            if name in repeatable:
                repeated.setdefault(name, []).append(written)
            elif name in fields:
                missing(name, where=_where(leaf))
            else:
                fields[name] = written
        above = element.getparent()
        yield Block(
            name=_split(element.tag)[1], parent="" if above is None else _split(above.tag)[1],
            fields=fields, repeated=repeated, line=_line(element),
        )  # fmt: skip
        element.clear()


def _events(data: bytes, *, tags: list[str] | None, events: tuple[str, ...]) -> Iterator[tuple[str, etree._Element]]:
    """Parser events with every door shut. Raises `FileRefused` for XML that is not well-formed."""
    parser = etree.iterparse(
        io.BytesIO(data), events=events, tag=tags, resolve_entities=False, no_network=True, load_dtd=False,
        dtd_validation=False, huge_tree=False, remove_comments=True, remove_pis=True, recover=False,
    )  # fmt: skip
    try:
        yield from parser
    except etree.XMLSyntaxError as fault:
        # The parser's own log: the exception may only say that no document came of it, and its log is every thread's.
        entries: Any = parser.error_log
        log = [(entry.type, entry.line) for entry in entries] or [(0, fault.lineno or 0)]
        kinds = {kind for kind, _ in log}
        where = Where(line=log[0][1] or None)
        if kinds & _ENTITY_FAULTS:
            refuse_file(
                "xml-doctype", "Laat DOCTYPE en entiteiten weg.", "Leave DOCTYPE and entities out.", where=where
            )
        if kinds & _ENCODING_FAULTS:
            refuse_file("xml-encoding", "Sla het bestand op als UTF-8 en zet dat in de eerste regel.",
                        "Save the file as UTF-8 and say so in its first line.", where=where)  # fmt: skip
        refuse_file("xml-broken", "Het bestand is afgebroken of met de hand gewijzigd; maak het opnieuw aan.",
                    "The file is cut off or was edited by hand; make it again.", where=where)  # fmt: skip


def _split(tag: str) -> tuple[str, str]:
    """Namespace and local name; broken XML may hold tags that are no qualified names."""
    namespace, found, name = tag.rpartition("}")
    return (namespace[1:], name) if found else ("", name)


def _line(element: etree._Element) -> int | None:
    line = element.sourceline
    return line if isinstance(line, int) and 0 < line < _LAST_LINE else None


def _where(element: etree._Element) -> Where:
    return Where(line=_line(element))
