"""A worker process of an audit: reads the audit and then pieces of it from its standard input, writes answers to its standard output, ends with its input.

It opens no file, no socket and no database, and writes nothing else: what goes wrong here shows by its end, and is done again where it was asked.
"""

from __future__ import annotations

import os
import queue
import resource
import signal
import sys
import threading
from typing import IO, Any

from projections.release.audit.audit import Audit
from projections.release.audit.crew import receive, send


def _read(source: IO[bytes], inbox: queue.SimpleQueue[Any]) -> None:
    """Everything that comes; at its end nobody waits for an answer any more, so whatever is being done stops too."""
    try:
        while True:
            inbox.put(receive(source))
    except (EOFError, OSError):
        os._exit(0)


def main() -> None:
    """Entry: no arguments. Who started it ends it, not a key or a signal that was meant for that process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash leaves no memory on the disk
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, inbox), daemon=True).start()
    audit = Audit(*inbox.get())
    while True:
        what, of = inbox.get()
        if what == "begin":
            audit.begin(of)
        else:
            send(answers, audit.do(of))


if __name__ == "__main__":
    main()
