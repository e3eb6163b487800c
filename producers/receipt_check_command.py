"""`zorgstroom receipt FILE --root FILE`: whether the receipt of an erasure is real, for anybody who has the network's public root keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from producers.command_frame import out, sentences_for
from schemas.erasure_receipt import checked
from schemas.errors import SettingsWrong
from schemas.roots import Roots

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.command()
@sentences_for(stopped=lambda: "Stopped.", fault=lambda kind: f"Something went wrong in the program itself ({kind}).")
def check(
    file: Annotated[Path, typer.Argument(help="Receipt of an erasure, as the municipality hands it over.")],
    root: Annotated[
        Path,
        typer.Option(
            "--root", help="The network's public root keys: a file of `zorgstroom operator keys public-root`."
        ),
    ],
    lang: Annotated[str, typer.Option("--lang", help="nl or en.")] = "nl",
) -> None:
    """Check that the network's keyvault signed a receipt, and say what it says. Needs no network and no keys of your own."""
    try:
        data = file.read_bytes()
    except OSError as absent:
        msg = f"{file} can't be read."
        raise SettingsWrong(msg) from absent
    receipt = checked(data, read_roots(root))
    for line in receipt.told(lang=lang):
        out.print(line, markup=False)
    dutch = lang == "nl"
    out.print(
        f"De handtekening klopt ({receipt.key_id})." if dutch else f"The signature holds ({receipt.key_id}).",
        markup=False,
    )


def read_roots(path: Path) -> Roots:
    """The public root keys of a file that has them. Raises `SettingsWrong`."""
    try:
        fields: Any = json.loads(path.read_text("utf-8"))
        return Roots.of(fields.get("roots", fields))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as wrong:
        msg = f"{path} does not name three root keys."
        raise SettingsWrong(msg) from wrong
