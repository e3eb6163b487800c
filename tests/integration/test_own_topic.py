"""The municipality's own topic on a real Kafka: typed at the terminal, written at a page's own process after a real sign-in, read by nobody else."""

from __future__ import annotations

import contextlib
import datetime as dt
import html
import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from confluent_kafka import Producer
from municipality_page_builders import geography, record
from test_municipal_baseline import THEN, epoch_of
from typer.testing import CliRunner

from deploy import baseline_commands
from deploy.admission import admit_here
from deploy.cli import app
from deploy.demo_sign_in import start_sign_in
from deploy.key_register import KeyRegister, role_key_entries
from deploy.municipal_topic import OwnTopic, own_keys
from deploy.pages import page_address, start_page
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from producers.requests import publish_requests
from projections.municipal_events import Story
from projections.municipal_topic import MunicipalReader, append
from schemas import topics
from schemas.care import Stream
from schemas.errors import Refused, Unavailable
from schemas.municipal_events import Kind, Pen, told_keys
from schemas.requests import DataRequest
from schemas.secrets import SigningKey
from schemas.values import Month, SenderId

pytestmark = pytest.mark.servers
OURS, THEIRS = 9901, 9902


@pytest.fixture(scope="module")
def zone() -> Iterator[Zone]:
    """Kafka, two municipalities admitted, something released to one of them, a page for each and a sign-in; no roles, no PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-own-topic-"))
    folder.chmod(0o755)
    made = Zone(ZoneFolder(folder / "data"))
    try:
        made.make(municipalities=[OURS, THEIRS], first_month=Month(2025, 1), address_dirs={})
        made.kafka.start()
        made.apply_topics()
        made.publish_directory(role_key_entries(made.folder))
        for number in (OURS, THEIRS):
            admit_here(made, f"gm{number:04d}", name=f"GM{number:04d}", municipalities=[number])
        release(made)
        ask(made)
        start_sign_in(made)
        for number in (OURS, THEIRS):
            start_page(made, number)
        yield made
    finally:
        made.supervisor.stop()
        made.kafka.stop()
        shutil.rmtree(folder, ignore_errors=True)


def release(zone: Zone) -> None:
    """One quarter and its areas on the municipality's macro topic, as release signs them."""
    secret = SigningKey(KeyRegister.of(zone.folder).current_secret("release", "signing"))
    producer = Producer(zone.kafka.client(zone.certificate("release")) | {"acks": "all"})
    for datum in (geography(), epoch_of(THEN, 2025)):
        producer.produce(topics.macro_topic(OURS), record(datum, secret), partition=0)
    assert producer.flush(20) == 0


def ask(zone: Zone) -> None:
    """The municipality asks three providers for the year."""
    asked = DataRequest(
        OURS, Month(2025, 1), Month(2025, 12), (Stream.WMO,), tuple(SenderId(f"p9800000{n}") for n in (1, 2, 3)), "oefenen",
        "jeugdwet-7.4", dt.date(2026, 2, 1),
    )  # fmt: skip
    publish_requests(OwnTopic(zone, OURS).profile, [asked])


class Browser:
    """Follows nothing by itself and keeps cookies by their names, also over this machine's own address, as browsers do."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, url: str, fields: dict[str, str] | None = None) -> httpx.Response:
        headers = {"accept": "text/html", "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if fields is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        answer = httpx.request(
            method, url, headers=headers, content=urlencode(fields) if fields is not None else None, timeout=20
        )
        for said in answer.headers.get_list("set-cookie"):
            name, _, value = said.partition(";")[0].partition("=")
            if "Max-Age=0" in said:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer

    def sign_in(self, page: str, sub: str) -> httpx.Response:
        to_provider = self.ask("GET", f"{page}aanmelden?naar=/verhalen").headers["location"]
        assert "Kies wie u bent" in self.ask("GET", to_provider).text
        parts = urlsplit(to_provider)
        fields = dict(parse_qsl(parts.query)) | {"sub": sub}
        back = self.ask("POST", f"{parts.scheme}://{parts.netloc}{parts.path}", fields).headers["location"]
        return self.ask("GET", back)

    def send(self, page: str, path: str, **fields: str) -> httpx.Response:
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.ask("GET", f"{page}verhalen").text)[1]
        return self.ask("POST", page.rstrip("/") + path, {"csrf": csrf} | fields)


def signed_in(zone: Zone, number: int, first: str) -> Browser:
    browser = Browser()
    assert browser.sign_in(page_address(zone, number), f"{first}-gm{number:04d}").status_code == 303
    return browser


NOTE = {
    "area": "GM9901P", "group": "total", "first_month": "2025-01", "last_month": "2025-03", "speaker": "policy", "audience": "council",
    "text": "Het **wijkteam** begon.",
}  # fmt: skip


def test_a_story_is_written_and_released_after_sign_in_and_stands_signed_on_the_topic(zone: Zone) -> None:
    number, other = OURS, THEIRS
    page = page_address(zone, number)
    wies, vera = signed_in(zone, number, "wies"), signed_in(zone, number, "vera")
    kept = wies.send(page, "/verhalen/nieuw", **NOTE)
    assert kept.status_code == 303, html.unescape(kept.text)
    path = kept.headers["location"].partition("?")[0]
    assert "wijkteam" not in httpx.get(f"{page}verhalen").text
    assert wies.send(page, f"{path}/vrijgeven", revision="1").status_code == 403
    assert vera.send(page, f"{path}/vrijgeven", revision="1").status_code == 303
    assert "<strong>wijkteam</strong>" in httpx.get(f"{page}verhalen").text, (
        "figures and stories are open by the setting"
    )
    assert "wijkteam" not in httpx.get(f"{page_address(zone, other)}verhalen").text
    note = OwnTopic(zone, number).story().notes[path.rpartition("/")[2]]
    assert (note.latest.actor_name, note.releases[0].actor) == (
        f"Wies Voorbeeld (GM{number:04d})",
        f"vera-gm{number:04d}",
    )


def test_somebody_of_another_municipality_gets_a_clear_page_and_no_session(zone: Zone) -> None:
    number, other = OURS, THEIRS
    browser = Browser()
    answer = browser.sign_in(page_address(zone, number), f"wies-gm{other:04d}")
    assert answer.status_code == 403
    assert "geen rol bij deze gemeente" in answer.text
    assert browser.cookies == {} or all("aanmelden" in name for name in browser.cookies)


def test_the_certificate_of_another_municipality_reads_and_writes_nothing_of_it(zone: Zone) -> None:
    number, other = OURS, THEIRS
    theirs = zone.kafka.client(zone.reader_certificate(f"gm{other:04d}")) | {"log_level": 0}
    reader = MunicipalReader(theirs, f"gm{other:04d}.peek", number, told_keys(own_keys(zone, number)))
    with pytest.raises((Refused, Unavailable)):
        reader.catch_up(seconds=10)
    reader.close()
    assert (reader.story, reader.next_offset, reader.refused) == (Story(), 0, 0)
    with pytest.raises(Unavailable):
        append(theirs, number, b"forged")


def test_what_lies_on_the_topic_and_is_not_the_municipalitys_changes_nothing(zone: Zone) -> None:
    number, other = OURS, THEIRS
    before = OwnTopic(zone, number).story()
    topic = OwnTopic(zone, number)
    mark = {"intervention": "i9", "area": f"GM{number:04d}P", "group": "total", "day": 20_000, "what": "Vals"}
    theirs = Pen(number, OwnTopic(zone, other).profile.signing_key())
    forged = theirs.signed(Kind.INTERVENTION_MARKED, at_ms=1, actor="x", actor_name="x", **mark)
    append(topic.profile.kafka(), number, b"not an event")
    append(topic.profile.kafka(), number, forged)
    assert topic.story() == before


def test_a_baseline_is_frozen_at_the_terminal_and_on_the_page_at_once(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        baseline_commands, "awake", lambda *_, **__: contextlib.nullcontext()
    )  # Kafka runs, PostgreSQL is not needed
    words = [
        "municipality", "baseline", "freeze", "GM9901", "--year", "2025", "--month", "2026-03", "--name", "Start", "--by", "Anne, beleid",
        "--data", str(zone.folder.path),
    ]  # fmt: skip
    dry = CliRunner().invoke(app, [*words, "--dry-run"])
    assert "Nothing was done" in dry.output, dry.output
    assert OwnTopic(zone, OURS).story().baselines == {}
    done = CliRunner().invoke(app, [*words, "--yes"])
    assert "Frozen as" in done.output, done.output
    frozen = next(iter(OwnTopic(zone, OURS).story().baselines.values()))
    assert (frozen.epoch, frozen.providers) == (THEN, 3)
    deadline = time.monotonic() + 20
    page = f"{page_address(zone, OURS)}nulmeting/{frozen.id}"
    while (answer := httpx.get(page)).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    said = html.unescape(answer.text)
    assert "3 aanbieders" in said
    assert "Zorgjaar 2026 zoals bekend eind maart 2027 is nog niet uitgegeven" in said
    assert httpx.get(f"{page_address(zone, THEIRS)}nulmeting/{frozen.id}").status_code == 400
    listed = CliRunner().invoke(app, ["municipality", "baseline", "list", "GM9901", "--data", str(zone.folder.path)])
    assert frozen.id in listed.output


def test_the_page_has_a_key_of_its_own_and_never_the_municipalitys(zone: Zone) -> None:
    number = OURS
    told = json.loads((zone.folder.path / "pages" / f"gm{number:04d}.json").read_text("utf-8"))
    profile = OwnTopic(zone, number).profile
    own = profile.signing_key().reveal()
    assert Path(told["pen"]["key"]).read_bytes() != own
    assert own.hex() not in json.dumps(told)
    assert str(profile.folder) not in json.dumps(told)


def test_its_topic_is_there_for_each_municipality_and_kept_for_good(zone: Zone) -> None:
    for number in (OURS, THEIRS):
        name = topics.municipality_topic(number)
        row = next(row for topic, row, _ in topics.concrete_topics(zone.folder.members()) if topic == name)
        assert (row.retention_ms, row.compacted) == (topics.FOREVER, False)
