"""An open page in Chromium beside a bot that trades: what happens is there at once, what was missed comes back, and who
logs out sees nothing any more."""

import json
import time

import pytest
from playwright.sync_api import expect, sync_playwright

from bots.simulator import BotSpec, running_fleet
from tests.chromium import launched
from tests.direct import DirectBot
from tests.process import PortalProcess

pytestmark = pytest.mark.hard

ALICE = """from accounts.models import *
alice = User(username="alice"); alice.set_password("alice"); alice.save()
Membership.objects.create(user=alice, team=Team.objects.get(slug="alpha"), role="manager")"""
BOB = """from accounts.models import *
bob, _ = User.objects.get_or_create(username="bob"); bob.set_password("bob"); bob.is_active = True; bob.save()
Membership.objects.update_or_create(user=bob, team=Team.objects.get(slug="alpha"), defaults={"role": "viewer"})"""
HELLO = json.dumps({"hello": {"seq": {}, "server_time": ""}})
TYPING = """() => {
  const field = document.activeElement;
  return [field.name, field.value, field.selectionStart, field.selectionEnd];
}"""
CHOOSE_A_SENTENCE = """() => {
  document.activeElement.blur();
  getSelection().selectAllChildren(document.querySelector("#events li[data-key] b, #events li[data-key] a"));
  return getSelection().toString();
}"""
SOON = 60_000  # ms: how soon is measured elsewhere, this machine may be busy


@pytest.fixture(scope="module")
def sim():
    with running_fleet([BotSpec(name="majors", history=3)]) as fleet:
        yield fleet.bots[0]


@pytest.fixture(scope="module")
def portal(tmp_path_factory, sim):
    portal = PortalProcess(tmp_path_factory.mktemp("live"))
    portal.furnish()
    portal.manage("shell", "-v0", "-c", ALICE)
    portal.environment["BOT_WS_TOKEN"] = sim.spec.ws_token
    portal.add_bot("majors", DirectBot(sim.url, sim.spec.username, sim.spec.password))
    portal.start()
    until(lambda: any(channel.topics for channel in sim.listener.channels), 300)
    yield portal
    portal.stop()


@pytest.fixture
def page(portal):
    with sync_playwright() as playwright:
        browser = launched(playwright)
        page = browser.new_context(base_url=portal.address).new_page()
        page.set_default_timeout(SOON)
        log_in(page, "alice")
        yield page
        browser.close()


def log_in(page, name):
    """The password is the name."""
    page.goto("/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", name)
    page.click("form button[type=submit]")
    page.wait_for_url(lambda url: "/login/" not in url)


def turn_away(page):
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")


def look_again(page):
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")


def until_true(page, condition):
    """Playwright tells of what happened only while it is asked for something."""
    for _ in range(SOON // 100):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not come about")


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def live(page, path):
    page.goto(path)
    page.wait_for_selector('[data-connection][data-kind="live"]')


def test_a_fill_is_on_the_open_page_at_once(page, sim):
    live(page, "/events/")
    sim.open_trade("XRP/USDT")
    page.wait_for_selector("text=entered XRP/USDT", timeout=SOON)
    expect(page).to_have_title("(1) Events · Portal", timeout=SOON)


def test_what_was_missed_while_the_network_was_cut_comes_back(page, sim):
    live(page, "/events/")
    page.context.set_offline(True)
    page.wait_for_selector('[data-connection][data-kind="lost"]', timeout=SOON)
    sim.open_trade("ADA/USDT")
    page.context.set_offline(False)
    page.wait_for_selector("text=entered ADA/USDT", timeout=SOON)


def test_a_hidden_tab_asks_for_nothing(page, sim):
    live(page, "/events/")
    asked = []
    turn_away(page)
    page.wait_for_timeout(1500)
    page.on("request", lambda request: asked.append(request.url))
    sim.open_trade("SOL/USDT")
    page.wait_for_timeout(2500)
    assert asked == []
    look_again(page)
    page.wait_for_selector("text=entered SOL/USDT", timeout=SOON)


def test_without_a_websocket_the_page_asks_gently_and_a_hidden_tab_not_at_all(page, sim):
    opened, asked = [], []
    page.route_web_socket("**/ws/fleet/", lambda socket: opened.append(socket) or socket.close())
    page.goto("/events/")
    expect(page.locator("[data-connection]")).to_have_text("Every 10 s", timeout=SOON)
    page.on("request", lambda request: asked.append(request.url) if "fragment=" in request.url else None)
    sim.open_trade("LTC/USDT")
    page.wait_for_selector("text=entered LTC/USDT", timeout=SOON)
    assert len(asked) <= 2
    turn_away(page)
    page.wait_for_timeout(1500)  # a question under way comes to its end
    asked.clear()
    page.wait_for_timeout(3000)
    tries = len(opened)
    page.wait_for_timeout(8500)  # longer than the pause between two questions, or between two tries to connect
    assert (asked, len(opened) - tries) == ([], 0)
    look_again(page)
    until_true(page, lambda: asked)


def test_a_websocket_on_which_nothing_comes_any_more_is_opened_anew(page, sim):
    """Half-open, as after a lost route: it stands, nothing arrives, no error tells. The new one is given its time."""
    opened = []

    def first_falls_silent(socket):
        opened.append(socket)
        if len(opened) == 1:
            socket.send(HELLO)

    page.route_web_socket("**/ws/fleet/", first_falls_silent)
    live(page, "/events/")
    page.wait_for_selector('[data-connection][data-kind="asking"]', timeout=SOON)
    until_true(page, lambda: len(opened) == 2)
    page.wait_for_timeout(2500)
    opened[1].send(HELLO)
    page.wait_for_selector('[data-connection][data-kind="live"]', timeout=SOON)
    assert len(opened) == 2


def test_a_question_on_which_nothing_comes_back_is_given_up_and_asked_again(page, sim):
    asked = []

    def swallow_the_first(route):
        asked.append(route)
        if len(asked) > 1:
            route.continue_()

    live(page, "/events/")
    page.route("**fragment=**", swallow_the_first)
    sim.open_trade("AVAX/USDT")
    page.wait_for_selector('[data-connection][data-kind="lost"]', timeout=SOON)
    page.wait_for_selector("text=entered AVAX/USDT", timeout=SOON)
    page.wait_for_selector('[data-connection][data-kind="live"]', timeout=SOON)


def test_news_after_a_slow_answer_is_fetched_at_once(page):
    """Only what comes while a question is under way waits until the server has rested as long as it took."""
    held = []
    page.route_web_socket("**/ws/fleet/", lambda socket: socket.send(HELLO))
    page.route("**fragment=**", lambda route: held.append(route) if not held else route.continue_())
    live(page, "/events/")
    until_true(page, lambda: held)
    page.wait_for_timeout(4000)
    with page.expect_response(lambda answer: "fragment=" in answer.url):
        held[0].continue_()
    page.wait_for_timeout(300)
    with page.expect_request(lambda request: "fragment=" in request.url, timeout=2500):
        page.evaluate("dispatchEvent(new Event('portal:changed'))")


def test_what_a_person_was_doing_goes_on_while_the_page_changes(page, sim):
    page.set_viewport_size({"width": 900, "height": 400})
    live(page, "/events/")
    page.fill("[name=q]", "half a wo")
    page.evaluate("document.querySelector('[name=q]').setSelectionRange(2, 4)")
    page.evaluate("scrollTo(0, 120)")
    assert page.evaluate(TYPING) == ["q", "half a wo", 2, 4]
    sim.open_trade("DOT/USDT")
    page.wait_for_selector("text=entered DOT/USDT", timeout=SOON, state="attached")
    assert page.evaluate(TYPING) == ["q", "half a wo", 2, 4]
    assert page.evaluate("scrollY") >= 120
    chosen = page.evaluate(CHOOSE_A_SENTENCE)
    assert chosen
    sim.open_trade("LINK/USDT")
    page.wait_for_selector("text=entered LINK/USDT", timeout=SOON, state="attached")
    assert page.evaluate("getSelection().toString()") == chosen


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_the_figure_that_changed_is_marked_but_moves_for_nobody_who_asks_for_rest(page, sim, motion):
    page.emulate_media(reduced_motion=motion)
    live(page, "/")
    page.wait_for_selector(".changed", timeout=60_000, state="attached")  # prices move at every poll
    moving = page.evaluate("getComputedStyle(document.querySelector('.changed')).animationName")
    assert (moving == "none") is (motion == "reduce")


def test_a_page_of_one_bot_says_what_it_lost(page, sim):
    live(page, "/trades/")
    sim.shut_down()
    try:
        page.wait_for_selector(".toast >> text=majors cannot be reached", timeout=SOON)
    finally:
        sim.come_back()


@pytest.mark.parametrize(
    ("change", "left", "seen"),
    [("Membership.objects.filter(user=bob).update(role='trader')", "role_changed", "**/events/"),
     ("User.objects.filter(pk=bob.pk).update(is_active=False)", "logged_out", "**/login/**")],
    ids=["another role", "deactivated"],
)  # fmt: skip
def test_the_socket_of_who_may_less_or_more_is_closed(portal, page, change, left, seen):
    """Within five seconds, as tests/bots/live tell at the hub's real pace; here the way to the page."""
    portal.manage("shell", "-v0", "-c", BOB)
    page.context.clear_cookies()
    log_in(page, "bob")
    said = []

    def keep(frame):  # not `said.append`: Playwright writes into the function it is given
        said.append(frame)

    page.on("websocket", lambda socket: socket.on("framereceived", keep))
    live(page, "/events/")
    portal.manage(
        "shell", "-v0", "-c", f"from accounts.models import *; bob = User.objects.get(username='bob'); {change}"
    )
    # A page that just then asks for its figures is sent to the login before the socket has said anything.
    until_true(page, lambda: "/login/" in page.url or any(json.loads(frame).get("bye") == left for frame in said))
    page.wait_for_url(seen, timeout=SOON)


def test_who_logs_out_elsewhere_is_shown_the_login(page, portal):
    live(page, "/events/")
    other = page.context.new_page()
    other.goto(f"{portal.address}/")
    other.evaluate("document.querySelector('form[action*=logout]').submit()")
    page.wait_for_url("**/login/**", timeout=SOON)
