"""Apache Kafka's jars, resolved by jgo from the public Maven repository and checked one by one against our own lock file.

`deploy/kafka_jars.lock` has a line `sha256  filename` per jar. A jar that is not in it, or differs, never reaches the
class path. What is fetched stays inside the cache folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

from schemas.errors import ContractBroken, SettingsWrong, Unavailable

VERSION: Final = "4.3.0"
ENDPOINT: Final = (
    f"org.apache.kafka:kafka_2.13:{VERSION}+org.apache.kafka:kafka-server:{VERSION}+org.slf4j:slf4j-simple:1.7.36"
)
"""No log4j end point here: with one, jgo would take an older kafka-clients and the broker dies at start."""


def _silent(_: str) -> None:
    """Tell nobody."""


def locked_jars() -> dict[str, str]:
    """File name -> SHA-256 (hex) of every jar the broker needs."""
    text = files("deploy").joinpath("kafka_jars.lock").read_text("utf-8")
    return {name: digest for digest, name in (line.split() for line in text.splitlines() if line)}


def jars(cache: Path, *, tell: Callable[[str], None] = _silent) -> Path:
    """Folder with exactly the locked jars, fetched at first use (43 MB, 4 to 15 s) and checked at every use.

    `tell` gets a sentence before anything is fetched. Raises `Unavailable` when the repository can't be reached,
    `ContractBroken` when a jar is not the locked one.
    """
    folder, wanted = cache / f"kafka-{VERSION}", locked_jars()

    def there() -> bool:
        return all((folder / name).exists() for name in wanted)

    if not there():
        with one_at_a_time(cache):
            if not there():
                tell(f"Fetching Apache Kafka {VERSION} (43 MB, once) ...")
                _fetch(cache, folder, wanted)
    check(folder, wanted)
    return folder


@contextmanager
def one_at_a_time(cache: Path) -> Iterator[None]:
    """Of several processes that find something missing in the cache at once, one makes it and the others wait for it. Raises `SettingsWrong`."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        file = (cache / "kafka.lock").open("w")
    except OSError as closed:
        raise _not_written(cache) from closed
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def check(folder: Path, wanted: Mapping[str, str]) -> None:
    """Hold the jars in `folder` against `wanted`. Raises `ContractBroken`, after removing the jar that differs."""
    for name, digest in wanted.items():
        path = folder / name
        if not path.exists() or _digest(path) != digest:
            path.unlink(missing_ok=True)
            msg = (
                f"The jar {name} is not the one in deploy/kafka_jars.lock; it was removed, run again to fetch it anew."
            )
            raise ContractBroken(msg)
    for path in folder.glob("*.jar"):
        if path.name not in wanted:
            msg = f"The jar {path} is not in deploy/kafka_jars.lock; remove it."
            raise ContractBroken(msg)


def write_lock(cache: Path, target: Path) -> None:
    """Write the lock file anew from what jgo resolves now (`make lock`)."""
    with _scratch(cache) as scratch:
        lines = [f"{_digest(jar)}  {jar.name}\n" for jar in _resolve(Path(scratch))]
    target.write_text("".join(lines), "utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _scratch(cache: Path) -> tempfile.TemporaryDirectory[str]:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix="fetching-", dir=cache)
    except OSError as closed:
        raise _not_written(cache) from closed


def _not_written(cache: Path) -> SettingsWrong:
    return SettingsWrong(f"The cache folder {cache} can't be written; name another with ZORGSTROOM_CACHE.")


def _fetch(cache: Path, folder: Path, wanted: Mapping[str, str]) -> None:
    with _scratch(cache) as scratch:
        found = [jar for jar in _resolve(Path(scratch)) if jar.name in wanted]
        checked = Path(scratch) / "checked"
        checked.mkdir()
        for jar in found:
            shutil.copyfile(jar, checked / jar.name)
        check(checked, wanted)
        folder.mkdir(parents=True, exist_ok=True)
        for jar in checked.iterdir():
            jar.replace(folder / jar.name)  # whole or not at all, also beside another run that does the same


def _resolve(scratch: Path) -> list[Path]:
    """All jars jgo finds for the end point, from both folders (jars, modules) of its environment, by name."""
    try:
        from jgo.env import EnvironmentBuilder
        from jgo.maven import MavenContext
    except ModuleNotFoundError as absent:
        msg = "The embedded Kafka needs `pip install 'zorgstroom[zone]'`, or name your own with ZORGSTROOM_KAFKA."
        raise SettingsWrong(msg) from absent
    logging.getLogger("jgo").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            context = MavenContext(repo_cache=scratch / "maven")
            environment = EnvironmentBuilder(context=context, cache_dir=scratch / "jgo").from_endpoint(ENDPOINT)
        except Exception as away:
            msg = "Kafka's jars can't be fetched from the Maven repository; check the network and try again."
            raise Unavailable(msg) from away
    return sorted(Path(environment.path).rglob("*.jar"), key=lambda jar: jar.name)
