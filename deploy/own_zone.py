"""A zone of one's own registers on one machine: made once from folders of files, then run until told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from deploy.admission import admit_here
from deploy.pages import addresses, start_page
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from schemas.errors import SettingsWrong
from schemas.geography import gemeente_code, gemeente_number
from schemas.values import Month
from streams import release_geography
from streams.address_book import AddressBook


def parse_folders(arguments: list[str]) -> dict[int, Path]:
    """`GM9901=FOLDER` arguments as gemeente number -> folder. Raises `SettingsWrong`."""
    found: dict[int, Path] = {}
    for argument in arguments:
        code, equals, folder = argument.partition("=")
        try:
            number = gemeente_number(code.upper())
        except ValueError:
            number = 0
        if not number or not equals or not Path(folder).is_dir():
            msg = f"{argument}: write GM and four digits, an equals sign and the folder with its files, e.g. GM9901=registers."
            raise SettingsWrong(msg)
        found[number] = Path(folder).resolve()
    return found


def make_zone(folder: ZoneFolder, folders: dict[int, Path], *, first_month: Month) -> int:
    """Check all files of all municipalities, then make keys and settings; returns how many addresses the registers have.

    Raises `SettingsWrong`, naming file and line, before anything is made; also where a zone stands already.
    """
    if folder.exists:
        msg = f"{folder.path} holds a zone already; it is never made anew. Name another folder with --data."
        raise SettingsWrong(msg)
    if not folders:
        msg = "Name at least one municipality: GM9901=FOLDER."
        raise SettingsWrong(msg)
    book = AddressBook.read(list(folders.values()))
    for number, files in folders.items():
        datum = release_geography.read(files, number, year=first_month.year)
        _check_areas(datum["areas"], number, files)
    Zone(folder).make(municipalities=sorted(folders), first_month=first_month, address_dirs=folders, by_calendar=True)
    return len(book)


def _check_areas(areas: list[dict[str, str]], number: int, folder: Path) -> None:
    known = {a["code"] for a in areas}
    orphans = [a["code"] for a in areas if a["level"] != "gemeente" and a["parent"] not in known]
    if gemeente_code(number) not in known or orphans:
        lack = f"the parent of {orphans[0]}" if orphans else gemeente_code(number)
        msg = f"{folder / 'geography.geojson'} lacks {lack}."
        raise SettingsWrong(msg)


def start_zone(zone: Zone) -> dict[str, str]:
    """Start everything, admit the municipalities as senders, open their pages; what to open by name."""
    zone.start()
    numbers = zone.folder.settings()["municipalities"]
    for number in numbers:
        zone.tell(f"{gemeente_code(number)} and its page")
        admit_here(zone, f"gm{number:04d}", name=gemeente_code(number), municipalities=[number])
        start_page(zone, number)
    return addresses(zone)


def tend(zone: Zone, tell: Callable[[str], None]) -> None:
    """Keep everything running until Ctrl-C; `tell` hears what ended and was started again."""
    while True:
        for line in zone.supervisor.tend():
            tell(line)
        time.sleep(1)
