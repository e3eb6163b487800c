"""What of an opened identity part places whom."""

from __future__ import annotations

import pytest

from schemas.secrets import AddressKey
from streams.address_book import AddressBook
from streams.intake import Dated, Link, Residence, secret_spot, timeline
from streams.intake_evidence import Evidence, dated_of, links_of, residences_of
from tests.unit.ledger_builders import sixteen

ANNE, BRAM, COR = sixteen("Anne"), sixteen("Bram"), sixteen("Cor")
GEMEENTE, CLUSTER = 9901, 99_01_01_01_03
JANUARY, MARCH = 20_100, 20_160
KEY = AddressKey(bytes(range(32)))


@pytest.fixture
def book(tmp_path) -> AddressBook:
    (tmp_path / "address_register.csv").write_text(
        "PC6;Huisnummer;Buurt;Wijk;Gemeente\n1234AB;7;BU99010101;WK990101;GM9901\n"
    )
    (tmp_path / "clusters.csv").write_text("PC6;Buurt;Cluster\n1234AB;BU99010101;3\n")
    (tmp_path / "special_addresses.csv").write_text("PC6;Huisnummer;Toevoeging;Soort\n")
    return AddressBook.read([tmp_path])


KNOWN, UNKNOWN = ({"postcode": p, "number": 7, "suffix": ""} for p in ("1234AB", "9999ZZ"))


def evidence(
    *, subjects: list | None = None, stays: list | None = None, links: list | None = None, refused=()
) -> Evidence:
    identity = {"subjects": subjects or [], "residences": stays or [], "links": links or []}
    return Evidence(identity, [ANNE, BRAM, COR], dict.fromkeys(refused, "bsn"))


def a_stay(subject: int, address: dict | None, from_day: int = MARCH, *, secret: bool = False) -> dict:
    return {"subject": subject, "address": address, "from_day": from_day, "until_day": None, "secret": secret}


def test_an_address_in_no_register_or_without_a_day_or_of_someone_refused_places_nobody(book) -> None:
    subjects = [
        {"address": KNOWN, "as_of": MARCH},
        {"address": UNKNOWN, "as_of": MARCH},
        {"address": KNOWN, "as_of": None},
    ]
    found = dated_of(evidence(subjects=subjects), book=book, secret=KEY)
    assert [(p, d.day, d.spot.area) for p, d in found] == [(ANNE, MARCH, CLUSTER)]
    assert dated_of(evidence(subjects=subjects, refused=[0]), book=book, secret=KEY) == []


def test_a_stay_at_a_secret_address_needs_no_register(book) -> None:
    found = residences_of(evidence(stays=[a_stay(1, None, secret=True)]), book=book, secret=KEY, gemeente=GEMEENTE)
    assert found == {BRAM: [Residence(MARCH, None, secret_spot(BRAM, GEMEENTE))]}


def test_whoever_a_residence_file_places_at_an_address_in_no_register_is_unplaced_from_that_day(book) -> None:
    stays = [a_stay(0, KNOWN, JANUARY), a_stay(0, UNKNOWN, MARCH), a_stay(1, UNKNOWN, JANUARY)]
    found = residences_of(evidence(stays=stays), book=book, secret=KEY, gemeente=GEMEENTE)
    anne = timeline([], found[ANNE])
    assert [(day, spot and spot.area) for day, spot in anne] == [(JANUARY, CLUSTER), (MARCH, None)]
    assert timeline([Dated(JANUARY, ANNE, found[ANNE][0].spot)], found[BRAM]) == []


def test_nobody_is_linked_to_himself_or_to_someone_refused(book) -> None:
    links = [
        {"subject": s, "to_subject": t, "from_day": MARCH, "until_day": None}
        for s, t in ((0, 0), (0, 1), (2, 0), (0, 9))
    ]
    assert links_of(evidence(links=links, refused=[1])) == [(COR, Link(ANNE, MARCH, None))]
