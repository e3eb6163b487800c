"""What the municipality's own pages share: languages, names of areas, who is signed in, and an error as a page with one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import Response
from fastapi.templating import Jinja2Templates

from portals.municipality import words
from portals.municipality.events import OwnEvents
from portals.municipality.figures import placed_code
from portals.municipality.note_checks import names_amounts
from portals.municipality.own_words import own_text
from portals.municipality.released import Released
from portals.municipality.signin import SIGN_IN_PATHS, SignIn, SignInSettings, person_of
from portals.municipality.view import rules_of
from projections.municipal_events import Note, Place, Story
from projections.municipal_stories import marks
from projections.release.calendar import Calendar
from schemas.errors import Refused, Unavailable, ZorgstroomError
from schemas.values import Month, day_number

_HERE: Final = Path(__file__).parent
_CHOICES: Final = ("gebied", "groep", "jaar", "index", "bron", "volgorde")
_MS_OF_A_DAY: Final = 86_400_000


def language(request: Request) -> str:
    """`nl` or `en`."""
    return "en" if request.query_params.get("lang") == "en" else "nl"


def day_text(at_ms: int, lang: str) -> str:
    """A moment as its day in words, `15 april 2026`."""
    return words.day(at_ms // _MS_OF_A_DAY, lang)


@dataclass(slots=True)
class OwnPages:
    """Pages over one municipality's own events. `calendar`: when a month is published; `sign_in`: None where the page has none; then nothing can be written."""

    released: Released
    events: OwnEvents
    municipality: int
    calendar: Calendar = field(default_factory=Calendar)
    sign_in: SignIn | None = None
    _templates: Jinja2Templates = field(default_factory=lambda: Jinja2Templates(directory=_HERE / "templates"))

    def use_sign_in(self, settings: SignInSettings, **other: Any) -> None:
        """Have people sign in as these settings say."""
        self.sign_in = SignIn(settings, municipality=self.municipality, say=self.said, **other)

    def add_to(self, app: FastAPI) -> None:
        """Add addresses, sign-in and errors to the page's application; before what puts headers on every answer."""
        from portals.municipality.baseline import baseline_router
        from portals.municipality.stories import story_router

        app.state.own = self
        if self.sign_in is not None:
            self.sign_in.add_to(app)
        app.include_router(story_router(self))
        app.include_router(baseline_router(self))
        for family, status in ((Refused, 400), (Unavailable, 503)):
            app.add_exception_handler(family, self._sentence(status))

    def _sentence(self, status: int) -> Any:
        def show(request: Request, error: ZorgstroomError) -> Response:
            refused = status == 400 and isinstance(error, Refused) and error.code == "part"
            return self._page(
                request, "own_said.html", 403 if refused else status, sentence=error.text(language(request))
            )

        return show

    def said(self, request: Request, key: str, status: int) -> Response:
        """A page with one of the sentences."""
        return self._page(request, "own_said.html", status, sentence=own_text(key, language(request)))

    def page(self, request: Request, template: str, **context: Any) -> Response:
        """A page of one of the templates."""
        return self._page(request, template, 200, **context)

    def _page(self, request: Request, template: str, status: int, **context: Any) -> Response:
        lang, vendor, person = language(request), _HERE / "static" / "vendor", person_of(request)
        shared = {
            "lang": lang, "in_language": lambda code: _in_language(request, code), "name": self.released.name(), "person": person, "has_sign_in": self.sign_in is not None,
            "may_write": self.events.may_write and person is not None and "writer" in person.roles,
            "may_release": self.events.may_write and person is not None and "releaser" in person.roles,
            "vendor": sorted(p.name for p in vendor.glob("*")) if vendor.is_dir() else [],
            "t": lambda key, **values: words.text(key, lang, **values),
            "w": lambda key, **values: own_text(key, lang, **values), "euros": lambda v: words.euros(v, lang),
            "month_name": lambda i: words.month_name(i, lang), "month_of": lambda i: str(Month.from_index(i)), "group_name": lambda g: words.group_name(g, lang),
            "group_short": lambda g: words.group_short(g, lang), "number": lambda n: words.number(n, lang),
            "area_name": self.area_name, "day_text": lambda at_ms: day_text(at_ms, lang),
            "date": lambda found: words.day(day_number(found), lang),
        }  # fmt: skip
        return self._templates.TemplateResponse(
            request, template, shared | rules_of(self.released.newest(), lang) | context, status_code=status
        )

    def menu(self, lang: str) -> dict[str, Any]:
        """What the menu above the municipality's own pages shows: the same parts as above the figures, as addresses and words."""
        views = (
            ("/", "nav_map"),
            ("/verloop", "nav_trend"),
            ("/vergelijk", "nav_compare"),
            ("/postcodes", "nav_postcodes"),
        )
        own = (("/verhalen", "stories"), ("/nulmeting", "baselines"))
        links = [
            *((path, words.text(key, lang)) for path, key in views),
            *((path, own_text(key, lang)) for path, key in own),
        ]
        return {"label": words.text("parts_of_page", lang), "links": links}

    def who(self, request: Request, lang: str) -> dict[str, Any]:
        """Who is signed in, with the word of their session for the form that signs out; else, where the page has a sign-in, its address, which leads back here."""
        person, here = person_of(request), request.url.path
        stays = request.method == "GET" and not here.startswith(SIGN_IN_PATHS)
        back = here + (f"?{request.url.query}" if request.url.query else "") if stays else f"/?lang={lang}"
        return {
            "person": person, "sign_in": f"/aanmelden?{urlencode({'naar': back})}" if self.sign_in is not None else "",
            "signed_in_as": own_text("signed_in_as", lang, name=person.name) if person else "",
            "sign_in_word": own_text("sign_in", lang), "sign_out_word": own_text("sign_out", lang),
        }  # fmt: skip

    def version(self) -> str:
        """Another one with each event: what was made of the events before may be kept no longer."""
        return f"#{self.events.version}"

    def beside(self, *, area: str, group: str, year: int, lang: str) -> dict[str, Any]:
        """For beside a figure, the same for every reader: stories released for the council of exactly this area and group, and marks for its trend.

        Stories of a period that touches the service year stand there themselves; of others a link tells.
        """
        from portals.municipality.stories import readable

        at = area or placed_code(self.municipality)
        told = [s for s in readable(self, None, lang) if (s["note"].place.area, s["note"].place.group) == (at, group)]
        of_year = [s for s in told if s["note"].place.first_month // 12 <= year <= s["note"].place.last_month // 12]
        for one in of_year:
            place, revision = one["note"].place, one["revision"]
            first, last = (words.month_name(m, lang) for m in (place.first_month, place.last_month))
            one["said_of"] = (
                f"{own_text('period', lang, first=first, last=last)}. {own_text('speaker', lang)}: {own_text(revision.speaker, lang)}."
            )
            if one["held_since"]:
                one["said_of"] += f" {one['held_since']}"
        titles = {key: own_text(key, lang) for key in ("stories", "baselines", "marks", "marks_why", "other_period")}
        return {
            "own": True,
            "own_titles": titles,
            "beside": of_year,
            "elsewhere": f"/verhalen?{urlencode({'gebied': at, 'groep': group, 'lang': lang})}"
            if len(told) > len(of_year)
            else "",
            "marks": marks(self.events.story, area=at, group=group),
        }

    def area_name(self, code: str) -> str:
        """Name of an area, its code where it has none."""
        figures = self.released.newest()
        return figures.area_name(code) if figures else code

    def areas(self) -> list[str]:
        """Codes a note may stand beside: the whole municipality, its wijken and buurten."""
        figures = self.released.newest()
        found = [a["code"] for level in ("wijk", "buurt") for a in figures.of_level(level)] if figures else []
        return [placed_code(self.municipality), *found]

    def groups(self) -> list[str]:
        """Groups a note may stand beside."""
        figures = self.released.newest()
        return figures.groups() if figures else ["total"]

    def readers_story(self) -> Story:
        """What readers may be shown now: without the notes that name an amount where a figure of their area and period was never published."""
        story = self.events.story
        told = {
            n.id: n for n in story.notes.values()
            if n.shown is None or not names_amounts(n.shown.text) or not self.never_published(n.place)
        }  # fmt: skip
        return story if len(told) == len(story.notes) else replace(story, notes=told)

    def held_since(self, note: Note, lang: str) -> str:
        """Of when the amounts of a note that is shown are, where a figure that was published is kept back now; else empty."""
        if note.shown is None or not names_amounts(note.shown.text) or not self.holds_back(note.place):
            return ""
        return own_text("held_since", lang, day=day_text(note.releases[-1].at_ms, lang))

    def holds_back(self, place: Place) -> bool:
        """Whether any figure of an area is kept back, or this group is not released there, in a service year of a period.

        As the newest release says that speaks of the area and the year; what no release speaks of counts as kept back.
        """
        return self._any_year(place, lambda cell: cell["decision"] == "held")

    def never_published(self, place: Place) -> bool:
        """The same of figures that never were published: one that is kept back now and keeps its last published value is none of these."""
        return self._any_year(place, lambda cell: cell["euros"] is None)

    def _any_year(self, place: Place, lacks: Callable[[dict[str, Any]], bool]) -> bool:
        for year in range(place.first_month // 12, place.last_month // 12 + 1):
            cells = self._cells(place.area, year)
            if any(map(lacks, cells)) or all(c["group"] != place.group for c in cells):
                return True
        return False

    def _cells(self, area: str, year: int) -> list[dict[str, Any]]:
        """Cells of an area and service year in the newest release that has any."""
        for epoch in reversed(self.released.epochs()):
            found = [
                c for c in self.released.macro.epochs[epoch]["cells"]
                if c["area"] == area and c["service_year"] == year
            ]  # fmt: skip
            if found:
                return found
        return []


def _in_language(request: Request, lang: str) -> str:
    """The same page in a language, with the choices its address makes."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name in _CHOICES]
    return f"?{urlencode([*kept, ('lang', lang)])}"


def month_index(text: str) -> int:
    """`2025-03` as its index. Raises `Refused`."""
    try:
        return Month.parse(text.strip()).index
    except ValueError as wrong:
        raise Refused(
            "unreadable", "A month is YYYY-MM, e.g. 2025-03.", dutch="Een maand is JJJJ-MM, bijvoorbeeld 2025-03."
        ) from wrong
