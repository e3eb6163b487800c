"""Notes beside figures: the list, one note with its history, writing, revising, releasing by a second person, withdrawing."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from portals.municipality.markdown import as_html
from portals.municipality.note_checks import KINDS, pieces, refused_places
from portals.municipality.own_pages import OwnPages, language, month_index
from portals.municipality.sessions import Session
from portals.municipality.signin import form_of, person_of, person_with
from projections.municipal_events import AUDIENCES, SPEAKERS, Note, Place, Revision, check_place
from projections.municipal_stories import released_notes
from schemas.errors import Refused
from schemas.municipal_events import Kind
from schemas.values import Month


class _Stories:
    """Answers to the addresses of notes."""

    def __init__(self, pages: OwnPages) -> None:
        self._pages = pages

    # --- reading --------------------------------------------------------------------------------------------------

    def list_notes(self, request: Request) -> Response:
        """What was released for the reader; who may write or release sees what waits too."""
        pages, person = self._pages, person_of(request)
        area, group = request.query_params.get("gebied", ""), request.query_params.get("groep", "")
        shown = [
            one for one in readable(pages, person, language(request))
            if area in ("", one["note"].place.area) and group in ("", one["note"].place.group)
        ]  # fmt: skip
        works = person is not None and person.roles & {"writer", "releaser"}
        kept, told = list(pages.events.story.notes.values()) if works else [], pages.readers_story().notes
        kept.sort(key=lambda n: (n.latest.at_ms, n.id))
        waiting, unseen = [n for n in kept if n.waits], [n for n in kept if n.id not in told]
        return pages.page(request, "notes.html", notes=shown, waiting=waiting, unseen=unseen)

    def one(self, request: Request, note: str) -> Response:
        """One note: the text shown; for who may write or release, every version of it."""
        found, person = self._seen(request, note), person_of(request)
        works = person is not None and person.roles & {"writer", "releaser"}
        history = [(r, as_html(r.text)) for r in reversed(found.revisions)] if works and found.withdrawn is None else []
        seen = note in self._pages.readers_story().notes
        shown = _shown(self._pages, found, found.shown, language(request)) if found.shown and seen else None
        return self._pages.page(request, "note.html", note=found, shown=shown, history=history, unseen=not seen)

    def _seen(self, request: Request, note: str) -> Note:
        """A note this reader may know of. Raises `Refused` for all others in the same words."""
        person = person_of(request)
        works = person is not None and person.roles & {"writer", "releaser"}
        found = (self._pages.events.story if works else self._pages.readers_story()).notes.get(note)
        if found is not None and (works or (found.shown and (person is not None or found.shown.audience == "council"))):
            return found
        raise Refused("unreadable", "There is no such story.", dutch="Dit verhaal is er niet.")

    # --- writing --------------------------------------------------------------------------------------------------

    def empty_form(self, request: Request) -> Response:
        """A form for a new note."""
        person_with(request, "writer")
        query = request.query_params
        fields = {
            "area": query.get("gebied", ""),
            "group": query.get("groep", "total"),
            "speaker": "policy",
            "audience": "council",
        }
        return self._form(request, fields)

    def revise_form(self, request: Request, note: str) -> Response:
        """A form with the newest text."""
        person_with(request, "writer")
        found = self._standing(note)
        latest, place = found.latest, found.place
        fields = {
            "area": place.area, "group": place.group, "first_month": str(Month.from_index(place.first_month)),
            "last_month": str(Month.from_index(place.last_month)), "speaker": latest.speaker, "audience": latest.audience,
            "text": latest.text, "consent": "yes" if latest.speaker == "client" else "", "revision": str(latest.number + 1),
        }  # fmt: skip
        return self._form(request, fields, note=found, held=self._pages.holds_back(place))

    def _form(self, request: Request, fields: dict[str, str], *, note: Note | None = None, **more: Any) -> Response:
        pages = self._pages
        return pages.page(
            request, "note_form.html", fields=fields, note=note, areas=pages.areas(), groups=pages.groups(),
            speakers=SPEAKERS, audiences=AUDIENCES, **more,
        )  # fmt: skip

    async def write(self, request: Request) -> Response:
        """Keep a new note; where a choice or the text can't be, the form comes back with all that was typed."""
        person, fields = person_with(request, "writer"), await form_of(request)
        fields["text"] = _lines(fields)
        try:
            return await self._begin(request, person, fields)
        except Refused as wrong:
            return self._again(request, fields, wrong)

    async def _begin(self, request: Request, person: Session, fields: dict[str, str]) -> Response:
        place = Place(
            fields.get("area", ""), fields.get("group", ""), month_index(fields.get("first_month", "")),
            month_index(fields.get("last_month", "")),
        )  # fmt: skip
        check_place(self._pages.municipality, place)
        if place.area not in self._pages.areas() or place.group not in self._pages.groups():
            raise Refused(
                "unreadable",
                "Choose an area and a money stream of the list.",
                dutch="Kies een gebied en een geldstroom uit de lijst.",
            )
        if refused := self._refused(request, place, fields, None):
            return refused
        note = secrets.token_hex(8)
        await self._write(Kind.NOTE_WRITTEN, person, note=note, revision=1, **_place(place), **_said(fields))
        return _to(request, f"/verhalen/{note}")

    async def revise(self, request: Request, note: str) -> Response:
        """Keep a further version of a note."""
        person, fields, found = person_with(request, "writer"), await form_of(request), self._standing(note)
        fields["text"] = _lines(fields)
        try:
            return await self._revise(request, person, fields, found)
        except Refused as wrong:
            return self._again(request, fields, wrong, note=found)

    async def _revise(self, request: Request, person: Session, fields: dict[str, str], found: Note) -> Response:
        if refused := self._refused(request, found.place, fields, found):
            return refused
        await self._write(
            Kind.NOTE_WRITTEN, person, note=found.id, revision=_number(fields), **_place(found.place), **_said(fields)
        )
        return _to(request, f"/verhalen/{found.id}")

    def _again(self, request: Request, fields: dict[str, str], wrong: Refused, **more: Any) -> Response:
        """The form as it was filled in, with what is wrong above it. Raises what no other words in it would help."""
        if wrong.code == "part":
            raise wrong
        answer = self._form(request, fields, wrong=wrong.text(language(request)), **more)
        answer.status_code = 400
        return answer

    def _refused(self, request: Request, place: Place, fields: dict[str, str], note: Note | None) -> Response | None:
        found = refused_places(fields["text"], held=self._pages.holds_back(place))
        if not found:
            return None
        kinds = [kind for kind in KINDS if kind in {f.kind for f in found}]
        answer = self._form(request, fields, note=note, marked=pieces(fields["text"], found), kinds=kinds)
        answer.status_code = 422
        return answer

    def _standing(self, note: str) -> Note:
        found = self._pages.events.story.notes.get(note)
        if found is None or found.withdrawn is not None:
            raise Refused(
                "unreadable",
                "There is no such story, or it was withdrawn.",
                dutch="Dit verhaal is er niet, of het is ingetrokken.",
            )
        return found

    async def _write(self, kind: Kind, person: Session, **fields: Any) -> None:
        await run_in_threadpool(self._pages.events.write, kind, person, **fields)

    # --- releasing and withdrawing --------------------------------------------------------------------------------

    def release_form(self, request: Request, note: str) -> Response:
        """The text to release, as readers will see it."""
        person, found = person_with(request, "releaser"), self._standing(note)
        return self._pages.page(
            request, "note_release.html", note=found, html=as_html(found.latest.text), own=found.wrote(person.actor)
        )

    async def release(self, request: Request, note: str) -> Response:
        """Release the version that was read."""
        person, fields, found = person_with(request, "releaser"), await form_of(request), self._standing(note)
        if found.wrote(person.actor):
            raise Refused("part", "Who wrote a note does not release it; ask a second person.",
                          dutch="Wie aan een verhaal schreef geeft het niet vrij; vraag een tweede persoon.")  # fmt: skip
        if refused_places(found.latest.text, held=self._pages.holds_back(found.place)):
            raise Refused("unreadable", "This text names what may not be in it now; have it revised.",
                          dutch="In deze tekst staat iets wat er nu niet in mag; laat hem herzien.")  # fmt: skip
        await self._write(Kind.NOTE_RELEASED, person, note=note, revision=_number(fields))
        return _to(request, f"/verhalen/{note}")

    def withdraw_form(self, request: Request, note: str) -> Response:
        """Asks whether it is meant."""
        person_with(request, "writer")
        return self._pages.page(request, "note_withdraw.html", note=self._standing(note))

    async def withdraw(self, request: Request, note: str) -> Response:
        """Show a note no more."""
        person, _ = person_with(request, "writer"), await form_of(request)
        await self._write(Kind.NOTE_WITHDRAWN, person, note=note)
        return _to(request, "/verhalen")


def readable(pages: OwnPages, person: Session | None, lang: str) -> list[dict[str, Any]]:
    """Released notes a reader may see now, with their text as HTML; those only for the talk with providers to who is signed in."""
    story = pages.readers_story()
    told = released_notes(story) + (released_notes(story, audience="providers") if person is not None else [])
    return [_shown(pages, note, revision, lang) for note, revision in told]


def _shown(pages: OwnPages, note: Note, revision: Revision, lang: str) -> dict[str, Any]:
    return {
        "note": note, "revision": revision, "html": as_html(revision.text), "release": note.releases[-1],
        "held_since": pages.held_since(note, lang),
    }  # fmt: skip


def _lines(fields: dict[str, str]) -> str:
    return fields.get("text", "").replace("\r\n", "\n").strip()


def _number(fields: dict[str, str]) -> int:
    """The version a form is of; 0, which is none, where it names no number."""
    named = fields.get("revision", "")
    return int(named) if named.isdecimal() and len(named) < 6 else 0


def _place(place: Place) -> dict[str, Any]:
    return {"area": place.area, "group": place.group, "first_month": place.first_month, "last_month": place.last_month}


def _said(fields: dict[str, str]) -> dict[str, Any]:
    speaker, audience = fields.get("speaker", ""), fields.get("audience", "")
    if speaker not in SPEAKERS or audience not in AUDIENCES:
        raise Refused("unreadable", "Choose who speaks, and for whom.", dutch="Kies wie spreekt, en voor wie.")
    consent = fields.get("consent") == "yes"
    if speaker == "client" and not consent:
        raise Refused("unreadable", "A client speaks only with consent; tick that it was given.",
                      dutch="Een cliënt spreekt alleen met toestemming; vink aan dat die er is.")  # fmt: skip
    return {
        "speaker": speaker,
        "audience": audience,
        "consent": consent and speaker == "client",
        "text": fields["text"],
    }


def _to(request: Request, path: str) -> RedirectResponse:
    return RedirectResponse(f"{path}?lang={language(request)}", status_code=303)


def story_router(pages: OwnPages) -> APIRouter:
    """The addresses of notes."""
    stories, router = _Stories(pages), APIRouter()
    for path, method, answer in (
        ("/verhalen", "GET", stories.list_notes), ("/verhalen/nieuw", "GET", stories.empty_form), ("/verhalen/nieuw", "POST", stories.write),
        ("/verhalen/{note}", "GET", stories.one), ("/verhalen/{note}/herzien", "GET", stories.revise_form),
        ("/verhalen/{note}/herzien", "POST", stories.revise), ("/verhalen/{note}/vrijgeven", "GET", stories.release_form),
        ("/verhalen/{note}/vrijgeven", "POST", stories.release), ("/verhalen/{note}/intrekken", "GET", stories.withdraw_form),
        ("/verhalen/{note}/intrekken", "POST", stories.withdraw),
    ):  # fmt: skip
        router.add_api_route(path, answer, methods=[method], response_model=None)
    return router
