"""Where the town's own books put a service: small cases worked out by hand from the rules of placement."""

from __future__ import annotations

import datetime as dt

from producers.town.evidence import Evidence, GrantMessage, LinkNews, Residences, Stay
from producers.town.geography import Home
from producers.town.history import History, Line, Rejection
from producers.town.people import Person
from producers.town.providers import PROVIDERS
from producers.town.truth import Spot, keep_books
from schemas.values import Month

MONTHS = tuple(Month(2025, n) for n in range(1, 7))


def a_home(number: int, *, gemeente: int = 9901, kind: str = "home") -> Home:
    return Home(number, gemeente, gemeente * 10_000 + 101, 1, "9000SA", number, "", kind)


def a_person(number: int, home: Home, *, secret: bool = False, known: str = "residence") -> Person:
    return Person(number, "999900006", 1950, home, secret=secret, known=known)


def a_line(person: Person, *, day: dt.date = dt.date(2025, 1, 1), step: int = 0, service: int = 1, care: str = "wmo-01", cents: int = 500,
           payer: int = 9901) -> Line:  # fmt: skip
    return Line(
        service=service, person=person, provider=PROVIDERS[0], payer=payer, care=care, assignment="1", first=day, last=day, cents=cents,
        reference=f"D{service}", step=step, bsn=person.bsn,
    )  # fmt: skip


def named(person: Person, *stays: Stay, step: int = 0, gemeente: int = 9901) -> Residences:
    return Residences(step, gemeente, person, stays)


def since(
    home: Home, first: dt.date = dt.date(2010, 1, 1), last: dt.date | None = None, *, secret: bool = False
) -> Stay:
    return Stay(first, last, home, secret)


def grant(person: Person, home: Home, signed: dt.date, *, step: int = 0, brp: bool = True) -> GrantMessage:
    return GrantMessage(step, home.gemeente, PROVIDERS[0], person, home, signed, brp, ())


def books(lines: list[Line], *, residences=(), links=(), grants=(), rejections=()):
    history = History(MONTHS, list(lines), list(rejections))
    return keep_books(history, Evidence(list(residences), list(links), list(grants)))


def told(found) -> list[tuple]:
    return [(c.kind, c.spot.household, c.spot.area, c.step, c.cents) for c in found.changes]


CLUSTER = "BU99010101.01"


def test_a_home_counts_in_its_cluster_under_its_address() -> None:
    person = a_person(1, a_home(7))
    found = books([a_line(person)], residences=[named(person, since(person.home))])
    assert found.standing[1][1] == Spot("A7", "GM9901", "A7", "BU99010101", CLUSTER)


def test_an_institution_counts_in_the_rest_and_each_resident_alone() -> None:
    person = a_person(1, a_home(7, kind="instelling"))
    found = books([a_line(person)], residences=[named(person, since(person.home))])
    assert found.standing[1][1] == Spot("P1", "GM9901", "A7", "", "GM9901")


def test_a_shared_address_counts_in_its_cluster_and_each_resident_alone() -> None:
    person = a_person(1, a_home(7, kind="gedeeld"))
    found = books([a_line(person)], residences=[named(person, since(person.home))])
    assert found.standing[1][1] == Spot("P1", "GM9901", "A7", "BU99010101", CLUSTER)


def test_a_secret_address_counts_in_the_rest_without_its_address() -> None:
    person = a_person(1, a_home(7))
    found = books([a_line(person)], residences=[named(person, since(person.home, secret=True))])
    assert found.standing[1][1] == Spot("P1", "GM9901", "", "", "GM9901")


def test_who_is_nowhere_known_counts_alone_in_the_rest_of_the_gemeente_that_pays() -> None:
    person = a_person(1, a_home(7), known="nothing")
    found = books([a_line(person, payer=9902)])
    assert found.standing[1][1] == Spot("P1", "GM9902", "", "", "GM9902")


def test_before_the_first_stay_a_resident_is_unplaced() -> None:
    person = a_person(1, a_home(7))
    found = books([a_line(person)], residences=[named(person, since(person.home, dt.date(2025, 2, 1)))])
    assert found.standing[1][1].area == "GM9901"


def test_a_stay_ends_only_when_nothing_follows_it() -> None:
    person = a_person(1, a_home(7))
    lines = [a_line(person, day=dt.date(2025, 3, 1), step=2)]
    ended = since(person.home, last=dt.date(2025, 1, 31))
    assert books(lines, residences=[named(person, ended)]).standing[1][1].area == "GM9901"
    later = since(a_home(8), dt.date(2025, 4, 1))
    assert books(lines, residences=[named(person, ended, later)]).standing[1][1].household == "A7"


def test_a_residence_list_beats_every_address_of_a_message() -> None:
    person = a_person(1, a_home(7))
    residences = [named(person, since(a_home(8)))]
    found = books([a_line(person)], residences=residences, grants=[grant(person, person.home, dt.date(2024, 12, 20))])
    assert found.standing[1][1].household == "A8"


def test_the_earliest_dated_address_holds_for_all_time_before_and_a_later_one_from_its_day() -> None:
    person = a_person(1, a_home(7), known="messages")
    grants = [grant(person, a_home(7), dt.date(2025, 2, 10)), grant(person, a_home(8), dt.date(2025, 3, 10))]
    days = {1: dt.date(2025, 1, 1), 2: dt.date(2025, 3, 9), 3: dt.date(2025, 3, 10)}
    found = books([a_line(person, day=d, service=n, step=3) for n, d in days.items()], grants=grants)
    assert {n: spot.household for n, (_, spot) in found.standing.items()} == {1: "A7", 2: "A7", 3: "A8"}


def test_a_stay_address_places_nobody() -> None:
    person = a_person(1, a_home(7), known="nothing")
    found = books([a_line(person)], grants=[grant(person, person.home, dt.date(2024, 12, 20), brp=False)])
    assert found.standing[1][1].household == "P1"


def test_a_move_known_later_is_reversed_and_booked_anew_in_the_month_it_became_known() -> None:
    person = a_person(1, a_home(7))
    old, new = since(person.home, last=dt.date(2025, 1, 14)), since(a_home(8), dt.date(2025, 1, 15))
    lines = [a_line(person, service=1), a_line(person, service=2, day=dt.date(2025, 2, 1), step=1)]
    found = books(lines, residences=[named(person, since(person.home)), named(person, old, new, step=3)])
    assert told(found) == [
        ("delivered", "A7", CLUSTER, 0, 500), ("delivered", "A7", CLUSTER, 1, 500),
        ("rebooked", "A7", CLUSTER, 3, -500), ("rebooked", "A8", CLUSTER, 3, 500),
    ]  # fmt: skip


def test_a_move_to_the_other_municipality_ends_one_list_and_begins_another() -> None:
    person, there = a_person(1, a_home(7)), a_home(8, gemeente=9902)
    residences = [
        named(person, since(person.home)),
        named(person, since(person.home, last=dt.date(2025, 2, 14)), step=1),
        named(person, since(there, dt.date(2025, 2, 15)), step=1, gemeente=9902),
    ]
    lines = [a_line(person, service=n, day=dt.date(2025, n, 1), step=n - 1) for n in (1, 2, 3)]
    found = books(lines, residences=residences)
    assert [spot.area for _, spot in found.standing.values()] == [CLUSTER, CLUSTER, "BU99020101.01"]


def test_a_linked_child_counts_where_the_parent_counts_from_that_day_on() -> None:
    parent, child = a_person(1, a_home(7)), a_person(2, a_home(8, gemeente=9902))
    residences = [named(parent, since(parent.home)), named(child, since(child.home), gemeente=9902)]
    lines = [a_line(child, service=1), a_line(child, service=2, day=dt.date(2025, 2, 1), step=1)]
    link = LinkNews(2, 9901, child, parent, dt.date(2025, 2, 1))
    found = books(lines, residences=residences, links=[link])
    assert told(found)[2:] == [("rebooked", "A8", "BU99020101.01", 2, -500), ("rebooked", "A7", CLUSTER, 2, 500)]


def test_when_the_parent_turns_out_to_have_moved_the_linked_child_goes_along() -> None:
    parent, child = a_person(1, a_home(7)), a_person(2, a_home(8))
    moved = named(parent, since(parent.home), since(a_home(9), dt.date(2025, 1, 1)), step=2)
    residences = [named(parent, since(parent.home)), named(child, since(child.home)), moved]
    found = books([a_line(child)], residences=residences, links=[LinkNews(0, 9901, child, parent, dt.date(2025, 1, 1))])
    assert told(found)[1:] == [("rebooked", "A7", CLUSTER, 2, -500), ("rebooked", "A9", CLUSTER, 2, 500)]


def test_a_link_to_someone_unplaced_leaves_the_child_where_it_is() -> None:
    parent, child = a_person(1, a_home(7), known="nothing"), a_person(2, a_home(8))
    links = [LinkNews(0, 9901, child, parent, dt.date(2025, 1, 1))]
    found = books([a_line(child)], residences=[named(child, since(child.home))], links=links)
    assert found.standing[1][1].household == "A8"


def test_what_the_municipality_rejects_is_taken_out_where_it_stands() -> None:
    person = a_person(1, a_home(7))
    line = a_line(person)
    found = books([line], residences=[named(person, since(person.home))], rejections=[Rejection(line, 1)])
    assert told(found)[1] == ("withdrawn", "A7", CLUSTER, 1, -500)
    assert found.standing == {}


def test_a_spreadsheets_address_places_from_its_line() -> None:
    person = a_person(1, a_home(7), known="messages")
    found = books([a_line(person, care="zvw-wijkverpleging")])
    assert found.standing[1][1].household == "A7"
