"""The demo: two invented municipalities whose providers publish month by month, each month closed, everything real.

Goes on where it was when started again; what was published is never published twice (references see to that).
"""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy import preflight
from deploy.admission import admit_grantor, admit_here, admit_reader, sender_folder
from deploy.closing import close_month
from deploy.commands_frame import asked_passphrase
from deploy.demo_counted import Counted
from deploy.demo_municipality import ask_providers, family_of, give_mandate
from deploy.demo_sign_in import start_sign_in
from deploy.demo_wish import Teller, Wish
from deploy.key_watch import KeyWatch, watched_keys
from deploy.officer_admission import committee_here
from deploy.order_commands import order_first_load
from deploy.pages import start_page
from deploy.zone import Zone
from deploy.zone_folder import ZoneFolder
from producers.checks import ProviderContext, check
from producers.deliveries import MonthClosed
from producers.profile import Profile
from producers.publisher import Publisher
from producers.residence_files import read_links, read_residences
from schemas.care import Stream
from schemas.errors import ContractBroken, Unavailable
from schemas.secret_file import write_private
from schemas.values import Month
from streams.config import RoleConfig

_RECEIPT_SECONDS: Final = 900.0
OFFICERS: Final = ("dora", "eli", "fay")
"""Those who in the demo may name a person, two together."""


@dataclass(slots=True)
class Demo:
    """One demo in one folder."""

    wish: Wish
    teller: Teller = field(default_factory=Teller)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    zone: Zone = field(init=False)
    counted: Counted = field(init=False)
    _publishers: dict[str, Publisher] = field(default_factory=dict)
    _keys: KeyWatch | None = None

    def __post_init__(self) -> None:
        preflight.check_folder(self.wish.data)
        folder = ZoneFolder(self.wish.data.resolve())
        self.zone = Zone(folder, tell=lambda what: self.teller.stage(f"Starting: {what}"), passphrase=asked_passphrase)
        self.counted = Counted(folder.path / "demo.json")

    @property
    def town(self) -> Path:
        """Where the town's files lie."""
        return self.zone.folder.path / "town"

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[stage] += time.monotonic() - started

    def run(self) -> None:
        """Make, start, publish what is not published yet, and leave everything running."""
        self.zone.check()
        with self._timed("town"):
            described = self._make_town()
        months = [Month.parse(m) for m in described["months"]]
        with self._timed("start"):
            self._start(described, months[0])
        with self._timed("join"):
            self._join(described)
        done = self.counted.resume()
        for step in range(done, len(months)):
            self._month(described, months, step)
            self.counted.save(step + 1)
        self.teller.stage("Starting: the pages")
        start_sign_in(self.zone)
        for municipality in self.zone.folder.settings()["municipalities"]:
            start_page(self.zone, municipality)
        self._keys = watched_keys(self.zone)

    # --- making and starting ---------------------------------------------------------------------------------------

    def _make_town(self) -> dict[str, Any]:
        if not self.invented:
            from producers.town.files import make_town

            self.teller.stage("Inventing two municipalities")
            make_town(
                self.town, seed=self.wish.seed, months=self.wish.months, addresses=self.wish.addresses, world=self.wish.world,
                tell=lambda what, n, of: self.teller.stage(f"Inventing two municipalities: {what}", n, of),
            )  # fmt: skip
        loaded: dict[str, Any] = json.loads((self.town / "town.json").read_text("utf-8"))
        return loaded

    def _start(self, described: dict[str, Any], first_month: Month) -> None:
        numbers = [int(m["code"][2:]) for m in described["municipalities"]]
        self.zone.make(
            municipalities=numbers, first_month=first_month, address_dirs={n: self.town / f"GM{n:04d}" for n in numbers}
        )
        settings = self.zone.folder.settings()
        if "tick_seconds" not in settings:
            self.zone.folder.save_settings(settings | {"tick_seconds": 1.0})
        self.zone.folder.add_members(
            providers=[f"p{p['agb']}" for p in described["providers"]],
            readers=[(c["name"], c["gm"]) for c in described["caseworkers"]],
        )
        for name in ("anne", "bob"):
            self.zone.folder.admit_operator(name)
        self.zone.start()
        self.teller.stage("Starting: officers and their joint key")
        committee_here(self.zone, OFFICERS)
        if self.counted.months_done() == 0:
            order_first_load(self.zone, 2 * self.zone.inhabitants(), why="the invented people of the demo")

    def _join(self, described: dict[str, Any]) -> None:
        members = [(f"gm{m['code'][2:]}", m["name"], [int(m["code"][2:])]) for m in described["municipalities"]]
        members += [(f"p{p['agb']}", p["name"], p["municipalities"]) for p in described["providers"]]
        for number, (sender, name, municipalities) in enumerate(members):
            self.teller.stage("Admitting municipalities and providers", number, len(members))
            admit_here(self.zone, sender, name=name, municipalities=municipalities)
        for caseworker in described["caseworkers"]:
            for reader in (caseworker["name"], family_of(caseworker["gm"])):
                admit_reader(self.zone, reader, gm=caseworker["gm"])

    def sender_folder(self, sender: str) -> Path:
        """The profile of a sender on this machine."""
        return sender_folder(self.zone, sender)

    # --- publishing ------------------------------------------------------------------------------------------------

    def publisher(self, sender: str) -> Publisher:
        """The open publisher of a sender."""
        if sender not in self._publishers:
            self._publishers[sender] = Publisher(Profile.load(self.sender_folder(sender)), told=self.counted.hear)
        return self._publishers[sender]

    def _month(self, described: dict[str, Any], months: list[Month], step: int) -> None:
        month = months[step]
        label = f"Month {step + 1} of {len(months)} ({month})"
        with self._timed("publish"):
            self._homes(described, month, label)
            if step == 0:
                ask_providers(described, months, profile_of=lambda gm: self.publisher(gm).profile)
                self._give_mandates(described)
            providers = described["providers"]
            for number, provider in enumerate(providers):
                self.teller.stage(f"{label}: {provider['name']} publishes", number, len(providers))
                self._provider_month(provider, month)
        with self._timed("receipts"):
            self._wait_receipts(label)
        with self._timed("close"):
            self._close(step, month, label)

    def _homes(self, described: dict[str, Any], month: Month, label: str) -> None:
        """Residence files and links of both municipalities, before the providers."""
        for m in described["municipalities"]:
            self.teller.stage(f"{label}: {m['name']} publishes its residence file")
            publisher = self.publisher(f"gm{m['code'][2:]}")
            handles = publisher.profile.handle_key()
            place = self.town / m["code"] / str(month)
            for file, read in (("residences.csv", read_residences), ("links.csv", read_links)):
                if (place / file).exists():
                    for packed in read(place / file, handles):
                        publisher.publish_packed(packed, file=file)
        self._wait_receipts(label)

    def _provider_month(self, provider: dict[str, Any], month: Month) -> None:
        sender = f"p{provider['agb']}"
        publisher = self.publisher(sender)
        today = dt.datetime.now(dt.UTC).date()
        folder = self.town / "providers" / sender / str(month)
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            payer = int(path.name.partition("GM")[2][:4]) if "GM" in path.name else None
            context = ProviderContext(provider["agb"], frozenset(provider["municipalities"]), today, payer)
            reading = check(path, context)
            for finding in reading.findings:
                if finding.severity.value != "note":
                    self.counted.refused_at_provider[finding.code] += 1
            if reading.items and not reading.refused_whole:
                publisher.publish_items(reading.items, file=path.name, lines=reading.lines)
                self.counted.counts["published"] += len(reading.items)
        closed = [
            MonthClosed(payer, Stream(stream), month, nothing_delivered=False)
            for payer in provider["municipalities"] for stream in provider["streams"]
        ]  # fmt: skip
        publisher.close_months(closed)

    def _wait_receipts(self, label: str) -> None:
        waiting = {s: p for s, p in self._publishers.items() if p.outbox.waiting_count()}
        most = sum(p.outbox.waiting_count() for p in waiting.values())
        deadline = time.monotonic() + _RECEIPT_SECONDS
        while left := sum(p.outbox.waiting_count() for p in waiting.values()):
            self.teller.stage(f"{label}: waiting for receipts", most - left, most)
            told = self.zone.supervisor.tend()
            if any("for good" in line for line in told):
                raise ContractBroken(told[0])
            held = [s for s, p in waiting.items() if p.link.on_hold]
            if held or time.monotonic() > deadline:
                msg = f"No final receipts came for {', '.join(held or waiting)}; see {self.zone.supervisor.logs}."
                raise Unavailable(msg)
            time.sleep(0.02)

    # --- municipality ----------------------------------------------------------------------------------------------

    def _give_mandates(self, described: dict[str, Any]) -> None:
        """Two mandates per municipality: its caseworker may see the example household, and the member it is about the own file."""
        for caseworker in described["caseworkers"]:
            example = described["examples"].get(caseworker["gm"].upper())
            if example is not None:
                grantor = admit_grantor(self.zone, f"grantor-{caseworker['gm']}-desk")
                for reader in (caseworker["name"], family_of(caseworker["gm"])):
                    note = give_mandate(self.publisher(caseworker["gm"]), grantor, reader=reader, bsn=example["bsn"])
                    write_private(self.mandate_file(reader), json.dumps(note).encode())

    def mandate_file(self, reader: str) -> Path:
        """Where the demo keeps the handle it gave to a reader."""
        return self.zone.folder.path / "readers" / reader / "mandate.json"

    def _close(self, step: int, month: Month, label: str) -> None:
        self.teller.stage(f"{label}: closing the month")
        close_month(self.zone, epoch=step, month=month, seconds=300, tend=self.zone.supervisor.tend)

    # --- state and report ------------------------------------------------------------------------------------------

    @property
    def invented(self) -> bool:
        """Whether an earlier run made the town."""
        return (self.town / "town.json").exists()

    def report(self) -> dict[str, Any]:
        """Verify the rebuild and tell everything in numbers."""
        from streams.rebuild import rebuild, unplaced_services

        config = RoleConfig.load(self.zone.role_config("projector"))
        with self._timed("rebuild"):
            compared = rebuild(
                config, progress=lambda n, of: self.teller.stage("Rebuilding the books from the ledger", n, of)
            )
        return self.counted.told() | {
            "unplaced": unplaced_services(config), "seconds": {k: round(v, 1) for k, v in self.seconds.items()},
            "rebuild": {"live": compared.live, "rebuilt": compared.rebuilt}, "data": str(self.wish.data.resolve()),
        }  # fmt: skip

    def leave_senders(self) -> None:
        """Close the senders' outboxes, so that commands in another terminal can use them."""
        for publisher in self._publishers.values():
            publisher.close()
        self._publishers.clear()

    def stop(self) -> None:
        """Stop everything; the data stay."""
        self.leave_senders()
        if self._keys is not None:
            self._keys.stop()
        self.zone.stop()
