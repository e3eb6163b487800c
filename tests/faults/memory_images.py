"""The memory of running processes, byte by byte. For tests that look for what must not be there."""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

_PAGE = mmap.PAGESIZE
_AT_ONCE = 1 << 24
_THERE = np.uint64(3 << 62)
"""Of a page's entry in `pagemap`: in memory, or swapped out."""


def image(pid: int, *, overlap: int, shared: bool = True, others: bool = False) -> Iterator[bytes]:
    """All that a process wrote to memory, in pieces that overlap: heap, stacks, mapped files it may change. `shared`: with what it shares,
    `others`: and of that what only others wrote, as PostgreSQL's pages in common.

    Code, and pages never touched, are left out. Skips the test where the operating system lets nobody look.
    """
    place = Path(f"/proc/{pid}")
    try:
        lines = (place / "maps").read_text().splitlines()
        with (place / "mem").open("rb", buffering=0) as memory, (place / "pagemap").open("rb", buffering=0) as pages:
            for line in lines:
                where, rights = line.split()[:2]
                first, last = (int(n, 16) for n in where.split("-"))
                if "w" in rights and "[v" not in line and (shared or "p" in rights):
                    all_of_it = others and "s" in rights
                    for start, end in [(first, last)] if all_of_it else _touched(pages, first, last):
                        yield from _part(memory, start, end, overlap)
    except PermissionError:
        pytest.skip("this machine lets nobody read the memory of a process (kernel.yama.ptrace_scope)")


def _touched(pages: BinaryIO, first: int, last: int) -> list[tuple[int, int]]:
    """Runs of pages that were written to, as addresses."""
    pages.seek(first // _PAGE * 8)
    entries = np.frombuffer(pages.read((last - first) // _PAGE * 8), "<u8")
    there = np.concatenate([[False], (entries & _THERE) != 0, [False]])
    edges = np.flatnonzero(there[1:] != there[:-1])
    return [(first + int(a) * _PAGE, first + int(b) * _PAGE) for a, b in edges.reshape(-1, 2)]


def _part(memory: BinaryIO, first: int, last: int, overlap: int) -> Iterator[bytes]:
    at, tail = first, b""
    while at < last:
        try:
            memory.seek(at)
            part = memory.read(min(_AT_ONCE, last - at))
        except OSError:
            return  # given back meanwhile
        if not part:
            return
        yield tail + part
        tail, at = part[-overlap:], at + len(part)


def held(
    pid: int, canaries: Mapping[str, Collection[bytes]], *, shared: bool = True, others: bool = False
) -> tuple[set[str], int]:
    """Which of the named canaries (each with the forms it may have) are in a process's memory, and how many bytes were read."""
    overlap = max(len(form) for forms in canaries.values() for form in forms)
    found: set[str] = set()
    size = 0
    for part in image(pid, overlap=overlap, shared=shared, others=others):
        size += len(part)
        found |= {name for name, forms in canaries.items() if name not in found and any(form in part for form in forms)}
    return found, size
