"""Installs the locked packages and, where it lies beside the lock, this checkout: `python deploy/install_locked.py .venv`.

uv does it in a tenth of pip's processor time. It is itself taken from the lock, by pip. Where uv can't (it knows nothing of pip's own settings, a mirror for
example), pip does all of it. Either way each file must have the hash in the lock. Needs nothing but Python.
"""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements.lock"
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def pinned(lock: str, name: str) -> str:
    """The lines of `name` in a lock, with version and hashes.

    Raises:
        ValueError: the lock has no such package.

    """
    found = re.search(rf"^{re.escape(name)}==(?:.*\\\n)*.*\n", lock, re.MULTILINE)
    if found is None:
        raise ValueError(f"{name} is not in the lock; make it anew with `make lock`")
    return found[0]


def install(folder: Path) -> None:
    """Make the folder a virtual environment with all that the lock names, and the checkout as it stands.

    Raises:
        subprocess.CalledProcessError: neither uv nor pip could; what they said is on the screen.

    """
    venv.create(folder, with_pip=True, symlinks=True)
    python = str(folder / "bin" / "python")
    with TemporaryDirectory() as scratch:
        own = Path(scratch) / "uv.lock"
        own.write_text(pinned(LOCK.read_text("utf-8"), "uv"), "utf-8")
        subprocess.run([python, *PIP, "--require-hashes", "-r", str(own)], check=True)
    fast = [str(folder / "bin" / "uv"), "pip", "install", "--quiet", "--python", python]
    if subprocess.run([*fast, "--require-hashes", "-r", str(LOCK)], check=False).returncode:
        print("pip goes on, with its own settings ...")
        subprocess.run([python, *PIP, "--require-hashes", "-r", str(LOCK)], check=True)
    if (ROOT / "pyproject.toml").exists():
        subprocess.run([python, *PIP, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=True)


def main() -> int:
    """What the command does."""
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        print("Python 3.11, 3.12 or 3.13 is needed; name it: make PYTHON=python3.12 ...")
        return 1
    try:
        install(Path(sys.argv[1]))
    except subprocess.CalledProcessError:
        print("The packages can't be installed; what is missing stands above. Typed again it goes on.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
