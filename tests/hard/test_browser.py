"""The pages as people see them: in Chromium, wide and on a phone, dark and light, with and without JavaScript."""

import time
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.hard

WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
OF_ALPHA = (
    "FROM bots_bot JOIN bots_botstatus ON bot_id = bots_bot.id"
    " JOIN accounts_team team ON team.id = team_id WHERE team.slug = 'alpha'"
)
PATIENCE = 120_000  # ms: the machine may be busy
PAGES = ["/", "/trades/", "/trades/?status=closed", "/team/", "/account/", "/bots/add/", "/bots/{bot}/", "/commands/"]
PAGES += ["/audit/", "/team/alpha/kill-switch/", "/bots/{bot}/do/", "/bots/{bot}/do/force_exit_all/"]


@contextmanager
def logged_in(demo, chromium, name="manager", **options):
    """A browser of its own for one person, at the fleet page; `page.complaints` holds what its console says."""
    context = chromium.new_context(base_url=demo.address, viewport=WIDE, **options)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto("/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", "demo")
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{demo.address}/")
    yield page
    context.close()


def a_bot(demo):
    """The slug of a bot of team Alpha that runs; the portal asks it within its first seconds."""
    for _ in range(60):
        if rows := demo.rows(f"SELECT bots_bot.slug {OF_ALPHA} AND state = 'running' ORDER BY bots_bot.id"):
            return rows[0]["slug"]
        time.sleep(0.5)
    raise AssertionError("no bot of team Alpha was seen running")


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_page_breaks_the_content_policy_or_scrolls_sideways(demo, chromium, size, scheme):
    with logged_in(demo, chromium, color_scheme=scheme) as page:
        page.set_viewport_size(size)
        for path in PAGES:
            page.goto(path.format(bot=a_bot(demo)))
            width = page.evaluate("document.documentElement.scrollWidth")
            assert (path, width) == (path, size["width"])
        assert page.complaints == []


def test_the_fleet_is_complete_without_javascript(demo, chromium):
    with logged_in(demo, chromium, java_script_enabled=False) as page:
        bots = demo.rows(f"SELECT bots_bot.name {OF_ALPHA}")
        shown = page.inner_text("main")
        assert [row["name"] for row in bots if row["name"] not in shown] == []
        page.click(f"a[href='/bots/{a_bot(demo)}/']")
        assert page.url.endswith(f"/bots/{a_bot(demo)}/")


def test_the_open_page_follows_the_bots_without_being_loaded_again(demo, chromium):
    with logged_in(demo, chromium) as page:
        page.evaluate("window.sameDocument = true")
        before = page.inner_text("#fleet")
        page.wait_for_function("before => document.querySelector('#fleet').innerText !== before", arg=before)
        assert page.evaluate("window.sameDocument") is True


def test_keys_reach_the_search_and_the_help(demo, chromium):
    with logged_in(demo, chromium) as page:
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.type") == "search"
        page.keyboard.press("Escape")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        assert page.evaluate("document.querySelector('dialog[open]') !== null") is True


def test_an_outsider_sees_nothing_of_another_team(demo, chromium):
    with logged_in(demo, chromium, name="outsider") as page:
        assert page.goto(f"/bots/{a_bot(demo)}/").status == 404
        assert page.goto("/team/").status == 200
        assert "Alpha" not in page.inner_text("main")
