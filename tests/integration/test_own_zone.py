"""What `docs/copy-this.md` says, typed as a stranger would: a zone from one's own files to a caseworker's card and back."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.certificates import Authority
from deploy.servers import postgres_server
from deploy.settings import load_settings
from producers.town.files import make_town
from tests.integration.warm_terminal import WarmTerminal

COMMAND = [sys.executable, "-c", "from deploy.cli import main; main()"]


class Terminal:
    """Types commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "ZORGSTROOM_DATA": str(folder / "zone"), "ZORGSTROOM_CACHE": str(load_settings().cache), "COLUMNS": "200",
            "ZORGSTROOM_PROFILE": str(folder / "provider"), "PYTHONPATH": str(Path(__file__).parents[2]),
        }  # fmt: skip
        self.warm = WarmTerminal(self.environment)

    def types(self, *words: str, says: str = "", code: int = 0, asked: str = "") -> str:
        done = self.warm.types(words, cwd=self.folder, environment=self.environment, asked=asked)
        assert done.code == code, done.said
        assert re.search(says, done.said), done.said
        assert "Traceback" not in done.said
        return done.said

    def shows(self, *words: str) -> str:
        return self.warm.types(words, cwd=self.folder, environment=self.environment).said


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    folder = Path(tempfile.mkdtemp(prefix="zorgstroom-own-"))
    folder.chmod(0o755)
    make_town(folder / "town", seed=5, months=1, addresses=500, world="town")
    terminal = Terminal(folder)
    terminal.types("operator", "run", says="zone", code=2)
    terminal.types("operator", "make", "GM9901=nowhere", "--first-month", "2025-01", says="GM9901=registers", code=2)
    terminal.types(
        "operator",
        "make",
        f"GM9901={folder / 'town' / 'GM9902'}",
        "--first-month",
        "2025-01",
        says="lacks GM9901",
        code=2,
    )
    assert not (folder / "zone" / "root").exists()
    terminal.types(
        "operator",
        "make",
        f"GM9901={folder / 'town' / 'GM9901'}",
        "--first-month",
        "2025-01",
        says="1 municipalities and",
    )
    terminal.types(
        "operator", "make", f"GM9901={folder / 'town' / 'GM9901'}", "--first-month", "2025-01", says="already", code=2
    )
    for operator in ("anne", "bob"):
        terminal.types("operator", "order", "admit-operator", operator, says=f"{operator}.key")
    terminal.types("operator", "order", "admit-operator", "Two Words", says="small letters", code=2)
    wrong_at_start(terminal, folder / "zone")
    log = folder / "run.txt"
    with log.open("w") as told:
        running = subprocess.Popen(
            [*COMMAND, "operator", "run"], cwd=folder, env=terminal.environment, stdout=told, stderr=told
        )
    try:
        deadline = time.monotonic() + 120
        while "Running." not in log.read_text():
            assert running.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield terminal
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(60)
        if running.returncode == 0:
            terminal.types("operator", "restore", "intake", says=r"intake goes on at: 0: \d+, 1: ")
        forget = getattr(
            postgres_server(load_settings(), folder=folder / "zone" / "postgres", tell=str), "forget", None
        )
        if forget is not None:
            forget()
        terminal.warm.close()
        shutil.rmtree(folder, ignore_errors=True)
    assert running.returncode in (0, 1), log.name


def wrong_at_start(terminal: Terminal, zone: Path) -> None:
    """A port that is taken and a certificate that has expired: one sentence, before anything is touched."""
    before = sorted(zone.rglob("*"))
    port = json.loads((zone / "zone.json").read_text())["ports"]["keyvault"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        terminal.types("operator", "run", says=f"Port {port}, which belongs to keyvault .* is in use", code=2)
    Authority(zone / "root").issue(
        "ledger", zone / "roles" / "ledger", valid_from=dt.datetime(2024, 1, 1, tzinfo=dt.UTC), days=30
    )
    terminal.types("operator", "run", says=r"roles/ledger/cert.pem expired on 2024-01-31; ask for a new one", code=2)
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (zone / "roles" / "ledger" / name).unlink()
    assert [p for p in sorted(zone.rglob("*")) if p not in before] == []


def digits(text: str) -> str:
    found = re.search(r"(\d{4} ){5}\d{4}", text)
    assert found is not None, text
    return found[0]


def test_from_joining_to_a_card_and_a_map(terminal: Terminal) -> None:
    town, examples = terminal.folder / "town", Path(__file__).parents[2] / "examples"
    month = town / "GM9901" / "2025-01"
    order = str(terminal.folder / "order.bin")
    terminal.types(
        "operator",
        "order",
        "first-load",
        "--number",
        "1100",
        "--why",
        "first load",
        "--out",
        order,
        says="1100 new persons, until",
    )
    terminal.types("operator", "order", "sign", order, "--as", "anne", says="Signed by anne: 1100 new persons")
    terminal.types("operator", "order", "sign", order, "--as", "carol", says="no key of an operator carol", code=2)
    terminal.types("operator", "order", "place", order, says="signatures of 2 different operators; it has 1", code=1)
    terminal.types("operator", "order", "sign", order, "--as", "bob")
    terminal.types("operator", "order", "place", order, says="Placed")
    terminal.types("municipality", "residences", "GM9901", str(month / "residences.csv"), says=r"\d+ lines published")

    asked = digits(terminal.types("provider", "join", "98000001", "Zorghuis de Linde"))
    request = terminal.folder / "provider" / "aanvraag-p98000001.json"
    admitted = terminal.types("municipality", "admit", str(request), "--gemeente", "GM9901")
    assert asked in admitted
    answer = request.with_name("toelating-p98000001.json")
    accepted = terminal.types("provider", "accept", str(answer))
    assert digits(accepted) in admitted
    terminal.types(
        "municipality", "ask", "GM9901", "--from", "2025-01", "--until", "2025-12", "--stream", "wmo", "--provider",
        "98000001", "--why", "oefenen", "--ground", "jeugdwet-7.4", "--by", "2026-02-01", says="Asked of 1 provider",
    )  # fmt: skip

    declared = str(examples / "wmo-323-declaratie-2025-03.xml")
    terminal.types("provider", "check", declared, says="3 regels kunnen worden verstuurd")
    terminal.types("provider", "publish", declared, says=r"wmo-323-declaratie-2025-03.xml +3 +3 +0 +0 +0200")
    terminal.types("provider", "publish", declared, says=r"wmo-323-declaratie-2025-03.xml +3 +0 +3 +0 +0200")
    terminal.types("provider", "requests", says=r"GM9901 vraagt wmo van 2025-01 tot en met 2025-12.*\n.*oefenen")
    terminal.types("provider", "month", "2025-01", "wmo", says="2025-01")
    terminal.types("provider", "requests", says=r"1 van 12 maanden gemeld; nog te melden: 2025-02 t/m 2025-12")
    terminal.types("provider", "receipts", says="Nog zonder ontvangstbewijs: 0")

    reader = "caseworker-gm9901-proef"
    terminal.types("caseworker", "show", reader, says="no certificate", code=2)
    terminal.types("municipality", "admit-caseworker", reader, says=reader)
    give = ("municipality", "mandate", "give", "GM9901", reader)
    terminal.types(
        "municipality", "mandate", "purposes", says=r"assessment +assessment after a request for help \(wmo-2.3.2\)"
    )
    terminal.types(*give, "--purpose", "curiosity", says="choose one of: coordination, assessment", code=1)
    terminal.types(*give, "--days", "3650", says="at most 366 days", code=1)
    terminal.types(*give, "--from", "2025-01-01", says="begins today or later", code=2)
    terminal.types(*give, "--from", "tomorrow", says="YYYY-MM-DD", code=2)
    terminal.types(*give[:-1], "caseworker-gm9901-x", says="is no reader of GM9901; make a certificate", code=2)
    terminal.types(*give, says="admit one who is not the reader", code=2)
    terminal.types("municipality", "admit-grantor", "grantor-gm9901-proef", says="grantor-gm9901-proef")
    terminal.types(*give, says="admit one who is not the reader", code=2)
    terminal.types(
        "municipality", "admit-grantor", "grantor-gm0001-anne", says="of a municipality of this zone", code=2
    )
    terminal.types("municipality", "admit-grantor", "grantor-gm9901-anne", says="grantor-gm9901-anne")
    terminal.types(*give, asked="123456789\n", says="eleven-test", code=1)
    given = terminal.types(*give, asked="999900006\n", says="coordinating a family's care .wmo-2.3.2.. Handle: ")
    handle = re.findall(r"[0-9a-f]{32}", given)[0]
    deadline = time.monotonic() + 30
    while "Huishoudkaart" not in (card := _shown(terminal, reader)):
        assert time.monotonic() < deadline, card
    assert "98000001" in card
    assert "999900006" not in card

    terminal.types("operator", "close-month", says="2025-01 is closed and published")
    what_was_released_is_whole(terminal)
    terminal.types("municipality", "figures", "GM9901", "--format", "csv", says="area,level,group")
    terminal.types("municipality", "figures", "GM9901", says="Complete for wmo: 1 of 1 provider months asked")
    terminal.types("operator", "rebuild", "--verify", says="Equal")
    terminal.types("operator", "topics", says="as the table says")
    address = re.search(r"GM9901 +(http\S+)", (terminal.folder / "run.txt").read_text())
    assert address is not None
    with urllib.request.urlopen(address[1]) as page:
        assert "2025" in page.read().decode()

    change = ("municipality", "mandate", "change", "GM9901", handle)
    terminal.types(*change, says="Say what changes", code=2)
    terminal.types(*change, "--days", "400", says="at most 366 days", code=1)
    terminal.types(*change, "--purpose", "assessment", "--days", "5", says="assessment .wmo-2.3.2., until")
    terminal.types("municipality", "mandate", "withdraw", "GM9901", handle, "--yes", says="Withdrawn")
    terminal.types(*change, "--days", "9", says="was changed, withdrawn or has ended", code=1)
    terminal.types("caseworker", "show", reader, code=1)
    a_member_reads_and_speaks(terminal, reader)


def what_was_released_is_whole(terminal: Terminal) -> None:
    """A month closes once and in its order, and all that was released is verified and written out with nothing but public keys."""
    terminal.types("operator", "close-month", "--month", "2025-01", says="2025-01 is closed already", code=1)
    terminal.types("operator", "close-month", "--month", "2025-03", says="2025-02 is open and comes first", code=1)
    terminal.types("operator", "close-month", "--month", "march", says="A month is YYYY-MM", code=2)
    terminal.types("operator", "preview", "GM9901", says="No month waits for its day now", code=1)
    root, out = str(terminal.folder / "root.json"), str(terminal.folder / "released")
    terminal.types("operator", "keys", "public-root", "--out", root, says="Written")
    for words in ((), ("GM9901",), ("GM9901", "--root", root)):
        terminal.types(
            "municipality", "verify", *words, says=r"the last epoch 2025-01, version 1(.|\n)*Everything lies there"
        )
    terminal.types("municipality", "verify", "--release-key", "ab" * 32, says="is not signed by release", code=1)
    terminal.types("municipality", "verify", "--release-key", "ab", says="64 hexadecimal digits", code=2)
    terminal.types("municipality", "verify", "--root", out, says="holds no public root keys", code=2)
    terminal.types("municipality", "verify", "GM0001", says="not in this zone", code=2)
    terminal.types("municipality", "released", "--out", out, says="rows of cells, 2 manifests")
    terminal.types("municipality", "released", "--out", out, says="not an empty folder", code=2)


def a_member_reads_and_speaks(terminal: Terminal, caseworker: str) -> None:
    """The own card and who looked at it; a word to the provider; and that nothing was taken out of the log."""
    terminal.types("family", "card", "family-gm9901-x", says="no certificate", code=2)
    admitted = terminal.types("municipality", "admit-family", "GM9901", says="hand the folder over")
    member = re.findall(r"family-gm9901-[0-9a-f]{8}", admitted)[0]
    give = ("municipality", "mandate", "give", "GM9901", member)
    terminal.types(*give, "--purpose", "coordination", says="is not for this reader", code=1)
    terminal.types(
        *give, "--grantor", "grantor-gm9901-anne", asked="999900006\n", says="reading one's own file .avg-15."
    )
    deadline = time.monotonic() + 30
    while "Huishoudkaart" not in (card := _shown(terminal, member, "family", "card")):
        assert time.monotonic() < deadline, card
    assert re.search(r"1 +u +wmo", card), card
    assert "Diensten die iemand voor zich houdt staan niet op deze kaart." in card

    read = terminal.types("family", "log", member, says="U las dit logboek, om: het eigen dossier lezen .avg-15.")
    assert read.index("U las dit logboek") < read.index("U bekeek de kaart") < read.index(caseworker)
    assert f"Een medewerker van gemeente GM9901 ({caseworker}) bekeek de kaart, om: zorg en ondersteuning" in read
    assert "gm9901 trok het mandaat in" in read
    terminal.types(
        "family", "says", member, "--line", "1", "--reason", "why not", says="Kies als reden: not-received", code=2
    )
    terminal.types("family", "says", member, "--line", "99", "--reason", "other", says="staat niet op uw kaart", code=1)
    terminal.types("family", "says", member, "--line", "1", "--reason", "too-much", says="krijgt bericht over regel 1")
    deadline = time.monotonic() + 30
    while "Een cliënt zegt van referentie" not in (told := terminal.types("provider", "receipts")):
        assert time.monotonic() < deadline, told
    assert "Ik heb minder gekregen dan hier staat." in told

    heads = terminal.folder / "heads.txt"
    heads.write_text(terminal.types("provider", "log-heads", says="[0-9a-f]{64}"))
    shown = terminal.folder / "zone" / "readers" / member / "log-heads.txt"
    verify = ("operator", "log", "verify", "--heads", str(heads), "--heads", str(shown))
    terminal.types(*verify, says=r"lines, whole and in order, in the vault and on the topic; \d+ lines shown")
    terminal.types("operator", "log", "show", "--last", "5", says=r"operator from 127.0.0.1: log")
    heads.write_text(f"1 {'ab' * 32}\n")
    terminal.types(*verify[:5], says="Line 1 is not the one that was shown before: the log was forked", code=1)


def _shown(terminal: Terminal, reader: str, *command: str) -> str:
    return terminal.shows(*(command or ("caseworker", "show")), reader)
