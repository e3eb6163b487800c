"""Signing in at the page: who gets in, with which role, for how long, and what a forged way back or form comes to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from own_page_served import ISSUER, PAGE, Served, Visitor, story

from portals.municipality.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions
from portals.municipality.signin import SignInSettings, local_path, roles_of
from portals.municipality.stories import story_router
from schemas.errors import SettingsWrong

COOKIE = "__Host-zorgstroom-gm9901"
BROWSER = {"accept": "text/html"}


@pytest.fixture
def served() -> Served:
    return Served()


def test_nothing_is_shown_before_signing_in_and_the_way_leads_back_to_what_was_asked(served: Served) -> None:
    stranger = served.visitor()
    asked = stranger.get("/verhalen?lang=en", headers=BROWSER)
    assert (asked.status_code, asked.headers["location"]) == (303, "/aanmelden?naar=%2Fverhalen%3Flang%3Den")
    for path in ("/", "/verhalen", "/nulmeting", "/verhalen/nieuw", "/export/council.pdf", "/api/v1/epochs"):
        assert stranger.get(path).status_code == 401
        assert "Waterrijk: " not in stranger.get(path).text
    assert stranger.get("/api/v1/epochs").json()["title"] == "Sign in first"
    assert stranger.get("/health").status_code == 200
    assert stranger.sign_in("rik", to="/nulmeting").headers["location"] == "/nulmeting"
    assert stranger.get("/").status_code == 200


def test_the_way_to_the_provider_has_a_challenge_a_nonce_and_a_state_and_the_address_of_the_settings(
    served: Served,
) -> None:
    leave = served.visitor().get("/aanmelden", headers={"host": "evil.example"})
    asked = httpx.URL(leave.headers["location"]).params
    assert leave.headers["location"].startswith(f"{ISSUER}/authorize?")
    assert asked["code_challenge_method"] == "S256"
    assert all(len(asked[name]) > 15 for name in ("code_challenge", "nonce", "state"))
    assert asked["redirect_uri"] == f"{PAGE}/aangemeld"
    assert "secret" not in leave.headers["location"]


def test_the_cookie_is_for_this_page_only_and_no_script_reads_it(served: Served) -> None:
    said = served.visitor().sign_in("rik").headers.get_list("set-cookie")
    session = next(c for c in said if c.startswith(f"{COOKIE}="))
    for word in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert word in session
    assert "Domain" not in session
    assert "expires" not in session.lower()


def test_each_sign_in_is_a_session_of_its_own(served: Served) -> None:
    visitor = served.visitor("rik")
    first = visitor.cookies[COOKIE]
    visitor.sign_in("wies")
    assert visitor.cookies[COOKIE] != first
    old = Visitor(served)
    old.cookies.set(COOKIE, first, domain="page.example")
    assert old.get("/verhalen").status_code == 401, "the one before is gone"


@pytest.mark.parametrize("sub", ["ander", "niemand"])
def test_who_has_no_role_here_gets_a_clear_page_and_no_session(served: Served, sub: str) -> None:
    visitor = served.visitor()
    answer = visitor.sign_in(sub)
    assert answer.status_code == 403
    assert "geen rol bij deze gemeente" in answer.text
    assert COOKIE not in visitor.cookies
    assert visitor.get("/verhalen").status_code == 401


@pytest.mark.parametrize("change", [{"state": "another"}, {"code": "another"}, {"error": "access_denied"}])
def test_a_way_back_that_is_forged_or_refused_signs_nobody_in(served: Served, change: dict[str, str]) -> None:
    visitor = served.visitor()
    answer = visitor.sign_in("rik", **change)
    assert answer.status_code == 400
    assert "opnieuw" in answer.text
    assert COOKIE not in visitor.cookies


def test_a_way_back_without_ones_own_beginning_or_used_twice_or_late_signs_nobody_in(served: Served) -> None:
    victim, attacker = served.visitor(), served.visitor()
    leave = attacker.get("/aanmelden")
    asked = dict(httpx.URL(leave.headers["location"]).params)
    back = attacker._ask(served.provider.app(), ISSUER, "POST", "/authorize", data=asked | {"sub": "wies"})
    way = urlsplit(back.headers["location"])
    assert victim.get(f"{way.path}?{way.query}").status_code == 400
    assert attacker.get(f"{way.path}?{way.query}").status_code == 303
    assert attacker.get(f"{way.path}?{way.query}").status_code == 400
    late = served.visitor()
    late.get("/aanmelden")
    served.now += 601
    assert late.get(f"{way.path}?{way.query}").status_code == 400


@pytest.mark.parametrize(
    "other",
    [{"iss": "https://evil.example"}, {"aud": "another-page"}, {"exp": 1}, {"nonce": "another"}, {"sub": None}],
    ids=["issuer", "audience", "expired", "nonce", "nobody"],
)
def test_an_id_token_with_a_wrong_claim_signs_nobody_in(
    served: Served, monkeypatch: pytest.MonkeyPatch, other: dict
) -> None:
    real = type(served.provider).id_token
    monkeypatch.setattr(
        type(served.provider), "id_token", lambda self, client, asked: real(self, client, asked, **other)
    )
    assert served.visitor().sign_in("rik").status_code == 400


def test_an_id_token_signed_by_another_key_signs_nobody_in(served: Served) -> None:
    assert served.visitor().sign_in("rik").status_code == 303
    served.provider.key = RSAKey.generate_key(2048, {"kid": "mock", "use": "sig", "alg": "RS256"})
    assert served.visitor().sign_in("rik").status_code == 400


def test_a_code_is_good_for_its_own_verifier_only(served: Served) -> None:
    one, other = served.visitor(), served.visitor()
    for visitor in (one, other):
        visitor.get("/aanmelden")
    asked = dict(httpx.URL(one.get("/aanmelden").headers["location"]).params)
    back = one._ask(served.provider.app(), ISSUER, "POST", "/authorize", data=asked | {"sub": "wies"})
    code = httpx.URL(back.headers["location"]).params["code"]
    assert other.sign_in("rik", code=code).status_code == 400


def test_a_provider_that_is_away_is_said_and_nothing_of_why(served: Served) -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("secret.internal refused")

    served.pages.sign_in._provider.client_kwargs["transport"] = httpx.MockTransport(away)
    answer = served.visitor().get("/aanmelden")
    assert answer.status_code == 503
    assert "niet bereikbaar" in answer.text
    assert "internal" not in answer.text


def test_a_session_ends_after_a_quarter_of_an_hour_of_silence(served: Served) -> None:
    visitor = served.visitor("rik")
    for _ in range(4):
        served.now += IDLE_SECONDS - 1
        assert visitor.get("/verhalen").status_code == 200
    served.now += IDLE_SECONDS
    assert visitor.get("/verhalen").status_code == 401


def test_a_session_ends_after_eight_hours_however_busy(served: Served) -> None:
    visitor = served.visitor("rik")
    while served.now + 600 < LONGEST_SECONDS:
        served.now += 600
        assert visitor.get("/verhalen").status_code == 200
    served.now = LONGEST_SECONDS
    assert visitor.get("/verhalen").status_code == 401


def test_signed_out_is_gone_also_for_who_kept_the_cookie(served: Served) -> None:
    visitor = served.visitor("wies")
    kept = visitor.cookies[COOKIE]
    out = visitor.send("/afmelden")
    assert (out.status_code, out.headers["location"]) == (303, "/afgemeld")
    assert COOKIE not in visitor.cookies
    assert "afgemeld" in visitor.text("/afgemeld")
    thief = Visitor(served)
    thief.cookies.set(COOKIE, kept, domain="page.example")
    assert thief.get("/verhalen").status_code == 401


@pytest.mark.parametrize(
    "other",
    [
        {"csrf": ""},
        {"csrf": "another"},
        {"headers": {"sec-fetch-site": "cross-site"}},
        {"headers": {"content-type": "text/plain"}},
    ],
    ids=["none", "wrong", "from another site", "another kind of body"],
)
def test_a_form_that_is_not_of_this_session_does_nothing(served: Served, other: dict) -> None:
    visitor = served.visitor("wies")
    for path, fields in (("/verhalen/nieuw", story()), ("/afmelden", {})):
        assert visitor.send(path, fields, **other).status_code == 403
    assert served.topic.records == []
    assert visitor.get("/verhalen").status_code == 200


def test_the_word_of_somebody_elses_session_is_no_word(served: Served) -> None:
    wies, wout = served.visitor("wies"), served.visitor("wout")
    assert wies.send("/verhalen/nieuw", story(), csrf=wout.csrf()).status_code == 403


def test_a_form_that_is_too_large_is_refused(served: Served) -> None:
    assert served.visitor("wies").send("/verhalen/nieuw", story(text="x" * 70_000)).status_code == 403


def test_roles_are_of_ones_own_municipality_only() -> None:
    told = ["GM9901:reader", "gm9901:writer", "GM9902:releaser", "GM9901:mayor", "GM9901", 7]
    assert roles_of({"r": told}, claim="r", municipality=9901) == {"reader", "writer"}
    assert roles_of({"r": "GM9901:reader GM9902:writer"}, claim="r", municipality=9901) == {"reader"}
    for claims in ({}, {"r": None}, {"r": {"GM9901": "writer"}}):
        assert roles_of(claims, claim="r", municipality=9901) == frozenset()


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "", "/a\nb", "\\\\evil"]
)
def test_signing_in_leads_to_this_page_and_nowhere_else(wanted: str) -> None:
    assert local_path(wanted) == "/"


@pytest.mark.parametrize(
    "told",
    [
        None, {}, {"issuer": ISSUER}, {"issuer": "http://provider.example", "client_id": "a", "client_secret": "b", "page_url": PAGE},
        {"issuer": ISSUER, "client_id": "a", "client_secret": "b", "page_url": "http://page.example"},
        {"issuer": ISSUER, "client_id": "", "client_secret": "b", "page_url": PAGE},
        {"issuer": ISSUER, "client_id": "a", "client_secret": "b", "page_url": PAGE, "figures_without_sign_in": "no"},
        {"issuer": ISSUER, "client_id": "a", "client_secret": "b", "page_url": PAGE, "password": "b"},
    ],
)  # fmt: skip
def test_wrong_settings_are_said_and_no_secret_repeated(told: object) -> None:
    with pytest.raises(SettingsWrong) as said:
        SignInSettings.of(told)
    assert "sign_in" in str(said.value)


def test_figures_may_be_open_by_a_setting_that_says_so_and_writing_is_not() -> None:
    served = Served(figures_without_sign_in=True)
    stranger = served.visitor()
    assert stranger.get("/").status_code == 200
    assert "Aanmelden" in stranger.text("/verhalen")
    assert stranger.get("/verhalen/nieuw").status_code == 403
    assert stranger.send("/verhalen/nieuw", story(), csrf="x").status_code == 403


def test_without_settings_the_page_reads_as_before_and_nothing_can_be_written() -> None:
    served = Served(sign_in=False)
    stranger = served.visitor()
    for path in ("/", "/verhalen", "/nulmeting"):
        assert stranger.get(path).status_code == 200
    assert "Aanmelden" not in stranger.text("/verhalen")
    assert stranger.get("/aanmelden").status_code == 404
    writing = [r.path for r in story_router(served.pages).routes if "POST" in r.methods]
    for path in writing:
        assert stranger.send(path.replace("{note}", "n1"), story(), csrf="").status_code == 403
    assert len(writing) == 4
    assert served.topic.records == []


def test_what_the_browser_keeps_is_not_what_is_kept_here() -> None:
    sessions = Sessions(lambda: 0.0)
    token = sessions.begin(actor="a", name="A", roles=frozenset({"reader"}))
    assert sessions.find(token).actor == "a"
    assert not re.search(token, repr(vars(sessions)))
    assert sessions.find(token).csrf not in repr(vars(sessions))
