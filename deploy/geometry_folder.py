"""The folder of one municipality that intake and release read: made from files, checked as they read it, put in place file by file.

A kill in between leaves old and new files side by side; the same command again ends with the same folder. (Where all clusters were drawn anew
it may say that they stay now: then without `--anew`.)
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from projections.geometry.boundaries import Boundaries, read_boundaries
from projections.geometry.drawing import page
from projections.geometry.freezing import FROZEN_YEARS, Drawn
from projections.geometry.geojson_files import Collection, read_features
from projections.geometry.ground import Ground, Tell, put_together, remarks
from projections.geometry.ground_text import CLUSTERS, FORMER, SPECIAL, files_of, read_drawn
from projections.geometry.places import Places, read_extract, read_postcode_areas
from projections.geometry.population import read_population
from projections.geometry.register import Register, read_register, register_year
from schemas.errors import SettingsWrong
from schemas.geography import gemeente_code
from streams import release_geography
from streams.address_book import AddressBook

DRAWING: Final = "geometry.html"
_BESIDE: Final = ".drawing"
_NO_SPECIALS: Final = "PC6;Huisnummer;Toevoeging;Soort\n"


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that are given. `year` of the boundaries where no file says it."""

    boundaries: Sequence[Path]
    register: Path
    places: Path | None = None
    population: Path | None = None
    year: int | None = None


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
    except OSError as absent:
        msg = f"{path} can't be read. Check the name and who may read it."
        raise SettingsWrong(msg) from absent


def _features(path: Path) -> Collection:
    try:
        with _lines(path) as lines:
            text = "".join(lines)
    except UnicodeDecodeError as broken:
        msg = f"{path} is no text in UTF-8, so no GeoJSON. Fetch or export the file again."
        raise SettingsWrong(msg) from broken
    return read_features(text, str(path))


def _read_boundaries(sources: Sources, gemeente: int) -> Boundaries:
    with _lines(sources.register) as lines:
        year = register_year(lines, str(sources.register))
    if None not in (year, sources.year) and year != sources.year:
        msg = f"{sources.register} is cut by the boundaries of {year}, not of {sources.year}. Use the register of {sources.year}, or leave --year out."
        raise SettingsWrong(msg)
    files = {str(path): _features(path) for path in sources.boundaries}
    return read_boundaries(files, gemeente, year=sources.year or year)


def _read_places(path: Path | None, register: Register) -> Places:
    if path is None:
        return Places()
    if path.suffix.lower() in (".geojson", ".json"):
        return read_postcode_areas(_features(path), str(path))
    with _lines(path) as lines:
        return read_extract(lines, str(path), register.addresses)


def drawn_before(folder: Path, gemeente: int) -> Drawn:
    """The clusters a folder has; none where it has no such file. Raises `SettingsWrong`; also where they are another municipality's."""
    path, former = folder / CLUSTERS, folder / FORMER
    if not path.exists():
        return Drawn()
    gone: list[str] = []
    if former.exists():
        with _lines(former) as lines:
            gone = list(lines)
    with _lines(path) as lines:
        found = read_drawn(lines, str(path), former=gone, former_where=str(former))
    if any(buurt // 10_000 != gemeente for _, buurt in found.clusters):
        msg = f"{folder} has the clusters of another municipality. Name a folder of its own for {gemeente_code(gemeente)}."
        raise SettingsWrong(msg)
    return found


def draw(sources: Sources, gemeente: int, *, before: Drawn, anew: bool, tell: Tell) -> tuple[Ground, list[str]]:
    """Read all files and put the ground together; it and what is worth saying. Raises `SettingsWrong`, naming file and place."""
    boundaries = _read_boundaries(sources, gemeente)
    if anew and before.clusters and boundaries.year < before.may_be_redrawn_from():
        msg = (
            f"The clusters stay for {FROZEN_YEARS} years: they may be drawn anew on the boundaries of {before.may_be_redrawn_from()}, "
            f"not on those of {boundaries.year}. Leave --anew out; then they are kept."
        )
        raise SettingsWrong(msg)
    with _lines(sources.register) as lines:
        register = read_register(lines, str(sources.register), gemeente, buurten=boundaries.buurten)
    places, population = _read_places(sources.places, register), None
    if sources.population:
        codes = {
            gemeente_code(gemeente),
            *(f"WK{w:06d}" for w in boundaries.wijken),
            *(b.code for b in boundaries.buurten.values()),
        }
        with _lines(sources.population) as lines:
            population = read_population(lines, str(sources.population), gemeente, year=boundaries.year, areas=codes)
    kept = before.let_go() if anew else before
    ground = put_together(boundaries, register, places, population=population, before=kept, tell=tell)
    return ground, remarks(ground, places)


def texts_of(ground: Ground, said: Sequence[str], folder: Path) -> dict[str, str]:
    """File name -> text of what a folder gets; the special addresses it has are kept, and begun empty where it has none."""
    special = {} if (folder / SPECIAL).exists() else {SPECIAL: _NO_SPECIALS}
    return files_of(ground) | special | {DRAWING: page(ground, said)}


def changed(texts: dict[str, str], folder: Path) -> list[str]:
    """The files that are there and would become others."""
    return [n for n, text in texts.items() if (folder / n).exists() and (folder / n).read_bytes() != text.encode()]


def write(texts: dict[str, str], folder: Path, gemeente: int, *, year: int) -> None:
    """Write everything beside the folder's files, read it as intake and release do, then put it in their place. Raises `SettingsWrong`."""
    beside = folder / _BESIDE
    try:
        shutil.rmtree(beside, ignore_errors=True)  # of a try that was broken off
        beside.mkdir(parents=True)
        for file, text in texts.items():
            (beside / file).write_bytes(text.encode())
        if SPECIAL not in texts:
            shutil.copyfile(folder / SPECIAL, beside / SPECIAL)
        AddressBook.read([beside])
        release_geography.read(beside, gemeente, year=year)
        for file in texts:
            (beside / file).replace(folder / file)
    except OSError as wrong:
        msg = f"{folder} can't be written; check the name, the permissions and the free space."
        raise SettingsWrong(msg) from wrong
    except SettingsWrong as wrong:
        raise SettingsWrong(str(wrong).replace(str(beside), str(folder))) from wrong
    finally:
        shutil.rmtree(beside, ignore_errors=True)
