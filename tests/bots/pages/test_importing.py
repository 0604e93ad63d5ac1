"""Alice gives a list, looks at what would become of each line, and confirms. Secrets never come back."""

import re

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bots.domain.bot_lists import read_list
from bots.models import AuditEntry, Bot
from tests import builders
from tests.bots.domain.audit_acts import audit_full
from tests.bots.pages.reading import cells, page, row, text

SECRET = "page-canary-c04"
GOOD = f"name,url,username,password,tags\nbtc-01,http://10.0.0.1:8080,ft,{SECRET},trend\n"
BAD = f"bad,nonsense,ft,{SECRET},\n"
HERE = "/team/alpha/import/"


def draft_in(shown):
    found = re.search(r'name="draft" value="([^"]*)"', shown)
    return found[1] if found else None


def looked(client, given=GOOD, **more):
    return page(client.post(HERE, {"list": given, **more}))


def confirmed(client, draft, path=HERE):
    return client.post(path, {"draft": draft}, follow=True)


def test_alice_pastes_a_list_looks_at_it_and_adds_it(browser_of, alice):
    alices = browser_of(alice)
    shown = looked(alices, GOOD + BAD)

    assert cells(row(shown, "line-2")) == [
        "line 2",
        "btc-01",
        "good",
        "http://10.0.0.1:8080 · ft",
        "password sealed",
        "trend",
    ]
    address = "Address: The address must begin with http:// or https://"
    assert cells(row(shown, "line-3")) == ["line 3", "bad", f"refused : {address}"]
    assert "Add 1 bot, leave 1 out" in text(shown)
    assert not Bot.objects.exists()

    answer = confirmed(alices, draft_in(shown))
    assert answer.redirect_chain == [("/team/", 302)]
    assert "1 bot added to Alpha; 1 refused." in text(page(answer))
    bot = Bot.objects.get()
    assert (bot.slug, bot.tags, bot.opened_connection()["password"]) == ("btc-01", ["trend"], SECRET)
    last = AuditEntry.objects.get(action="bots_imported")
    assert (last.actor, last.team, last.details["added"], last.details["refused"]) == ("alice", "alpha", 1, 1)


def test_a_file_is_read_by_its_ending(browser_of, alice):
    alices = browser_of(alice)
    listed = f"- name: btc-01\n  url: http://10.0.0.1:8080\n  username: ft\n  password: {SECRET}\n"
    shown = page(alices.post(HERE, {"file": SimpleUploadedFile("bots.yaml", listed.encode())}))

    confirmed(alices, draft_in(shown))
    assert Bot.objects.get().opened_connection()["password"] == SECRET


@pytest.mark.parametrize(
    "given", [GOOD, GOOD + BAD, BAD, f"bot,{SECRET}\n", f"name,url\n{SECRET},x,{SECRET}\n", f"- {SECRET}"]
)
def test_no_secret_ever_comes_back(browser_of, alice, given):
    answer = browser_of(alice).post(HERE, {"list": given})

    assert SECRET not in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_what_the_browser_keeps_holds_the_secret_sealed(browser_of, alice, alpha):
    kept = signing.loads(draft_in(looked(browser_of(alice))), salt=f"bots.import.{alice.pk}.{alpha.pk}")

    (_, name, _, draft) = kept[0]
    assert (name, draft["sealed"]["password"][:3]) == ("btc-01", "v1.")
    assert SECRET not in str(kept)


def test_all_or_nothing_offers_nothing_to_confirm_while_a_line_is_refused(browser_of, alice):
    shown = looked(browser_of(alice), GOOD + BAD, whole="1")

    assert draft_in(shown) is None
    assert "All or nothing: as long as a line is refused, none is added." in text(shown)
    assert draft_in(looked(browser_of(alice), GOOD, whole="1"))


@pytest.mark.parametrize(
    ("given", "sentence"), [("", "The list is empty"), ("hello", "unknown: number 1"), ("x" * 1_100_000, "1024 kB")]
)
def test_a_list_that_is_none_brings_the_form_back_with_the_cause(browser_of, alice, given, sentence):
    answer = browser_of(alice).post(HERE, {"list": given})

    assert answer.status_code == 422
    assert sentence in text(answer.content.decode())


@pytest.mark.parametrize("size", [1_100_000, 3_000_000])
def test_a_file_too_large_is_refused_and_never_lies_on_the_disk(browser_of, alice, size, settings):
    answer = browser_of(alice).post(HERE, {"file": SimpleUploadedFile("bots.csv", b"x" * size)})

    assert answer.status_code == 422
    assert settings.FILE_UPLOAD_HANDLERS == ["django.core.files.uploadhandler.MemoryFileUploadHandler"]


def test_what_comes_back_altered_from_somebody_else_or_for_another_team_is_not_confirmed(
    browser_of, alice, alpha, beta
):
    mallory = builders.person("mallory")
    for manager, team in ((mallory, alpha), (alice, beta)):
        builders.member(manager, team, "manager")
    draft = draft_in(looked(browser_of(alice)))

    for client, path, given in (
        (browser_of(alice), HERE, draft[:-1] + ("a" if draft[-1] != "a" else "b")),
        (browser_of(alice), HERE, "nonsense"),
        (browser_of(mallory), HERE, draft),
        (browser_of(alice), "/team/beta/import/", draft),
    ):
        answer = client.post(path, {"draft": given})
        assert (answer.status_code, "give the list again" in text(answer.content.decode())) == (422, True)
    assert not Bot.objects.exists()


def test_what_was_looked_at_an_hour_ago_is_not_confirmed(browser_of, alice, time_machine):
    time_machine.move_to("2026-01-01 12:00", tick=False)
    alices = Client()
    alices.force_login(alice)
    draft = draft_in(looked(alices))
    time_machine.shift(31 * 60)

    assert alices.post(HERE, {"draft": draft}).status_code == 422
    assert not Bot.objects.exists()


def test_confirming_twice_adds_once(browser_of, alice):
    alices = browser_of(alice)
    draft = draft_in(looked(alices))
    confirmed(alices, draft)

    assert "0 bots added to Alpha; 1 there already." in text(page(confirmed(alices, draft)))
    assert Bot.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_when_the_audit_cannot_be_written_nothing_is_added(browser_of, alice):
    alices = browser_of(alice)
    draft = draft_in(looked(alices))
    with audit_full():
        assert alices.post(HERE, {"draft": draft}).status_code == 503
    assert not Bot.objects.exists()


@pytest.mark.parametrize("form", ["csv", "yaml"])
def test_the_export_holds_every_active_bot_and_no_secret(browser_of, alice, alpha, form):
    bot = builders.a_bot(alpha, "=evil", tags=["a, b"])
    bot.set_secret("password", SECRET)
    bot.save()
    builders.a_bot(alpha, "old", retired_at=bot.created_at)
    answer = browser_of(alice).get(f"/team/alpha/export.{form}")

    assert SECRET.encode() not in answer.content
    assert answer["Content-Disposition"].endswith(f'.{form}"')
    assert "no-store" in answer["Cache-Control"]
    (line,) = read_list(answer.content, f"a.{form}")
    assert (line.facts.name, line.facts.tags) == ("=evil", ("a, b",))
    assert dict(line.facts.connection) == bot.connection
    if form == "csv":
        assert b"\r\n'=evil," in answer.content
