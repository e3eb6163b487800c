"""Writes a town: the ground, what municipalities publish, and per provider and month the files it publishes, in name order.

Knows file names and their order; what is in them comes from the modules beside it. The same arguments give the same bytes.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from producers.town.evidence import Evidence, Stay
from producers.town.geography import Municipality
from producers.town.ground_files import write_csv, write_ground
from producers.town.history import History, Line
from producers.town.messages import Ends, answer, assignment, declaration, total_cents
from producers.town.people import Person
from producers.town.providers import TARIFFS
from producers.town.sheets import write_csv_sheet, write_xlsx

Tell = Callable[[str, int, int], None]
"""What is being written, how many steps are done, how many there are."""

_ORDINARY: Final = 20
_TURN_NAMES: Final = {_ORDINARY: "", 92: "-nog-een-keer", 95: "-later", 97: "-met-fouten"}
Key = tuple[str, str, int]
"""Law (`wmo`, `jw`, or `` for a spreadsheet), AGB code, gemeente."""


@dataclass(slots=True)
class Mischief:
    """What goes wrong with whole files: lines sent again in a copy, declarations whose total is wrong (refused whole)."""

    copied_lines: int = 0
    wrong_totals: int = 0


@dataclass(slots=True)
class _Declared:
    """The ordinary declaration of one month, which an answer names."""

    number: str
    total: int


@dataclass(slots=True)
class _Writer:
    """State while writing: which declaration went where, and numbers handed out."""

    folder: Path
    history: History
    declared: dict[tuple[int, Key], _Declared] = field(default_factory=dict)
    serial: int = 0
    mischief: Mischief = field(default_factory=Mischief)

    def place(self, agb: str, step: int) -> Path:
        """The folder of a provider's month, made at need."""
        found = self.folder / "providers" / f"p{agb}" / str(self.history.months[step])
        found.mkdir(parents=True, exist_ok=True)
        return found

    def number(self, letter: str) -> str:
        """A message number of at most 12 characters."""
        self.serial += 1
        return f"{letter}{self.serial:08d}"


def key_of(line: Line) -> Key:
    """Which file of its month a line belongs to."""
    law = line.care.partition("-")[0] if line.care in TARIFFS else ""
    return law, line.provider.agb, line.payer


def write_files(
    folder: Path, municipalities: Sequence[Municipality], *, history: History, evidence: Evidence, tell: Tell
) -> Mischief:
    """Write everything but town.json and the truth; returns what was done to whole files."""
    for municipality in municipalities:
        write_ground(folder / f"GM{municipality.number:04d}", municipality)
    writer = _Writer(folder, history)
    lines: dict[int, list[Line]] = defaultdict(list)
    for line in history.lines:
        lines[line.step].append(line)
    for step in range(len(history.months)):
        tell("files", step, len(history.months))
        _write_news(folder, municipalities, step=step, history=history, evidence=evidence)
        _write_answers(writer, step)
        _write_grants(writer, step, evidence)
        _write_lines(writer, step, lines[step])
    tell("files", len(history.months), len(history.months))
    return writer.mischief


def _write_news(
    folder: Path, municipalities: Sequence[Municipality], *, step: int, history: History, evidence: Evidence
) -> None:
    for municipality in municipalities:
        place = folder / f"GM{municipality.number:04d}" / str(history.months[step])
        news = [r for r in evidence.residences if (r.step, r.gemeente) == (step, municipality.number)]
        links = [k for k in evidence.links if (k.step, k.gemeente) == (step, municipality.number)]
        if news:
            head = ("BSN", "van", "tot", "postcode", "huisnummer", "toevoeging", "geheim", "geboren")
            write_csv(place / "residences.csv", head, [_stay_row(r.person, stay) for r in news for stay in r.stays])
        if links:
            rows = [(k.person.bsn, k.other.bsn, k.first, "") for k in links]
            write_csv(place / "links.csv", ("BSN", "bij BSN", "van", "tot"), rows)


def _stay_row(person: Person, stay: Stay) -> tuple[object, ...]:
    """A secret address stays with the municipality: the row says only that it is secret."""
    days = (person.bsn, stay.first, stay.last or "")
    if stay.secret:
        return (*days, "", "", "", "ja", person.born[:7])
    return (*days, stay.home.postcode, stay.home.number, stay.home.suffix, "nee", person.born[:7])


def _write_answers(writer: _Writer, step: int) -> None:
    rejected: dict[Key, list[Line]] = defaultdict(list)
    for rejection in writer.history.rejections:
        if rejection.step == step:
            rejected[key_of(rejection.line)].append(rejection.line)
    for key, lines in sorted(rejected.items()):
        month, declared = writer.history.months[step - 1], writer.declared[step - 1, key]
        text = answer(
            Ends(*key), lines, number=writer.number("A"), declared=declared.number, month=month, total=declared.total
        )
        (writer.place(key[1], step) / f"00-{key[0]}325-GM{key[2]:04d}-{month}.xml").write_text(text, "utf-8")


def _write_grants(writer: _Writer, step: int, evidence: Evidence) -> None:
    for grant in evidence.grants:
        if grant.step == step:
            law = grant.grants[0].care.partition("-")[0]
            days = [writer.history.months[g.first].first_day for g in grant.grants]
            ends, number = Ends(law, grant.provider.agb, grant.gemeente), writer.number("T")
            text = assignment(ends, grant, number=number, first_days=days)
            (writer.place(ends.agb, step) / f"10-{law}301-{number}.xml").write_text(text, "utf-8")


def _write_lines(writer: _Writer, step: int, lines: Sequence[Line]) -> None:
    grouped: dict[tuple[int, Key], list[Line]] = defaultdict(list)
    for line in lines:
        grouped[line.turn, key_of(line)].append(line)
    for (turn, key), own in sorted(grouped.items(), key=lambda pair: pair[0]):
        if key[0]:
            _write_declaration(writer, step, key=key, turn=turn, lines=own)
        else:
            _write_sheet(writer, step, key=key, lines=own)


def _write_declaration(writer: _Writer, step: int, *, key: Key, turn: int, lines: Sequence[Line]) -> None:
    month, number = writer.history.months[step], writer.number("D")
    text = declaration(Ends(*key), lines, number=number, month=month)
    place = writer.place(key[1], step)
    path = place / f"{turn}-{key[0]}323-GM{key[2]:04d}-{month}{_TURN_NAMES[turn]}.xml"
    path.write_text(text, "utf-8")
    if turn != _ORDINARY:
        return
    writer.declared[step, key] = _Declared(number, total_cents(lines))
    if writer.serial % 9 == 0:  # now and then somebody sends the very same file again
        shutil.copyfile(path, place / f"90-{key[0]}323-GM{key[2]:04d}-{month}-kopie.xml")
        writer.mischief.copied_lines += len(lines)
    if writer.serial % 11 == 0:  # or first one whose total is wrong, which is refused whole
        wrong = declaration(Ends(*key), lines, number=writer.number("D"), month=month, total_wrong_by=1)
        (place / f"15-{key[0]}323-GM{key[2]:04d}-{month}-totaal-fout.xml").write_text(wrong, "utf-8")
        writer.mischief.wrong_totals += 1


def _write_sheet(writer: _Writer, step: int, *, key: Key, lines: Sequence[Line]) -> None:
    months = writer.history.months
    path = writer.place(key[1], step) / f"30-leveringen-GM{key[2]:04d}-{months[step]}"
    ordered = sorted(lines, key=lambda line: line.reference)
    if int(key[1]) % 3 == 0:
        write_csv_sheet(path.with_suffix(".csv"), ordered, months=months)
    else:
        write_xlsx(path.with_suffix(".xlsx"), ordered, months=months)
