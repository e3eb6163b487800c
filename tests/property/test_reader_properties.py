"""Whatever is typed into a cell or damaged in a file: the right number, or one sentence, and never a crash."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from producers.checks import ProviderContext, check
from producers.deliveries import Delivery, Format, Reading, Withdrawal
from producers.replacements import replacements
from producers.spreadsheet_cells import CellWrong, bsn_of_cell, cents_of, day_of_cell, hundredths_of
from schemas.care import CARE_TYPES, Stream
from schemas.secrets import Bsn, passes_eleven_test
from schemas.values import Cents

FILES = Path(__file__).parents[1] / "files"
CONTEXT = ProviderContext(agb="98000001", municipalities=frozenset({9901}), today=dt.date(2026, 11, 23))
TEST_BSNS = [str(n) for n in range(999900006, 999999991) if passes_eleven_test(str(n))]
cents_values = st.integers(0, 10**10)


def thousands(euros: int, separator: str) -> str:
    return f"{euros:,}".replace(",", separator)


@given(cents_values)
def test_every_spelling_of_an_amount_gives_its_cents(cents: int) -> None:
    euros, rest = divmod(cents, 100)
    spellings = [
        f"{euros},{rest:02d}", f"{euros}.{rest:02d}", f"{thousands(euros, '.')},{rest:02d}", f"{thousands(euros, ',')}.{rest:02d}",
        f"€ {thousands(euros, '.')},{rest:02d}", f" {euros},{rest:02d} EUR", float(Decimal(cents) / 100),
    ]  # fmt: skip
    if rest == 0:
        spellings += [euros, str(euros), f"{thousands(euros, '.')},-"]
    if rest % 10 == 0:
        spellings += [f"{euros},{rest // 10}", f"{euros}.{rest // 10}"]
    assert {cents_of(s) for s in spellings} == {cents}
    assert cents_of(f"-{euros},{rest:02d}") == -cents


@given(st.integers(1, 999), st.integers(0, 999))
def test_an_amount_that_may_be_thousands_or_decimals_is_never_guessed(euros: int, rest: int) -> None:
    with pytest.raises(CellWrong):
        cents_of(f"{euros},{rest:03d}")


@given(cents_values, st.integers(1, 9))
def test_a_part_of_a_cent_is_never_dropped(cents: int, part: int) -> None:
    with pytest.raises(CellWrong):
        cents_of(f"{cents // 100}.{cents % 100:02d}{part}" + ("0" if cents // 100 < 1000 else ""))


@given(st.integers(0, 10**7))
def test_every_spelling_of_a_volume_gives_its_hundredths(hundredths: int) -> None:
    whole, rest = divmod(hundredths, 100)
    assert {hundredths_of(s) for s in (f"{whole},{rest:02d}", f"{whole}.{rest:02d}", hundredths / 100)} == {hundredths}


@given(st.dates(dt.date(1900, 1, 1), dt.date(2999, 12, 31)))
def test_every_spelling_of_a_day_gives_that_day(day: dt.date) -> None:
    spellings = [
        day, dt.datetime.combine(day, dt.time()), day.isoformat(), f"{day.isoformat()} 00:00:00", day.strftime("%d-%m-%Y"),
        f"{day.day}/{day.month}/{day.year}", f"{day.day}.{day.month}.{day.year}",
    ]  # fmt: skip
    assert {day_of_cell(s) for s in spellings} == {day}


cells = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.dates(), st.datetimes(), st.times(), st.timedeltas(),
    st.text("0123456789.,-/ €", max_size=14),
)  # fmt: skip


@given(cells)
@example("1" * 5000)
@example(float("inf"))
@example(float("nan"))
@example("٣,٥٠")
@example("1e400")
def test_any_cell_gives_a_value_or_says_what_is_right(cell: object) -> None:
    for parse in (cents_of, hundredths_of, day_of_cell, bsn_of_cell):
        said = ""
        value: object = None
        try:
            value = parse(cell)
        except CellWrong as wrong:
            said = wrong.right_nl and wrong.right_en
        assert said or (isinstance(value, (int, dt.date, Bsn)) and not isinstance(value, dt.datetime))


@given(st.sampled_from(TEST_BSNS))
def test_a_bsn_is_read_from_text_and_numbers_alike(bsn: str) -> None:
    assert (
        bsn_of_cell(bsn)
        == bsn_of_cell(int(bsn))
        == bsn_of_cell(float(bsn))
        == bsn_of_cell(f" {bsn[:4]}.{bsn[4:6]}.{bsn[6:]}")
    )


def checked(content: bytes) -> Reading:
    handle, name = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        return check(Path(name), CONTEXT)
    finally:
        Path(name).unlink()


PASSING = sorted(p.name for p in FILES.glob("*passes*"))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PASSING), st.data())
def test_a_damaged_file_gives_a_reading_and_never_an_exception(name: str, data: st.DataObject) -> None:
    content = bytearray((FILES / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(("flip", "cut", "drop", "copy")))
        if kind == "flip":
            content[start] ^= data.draw(st.integers(1, 255))
        elif kind == "cut":
            del content[start + 1 :]
        elif kind == "drop":
            del content[start : start + data.draw(st.integers(1, 200))]
        else:
            content[start:start] = content[start : start + data.draw(st.integers(1, 400))]
        if not content:
            break
    reading = checked(bytes(content))
    assert len(reading.items) == len(reading.lines)
    assert not (reading.refused_whole and reading.items)
    assert "99990" not in " ".join(f.text() for f in reading.findings if f.where.reference is None)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_a_reading(content: bytes) -> None:
    assert checked(content).items == ()


lines = st.builds(
    lambda person, care, day, cents: Delivery(
        bsn=Bsn(TEST_BSNS[person]), payer=9901, care_type=CARE_TYPES[care], first_day=dt.date(2025, 3, day),
        last_day=dt.date(2025, 3, 31), cents=Cents(cents), reference="-",
    ),
    st.integers(0, 2), st.sampled_from((111, 121)), st.integers(1, 3), st.integers(0, 2),
)  # fmt: skip


def a_file(rows: list[Delivery], numbers: list[int]) -> Reading:
    items = tuple(replace(d, reference=f"m|{n}") for d, n in zip(rows, numbers, strict=False))
    return Reading(source="m", format=Format.CSV, items=items, lines=tuple(range(2, 2 + len(items))))


def content(d: Delivery) -> tuple[object, ...]:
    return (d.bsn.reveal(), d.care_type.id, d.first_day, d.cents.value)


@given(st.lists(st.tuples(st.lists(lines, max_size=6), st.permutations(range(6))), min_size=2, max_size=4))
def test_after_every_replacement_stands_exactly_what_the_newest_file_says(
    months: list[tuple[list[Delivery], list[int]]],
) -> None:
    standing: dict[tuple[Stream, str], Delivery] = {}
    ever: set[tuple[Stream, str]] = set()
    before = a_file([], [])
    for rows, numbers in months:
        new = a_file(rows, numbers)
        sent = replacements(before, new, used=ever)
        for item in sent.items:
            assert (item.stream, item.reference) not in ever
            ever.add((item.stream, item.reference))
            if isinstance(item, Withdrawal):
                assert standing.pop((item.stream, item.withdrawn_reference)).bsn == item.bsn
            else:
                assert isinstance(item, Delivery)
                standing[item.stream, item.reference] = item
        assert sorted(map(content, standing.values())) == sorted(map(content, rows))
        in_force = dict(sent.to_write_back)
        kept = [replace(i, reference=in_force.get(n, i.reference)) for i, n in zip(new.items, new.lines, strict=True)]
        assert {(i.stream, i.reference) for i in kept} == set(standing)
        before = replace(new, items=tuple(kept))
