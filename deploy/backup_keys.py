"""The keys of backups: a role has one for each month. A backup opens only while the key of its month is there, and the day of its end is known before.

Mixed with a secret of the role, so that neither opens anything alone. No backup holds one: they are kept with the role's other secrets.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.database_backup import backup_key
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from keyvault.erasure_work import last_copy_day
from schemas.errors import Refused, SettingsWrong, Unavailable
from schemas.secret_file import destroy_file, read_secret, write_private
from schemas.secrets import DataKey
from schemas.values import Month

ROLES: Final = ("keyvault", "intake")
"""Whose databases nothing else could give back."""
_FILE: Final = re.compile(r"backup\.(20\d\d)(0[1-9]|1[0-2])\.key")


@dataclass(frozen=True, slots=True)
class MonthKey:
    """The key of a role's backups of one month. `last_day`: the last on which they open."""

    role: str
    month: Month
    file: Path
    last_day: dt.date

    @property
    def key_id(self) -> str:
        """Its name, which tells nothing of its bytes."""
        return self.file.stem

    @property
    def ends(self) -> dt.date:
        """The day on which it is destroyed."""
        return self.last_day + dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BackupKeys:
    """The month keys of one zone. `kept_days`: how long a backup made on the last day of its month opens."""

    folder: ZoneFolder
    kept_days: int

    def all(self) -> list[MonthKey]:
        """Those there are, the oldest first."""
        found = []
        for role in ROLES:
            for path in sorted((self.folder.role(role) / "secrets").glob("backup.*.key")):
                named = _FILE.fullmatch(path.name)
                if named is not None:
                    found.append(self._of(role, Month(int(named[1]), int(named[2]))))
        return found

    def due(self, today: dt.date) -> list[MonthKey]:
        """Those whose last day has passed."""
        return [key for key in self.all() if key.ends <= today]

    def destroy_due(self, today: dt.date) -> list[MonthKey]:
        """Overwrite and delete those whose last day has passed; which. Raises `Unavailable`."""
        return self.destroy(self.due(today))

    def destroy(self, keys: Iterable[MonthKey]) -> list[MonthKey]:
        """Overwrite and delete; which. Raises `Unavailable`."""
        done = []
        for key in keys:
            try:
                destroy_file(key.file)
            except OSError as failed:
                msg = f"{key.file} can't be destroyed; its last day was {key.last_day}: see to it that it can be written, and type `zorgstroom operator keys destroy`."
                raise Unavailable(msg) from failed
            done.append(key)
        return done

    def sealing(self, role: str, at: dt.datetime, secret: bytes) -> DataKey:
        """What a backup of a role made at this moment is sealed under; the month's key is made at first need. Raises `SettingsWrong`."""
        key = self.of_month(role, at)
        if not key.file.exists():
            _make_once(key.file)
        return backup_key(secret, read_secret(key.file, "key of this month's backups"))

    def opening(self, role: str, at: dt.datetime, secret: bytes) -> DataKey:
        """What a backup of a role made at that moment opens with. Raises `Refused` where its month's key is not there, `SettingsWrong`."""
        key = self.of_month(role, at)
        if not key.file.exists():
            raise Refused(
                "unreadable",
                f"The key of {role}'s backups of {key.month}, {key.file.name}, is not there, and nothing else opens this backup: take a newer one; or, if "
                f"its last day ({key.last_day}) has not come, put the key back from where the other secrets are kept.",
            )
        return backup_key(secret, read_secret(key.file, "key of a month's backups"))

    def of_month(self, role: str, at: dt.datetime) -> MonthKey:
        """The key of a role's backups made at a moment, whether it is there or not."""
        return self._of(role, Month.of(at.astimezone(dt.UTC).date()))

    def _of(self, role: str, month: Month) -> MonthKey:
        file = self.folder.secret_file(role, f"backup.{month.year:04d}{month.month:02d}")
        return MonthKey(role, month, file, last_copy_day(month.first_day, self.kept_days))


def backup_keys(zone: Zone) -> BackupKeys:
    """Those of a zone."""
    return BackupKeys(zone.folder, zone.copies_days())


def _make_once(path: Path) -> None:
    """Whole or not at all; of two who make it at once the first counts, for both."""
    beside = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    try:
        write_private(beside, os.urandom(32))
        os.link(beside, path)
    except FileExistsError:
        pass
    except OSError as failed:
        msg = f"{path} can't be written: is the disk full?"
        raise SettingsWrong(msg) from failed
    finally:
        beside.unlink(missing_ok=True)
