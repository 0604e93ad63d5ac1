"""Every route that changes something x every kind of person: a refused one leaves everything as it was."""

import json
import re
from contextlib import contextmanager

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from tests.bots.api.conftest import Caller
from tests.matrix.conftest import EVERYBODY, OUTSIDE, everything
from tests.matrix.contract import may
from tests.matrix.routes import (
    ADMIN_DOORS,
    API,
    OF_ONESELF,
    ONLY_READ_BY_POST,
    OPEN,
    OTHERWISE,
    PAGES,
    PROBES,
    READING,
    WRITABLE,
)

MUTATING = {route for route, _ in {**API, **PAGES}}
READ_ONLY_METHODS = ("POST", "PUT", "PATCH", "DELETE")


def walked(patterns, space=""):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from walked(pattern.url_patterns, pattern.namespace or space)
        else:
            yield space, pattern.name or f"? {pattern.pattern}"


ROUTES = list(walked(get_resolver().url_patterns))
OURS = {name for space, name in ROUTES if space != "admin"}
IN_ADMIN = sorted({name for space, name in ROUTES if space == "admin" and not name.startswith("?")} - ADMIN_DOORS)


def test_every_route_stands_in_the_table_once():
    kinds = [MUTATING, READING, OPEN, OF_ONESELF, ONLY_READ_BY_POST, PROBES]
    assert {name for kind in kinds for name in kind} == OURS
    assert sum(map(len, kinds)) == len(OURS), "a route is of two kinds"


def browser(person):
    client = Client()
    if person is not None:
        client.force_login(person)
    return client


def path_of(route, names, things):
    return reverse(route, kwargs={name: things.get(thing, thing) for name, thing in names.items()})


def expected_refusal(route, who, *, api):
    """The status for somebody who may not; who may gets none of these."""
    if who == "stranger" or (who == "deactivated" and not api):
        return 401 if api else 302
    return OTHERWISE.get((route, who), 404) if who in OUTSIDE else 403


@contextmanager
def undone():
    """Each person finds the scene as it was made."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize(("route", "method"), API)
def test_who_may_use_which_route_of_the_api(scene, things, route, method):
    lowest, names, body = API[route, method]
    before = everything()
    for who in EVERYBODY:
        with undone():
            answer = Caller(scene.people[who])(path_of(route, names, things), method, body)
            judge(answer, before, who, lowest, expected_refusal(route, who, api=True))
        if answer.status_code >= 400:
            assert {"detail", "code"} <= set(json.loads(answer.content)), who


@pytest.mark.parametrize(("route", "method"), PAGES)
def test_who_may_use_which_page(scene, things, route, method):
    lowest, names, body = PAGES[route, method]
    before = everything()
    for who in EVERYBODY:
        with undone():
            answer = browser(scene.people[who]).post(path_of(route, names, things), body)
            refusal = expected_refusal(route, who, api=False)
            judge(answer, before, who, lowest, refusal)
        if refusal == 302 and not may(who, lowest):
            assert answer["Location"].startswith("/login/"), who


def judge(answer, before, who, lowest, refusal):
    told = f"{who}: {answer.status_code} {answer.content[:300]!r}"
    if may(who, lowest):
        assert answer.status_code < 400, told
        assert not answer.headers.get("Location", "").startswith("/login/"), told
    else:
        assert answer.status_code == refusal, told
        assert everything() == before, told


@pytest.mark.parametrize(("route", "method"), PAGES)
def test_a_page_of_another_site_does_nothing_here(scene, things, route, method):
    _, names, body = PAGES[route, method]
    before = everything()
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(scene.people["manager"])
    assert careful.post(path_of(route, names, things), body).status_code == 403
    assert everything() == before


@pytest.mark.parametrize("route", sorted(READING))
def test_what_is_for_reading_changes_nothing(scene, things, route):
    before = everything()
    place = reading_path(route, things)
    for method in READ_ONLY_METHODS:
        if place.startswith("/api/"):
            answer = Caller(scene.people["manager"])(place, method, {})
        else:
            answer = browser(scene.people["manager"]).generic(method, place)
        assert answer.status_code == 405, (route, method)
    assert everything() == before


def reading_path(route, things):
    """The path with something of this scene in every place."""
    kinds = {"pk": "trade", "slug": "bot", "number": "waiting", "team": "team", "batch": "batch", "uuid": "uuid"}
    if route in ("command", "batch", "alert"):
        kinds["pk"] = {"command": "waiting"}.get(route, route)
    if route in ("export_csv", "export_yaml", "alert_rules", "destinations"):
        kinds["slug"] = "team"
    if route == "api-deliveries":
        kinds["number"] = "destination"
    [(template, names)] = get_resolver().reverse_dict.getlist(route)[0][0]
    return "/" + template % {name: things[kinds[name]] for name in names}


# --- The admin ------------------------------------------------------------------------------------------------------


def admin_path(name):
    [(template, names)] = admin_resolver().reverse_dict.getlist(name)[0][0]
    return "/admin/" + template % dict.fromkeys(names, "1")


def admin_resolver():
    [found] = [pattern for pattern in get_resolver().url_patterns if getattr(pattern, "namespace", "") == "admin"]
    return found


def test_the_admin_is_the_superusers_alone(scene, things):
    before = everything()
    for who in EVERYBODY:
        if who == "superuser":
            continue
        client = browser(scene.people[who])
        for name in IN_ADMIN:
            for ask in (client.get, client.post):
                answer = ask(admin_path(name))
                assert answer.status_code == 302, (who, name)
                assert answer["Location"].startswith("/admin/login/"), (who, name)
    assert everything() == before


def test_what_is_not_administered_there_is_only_looked_at(scene, things):
    """Superusers, too, change neither commands nor trades nor the audit."""
    before = everything()
    client = browser(scene.people["superuser"])
    acts = [re.fullmatch(r"(\w+_\w+)_(add|change|delete)", name) for name in IN_ADMIN]
    models = {found[1] for found in acts if found and found[1] != "auth_user_password"}
    assert models > WRITABLE
    for model in sorted(models - WRITABLE):
        for act in ("add", "change", "delete"):
            answer = client.post(admin_path(f"{model}_{act}"), {"post": "yes"})
            # 302: "there is no such row", back to the index
            assert answer.status_code == 403 or (act != "add" and answer["Location"] == "/admin/"), (model, act)
    assert everything() == before
