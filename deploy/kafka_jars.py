"""Apache Kafka's jars, resolved by jgo from the public Maven repository and checked one by one against our own lock file.

`deploy/kafka_jars.lock` has a line `sha256  filename` per jar. A jar that is not in it, or differs, is refused.
"""

from __future__ import annotations

import hashlib
import shutil
import warnings
from importlib.resources import files
from pathlib import Path
from typing import Final

from schemas.errors import ContractBroken, Unavailable

ENDPOINT: Final = (
    "org.apache.kafka:kafka_2.13:4.3.0+org.apache.kafka:kafka-server:4.3.0+org.slf4j:slf4j-simple:1.7.36"
)
"""No log4j end point here: with one, jgo would take an older kafka-clients and the broker dies at start."""


def locked_jars() -> dict[str, str]:
    """File name -> SHA-256 of every jar the broker needs."""
    text = files("deploy").joinpath("kafka_jars.lock").read_text("utf-8")
    return {name: digest for digest, name in (line.split() for line in text.splitlines() if line)}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def jars(cache: Path) -> Path:
    """Folder with exactly the locked jars, fetched at first use (43 MB, 4 to 15 s).

    Raises `Unavailable` when the repository can't be reached, `ContractBroken` when a jar is not the locked one.
    """
    folder = cache / "kafka-4.3.0"
    wanted = locked_jars()
    if all((folder / name).exists() for name in wanted):
        _check(folder, wanted)
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for jar in resolve(cache):
        if jar.name in wanted:
            shutil.copyfile(jar, folder / jar.name)
    _check(folder, wanted)
    return folder


def resolve(cache: Path) -> list[Path]:
    """All jars jgo finds for the end point, from both folders of its environment. Raises `Unavailable`."""
    import jgo

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            environment = jgo.build(ENDPOINT, cache_dir=cache / "jgo")
        except Exception as away:
            msg = "Kafka's jars can't be fetched from the Maven repository; check the network and try again."
            raise Unavailable(msg) from away
    return sorted(Path(environment.path).rglob("*.jar"), key=lambda p: p.name)


def _check(folder: Path, wanted: dict[str, str]) -> None:
    for name, digest in wanted.items():
        path = folder / name
        if not path.exists() or _digest(path) != digest:
            path.unlink(missing_ok=True)
            msg = f"The jar {name} is not the one in deploy/kafka_jars.lock; it was removed, run again to fetch it anew."
            raise ContractBroken(msg)


def write_lock(cache: Path, target: Path) -> None:
    """Write the lock file anew from what jgo resolves now (`make lock`)."""
    lines = [f"{_digest(jar)}  {jar.name}\n" for jar in resolve(cache)]
    target.write_text("".join(lines), "utf-8")
