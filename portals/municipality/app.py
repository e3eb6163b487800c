"""The page's web application: everything is in the address bar, nothing is kept about who looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from portals.municipality import words
from portals.municipality.downloads import add_exports
from portals.municipality.figures import Figures, Shown, placed_code
from portals.municipality.map_svg import CLASSES, COLOURS, WIDTH, Canvas, Shape, class_of
from portals.municipality.released import Released
from schemas.values import Month

_HERE: Final = Path(__file__).parent
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address bar says, made valid."""

    lang: str
    epoch: int
    group: str
    year: int
    area: str
    sort: str

    def link(self, **other: object) -> str:
        """The same page with something else chosen."""
        now = {
            "maand": str(Month.from_index(self.epoch)), "groep": self.group, "jaar": self.year, "gebied": self.area,
            "volgorde": self.sort, "lang": self.lang,
        }  # fmt: skip
        return "?" + "&".join(f"{k}={v}" for k, v in (now | other).items() if v != "")


def choose(query: dict[str, str], released: Released) -> tuple[Choice, Figures] | None:
    """Read the address bar; what is absent or unknown becomes the newest month and the total. None while nothing is out."""
    epochs = released.epochs()
    if not epochs:
        return None
    epoch = epochs[-1]
    try:
        wanted = Month.parse(query.get("maand", "")).index
        epoch = wanted if wanted in epochs else epoch
    except ValueError:
        pass
    figures = released.figures(epoch)
    groups, years = figures.groups(), figures.years()
    year = int(query["jaar"]) if query.get("jaar", "").isdigit() and int(query["jaar"]) in years else years[0]
    group = query.get("groep", "total")
    known = {a["code"] for a in figures.areas} | {placed_code(figures.municipality)}
    choice = Choice(
        lang="en" if query.get("lang") == "en" else "nl", epoch=epoch, group=group if group in groups else "total", year=year,
        area=query.get("gebied", "") if query.get("gebied", "") in known else "",
        sort=query.get("volgorde", "") if query.get("volgorde", "") in ("euro", "naam") else "",
    )  # fmt: skip
    return choice, figures


def speaker(lang: str) -> Callable[..., str]:
    """The page's sentences in one language."""

    def say(key: str, /, **values: object) -> str:
        return words.text(key, lang, **values)

    return say


def _row(figures: Figures, choice: Choice, code: str) -> dict[str, Any]:
    """One area as shown: `of` names the area the figure is of where that is another one; `label` says all in one line."""
    lang, shown, name = choice.lang, figures.shown(code, choice.group, choice.year), figures.area_name(code)
    figure, said = words.figure(shown.euros, lang), note(figures, shown, lang)
    of = "" if shown.own or shown.euros is None else figures.area_name(shown.source)
    label = f"{name}. {said} {of}: {figure}" if of else f"{name}: {figure}. {said}".strip()
    return {
        "code": code, "name": name, "level": words.LEVELS[figures.level(code)][lang == "en"], "shown": shown, "figure": figure,
        "note": said, "of": of, "label": label,
    }  # fmt: skip


def note(figures: Figures, shown: Shown, lang: str) -> str:
    """What must be said beside a figure: that it is another area's, or older; empty when neither."""

    def sentence(key: str, **values: object) -> str:
        return words.text(key, lang, **values)

    said = [f"{words.HELD[lang]}."] if shown.held else []
    if not shown.held and not shown.decided:
        said.append(sentence("undecided"))
    if shown.euros is None:
        return " ".join([*said, sentence("never")])
    if not shown.own:
        said.append(sentence("parent", parent=figures.area_name(shown.source)))
    if shown.known_until is not None:
        said.append(sentence("older", month=words.month_name(shown.known_until, lang)))
    if shown.last is not None:
        euros, month = shown.last
        said.append(sentence("last", euros=words.euros(euros, lang), month=words.month_name(month, lang)))
    return " ".join(said)


def _map(figures: Figures, choice: Choice, level: str) -> tuple[Canvas, list[tuple[Shape, dict[str, Any]]]]:
    """The map of a level. Where only buurten have shapes, a wijk is drawn as its buurten together."""
    pieces: dict[str, list[str]] = {a["code"]: [a["geometry"]] for a in figures.of_level(level)}
    if level == "wijk":
        for buurt in figures.of_level("buurt"):
            pieces.setdefault(buurt["parent"], []).append(buurt["geometry"])
    canvas, drawn = Canvas(pieces), []
    for code in pieces:
        row = _row(figures, choice, code)
        shown: Shown = row["shown"]
        klass = class_of(shown.euros) if shown.own and not shown.held and shown.euros is not None else None
        drawn.append((canvas.shape(code, klass), row))
    return canvas, drawn


def view(choice: Choice, figures: Figures, released: Released) -> dict[str, Any]:
    """Everything the template needs."""
    lang, whole = choice.lang, placed_code(figures.municipality)
    level = "buurt" if figures.decided_at("buurt", choice.group, choice.year) else "wijk"
    canvas, shapes = _map(figures, choice, level)
    listed = [whole, *(a["code"] for a in figures.of_level("wijk"))]
    listed += [a["code"] for a in figures.of_level("buurt")] if level == "buurt" else []
    rows = [_row(figures, choice, code) for code in listed]
    if choice.sort == "euro":
        rows.sort(key=lambda r: (not r["shown"].own, -(r["shown"].euros or 0)))
    elif choice.sort == "naam":
        rows.sort(key=lambda r: r["name"])
    selected = choice.area or whole
    clusters = [
        _row(figures, choice, a["code"]) for a in figures.of_level("cluster") if a["parent"] == selected
    ] if choice.group == "total" else []  # fmt: skip
    bar = figures.bar(selected, choice.year)
    rest = figures.own(f"GM{figures.municipality:04d}", choice.group, choice.year)
    return {
        "choice": choice, "figures": figures, "lang": lang, "t": speaker(lang),
        "euros": lambda v: words.euros(v, lang), "month_name": lambda i: words.month_name(i, lang), "whole": whole,
        "group_name": lambda g: words.group_name(g, lang), "rows": rows, "shapes": shapes, "width": WIDTH, "height": canvas.height,
        "map_level": level, "map_empty": canvas.empty, "classes": CLASSES, "colours": COLOURS, "epochs": released.epochs(),
        "selected": _row(figures, choice, selected), "bar": bar, "missing": ", ".join(words.group_name(g, lang) for g in bar.missing) if bar else "", "clusters": clusters,
        "rest": rest, "rest_figure": words.figure(rest["euros"] if rest else None, lang), "held": words.HELD[lang], "month_of": lambda i: str(Month.from_index(i)),
    }  # fmt: skip


def build_app(released: Released, *, ready: Callable[[], bool]) -> FastAPI:
    """The application over what was released."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    templates = Jinja2Templates(directory=_HERE / "templates")
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    vendor = (
        sorted(p.name for p in (_HERE / "static" / "vendor").glob("*"))
        if (_HERE / "static" / "vendor").is_dir()
        else []
    )

    @app.middleware("http")
    async def headers(request: Request, call_next: Any) -> Response:
        answer: Response = await call_next(request)
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    add_exports(app, released, ready=ready)

    @app.get("/health")
    def health() -> PlainTextResponse:
        now = "ready" if ready() else "reading"
        return PlainTextResponse(f"{now}. {released.trouble}".strip(), status_code=200 if ready() else 503)

    @app.get("/", response_class=HTMLResponse)
    def page(request: Request) -> Response:
        query = dict(request.query_params)
        lang = "en" if query.get("lang") == "en" else "nl"
        found = choose(query, released)
        if found is None:
            empty = {"lang": lang, "t": speaker(lang), "vendor": vendor, "name": released.name()}
            return templates.TemplateResponse(request, "empty.html", empty)
        choice, figures = found
        return templates.TemplateResponse(
            request, "page.html", view(choice, figures, released) | {"vendor": vendor, "name": figures.name}
        )

    return app
