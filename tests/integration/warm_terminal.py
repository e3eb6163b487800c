"""Typing many commands without paying for the interpreter's start each time: each is a process of its own, forked from one that has imported all.

What a cold start does is tested where the package is installed (`unit/test_plain_install.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SERVER = """
import importlib, json, os, sys
import deploy.cli as cli
for door in cli.DOORS.values():
    importlib.import_module(door.module)
for line in sys.stdin:
    wish = json.loads(line)
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            for number, name, flags in ((0, wish["input"], os.O_RDONLY), (1, wish["output"], os.O_WRONLY), (2, wish["output"], os.O_WRONLY | os.O_APPEND)):
                os.dup2(os.open(name, flags), number)
            os.chdir(wish["cwd"])
            os.environ.clear()
            os.environ.update(wish["environment"])
            sys.argv = ["zorgstroom", *wish["words"]]
            sys.stdin, sys.stdout, sys.stderr = (open(n, m, closefd=False) for n, m in ((0, "r"), (1, "w"), (2, "w")))
            try:
                cli.main()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@dataclass
class Typed:
    """What a command said, both streams in one, and its exit code."""

    said: str
    code: int


class WarmTerminal:
    """One at a time; `close` ends it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def types(self, words: tuple[str, ...], *, cwd: Path, environment: dict[str, str], asked: str = "") -> Typed:
        with tempfile.TemporaryDirectory() as folder:
            given, output = Path(folder) / "in", Path(folder) / "out"
            given.write_text(asked)
            output.touch()
            wish: dict[str, Any] = {
                "words": words, "cwd": str(cwd), "environment": environment, "input": str(given), "output": str(output),
            }  # fmt: skip
            assert self._server.stdin is not None
            assert self._server.stdout is not None
            self._server.stdin.write(json.dumps(wish) + "\n")
            self._server.stdin.flush()
            answer = self._server.stdout.readline()
            assert answer, "the terminal ended"
            return Typed(output.read_text("utf-8"), int(answer))

    def close(self) -> None:
        self._server.communicate()
