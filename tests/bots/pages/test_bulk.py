"""Many bots at once: what each would get is told first, and each has its own result."""

import pytest
from django.utils import timezone

from bots.models import AuditEntry, BotStatus, Command, CommandBatch, FourEyes
from tests.bots.pages.asking import ALL_ACTIONS, form_of
from tests.bots.pages.reading import page, row, text
from tests.builders import a_bot, a_trade


@pytest.fixture
def fleet(alpha):
    """Two LIVE bots with three open trades, a DRY one, one that is paused already, and one not asked at all."""
    able = {"capabilities": ALL_ACTIONS}
    first = a_bot(alpha, "btc-trend-01", tags=["trend"], status=able)
    second = a_bot(alpha, "majors-swing", tags=["trend"], status=able)
    for bot, pair in ((first, "BTC/USDT"), (first, "ETH/USDT"), (second, "SOL/USDT")):
        a_trade(bot, pair=pair)
    a_bot(alpha, "paper", status=able | {"mode": "dry"})
    a_bot(alpha, "quiet", tags=["trend"], status=able | {"state": "paused"})
    a_bot(alpha, "held", enabled=False, status=able)
    return [first, second]


CHOSEN = "bot=btc-trend-01&bot=majors-swing&bot=paper&bot=quiet&bot=held"


def asked(browser, address, **typed):
    """Open the page and press its first button."""
    markup = page(browser.get(address))
    form = form_of(markup) | {"bot": listed_bots(markup)} | typed
    return browser.post(address.partition("?")[0], form)


def listed_bots(markup):
    return [part.split('"')[0] for part in markup.split('name="bot" value="')[1:]]


def test_the_fleet_offers_bots_to_choose_to_whom_may_operate_them(browser_of, olga, bob, fleet):
    assert 'name="bot" value="btc-trend-01" form="bulk"' in page(browser_of(olga).get("/"))
    assert 'form="bulk"' not in page(browser_of(bob).get("/"))


def test_each_bot_says_beforehand_what_it_would_get(browser_of, dana, fleet):
    markup = page(browser_of(dana).get(f"/batches/new/?action=force_exit_all&{CHOSEN}"))

    assert "Exit all trades on 4 bots of Alpha" in text(markup)
    assert "LIVE Exit 2 open trades" not in text(row(markup, "line-paper"))
    assert "Exit 2 open trades: BTC/USDT, ETH/USDT" in text(row(markup, "line-btc-trend-01"))
    assert "nothing : held is paused in the portal" in text(row(markup, "line-held"))
    assert "3 LIVE. Type Alpha to confirm" in text(markup)
    assert not Command.objects.exists()


def test_a_bot_that_is_paused_already_gets_nothing(browser_of, olga, fleet):
    markup = page(browser_of(olga).get(f"/batches/new/?action=pause&{CHOSEN}"))

    assert "nothing : quiet is paused already" in text(row(markup, "line-quiet"))


def test_the_same_form_sent_twice_is_one_batch_with_one_command_a_bot(browser_of, olga, fleet):
    browser = browser_of(olga)
    markup = page(browser.get(f"/batches/new/?action=pause&{CHOSEN}"))
    form = form_of(markup) | {"bot": listed_bots(markup), "reason": "weekend"}

    places = {browser.post("/batches/new/", form)["Location"] for _ in range(2)}

    batch = CommandBatch.objects.get()
    assert places == {f"/batches/{batch.pk}/"}
    assert sorted(command.bot.slug for command in batch.commands.all()) == ["btc-trend-01", "majors-swing", "paper"]
    assert {command.reason for command in batch.commands.all()} == {"weekend"}


def test_the_batch_shows_one_result_a_bot_and_who_was_left_out(browser_of, olga, charlie, fleet):
    asked(browser_of(olga), f"/batches/new/?action=pause&{CHOSEN}")
    batch = CommandBatch.objects.get()
    now = timezone.now()
    for slug, state in (("btc-trend-01", "done"), ("majors-swing", "refused")):
        batch.commands.filter(bot__slug=slug).update(state=state, sent_at=now, ended_at=now, outcome={"words": "Well."})

    shown = page(browser_of(olga).get(f"/batches/{batch.pk}/"))

    assert "1 done" in text(shown)
    assert "1 refused" in text(shown)
    assert "2 left out" in text(shown)
    assert "“Well.”" in text(row(shown, f"command-{batch.commands.get(bot__slug='majors-swing').pk}"))
    assert "paused in the portal" in text(row(shown, "left-held"))
    assert browser_of(charlie).get(f"/batches/{batch.pk}/").status_code == 404


def test_a_stop_ends_what_is_not_sent_and_leaves_the_rest(browser_of, olga, bob, fleet):
    asked(browser_of(olga), f"/batches/new/?action=pause&{CHOSEN}")
    batch = CommandBatch.objects.get()
    batch.commands.filter(bot__slug="btc-trend-01").update(state="sent", sent_at=timezone.now())
    assert browser_of(bob).post(f"/batches/{batch.pk}/stop/").status_code == 403
    assert batch.commands.filter(state="cancelled").count() == 0

    browser_of(olga).post(f"/batches/{batch.pk}/stop/")

    states = dict(batch.commands.values_list("bot__slug", "state"))
    assert states == {"btc-trend-01": "sent", "majors-swing": "cancelled", "paper": "cancelled"}
    assert AuditEntry.objects.filter(action="batch_stopped", actor="olga").count() == 1


def test_what_a_broken_stop_left_unsent_can_be_stopped_again(browser_of, olga, fleet):
    asked(browser_of(olga), f"/batches/new/?action=pause&{CHOSEN}")
    batch = CommandBatch.objects.get()
    CommandBatch.objects.update(stopped_at=timezone.now(), stopped_by_name="olga")
    assert "Stop the 3 not sent yet" in text(page(browser_of(olga).get(f"/batches/{batch.pk}/")))

    browser_of(olga).post(f"/batches/{batch.pk}/stop/")

    assert set(batch.commands.values_list("state", flat=True)) == {"cancelled"}
    assert "/stop/" not in page(browser_of(olga).get(f"/batches/{batch.pk}/"))


def test_only_where_nothing_was_done_it_is_asked_once_more(browser_of, olga, fleet):
    browser = browser_of(olga)
    asked(browser, f"/batches/new/?action=pause&{CHOSEN}")
    batch = CommandBatch.objects.get()
    now = timezone.now()
    batch.commands.update(state="done", sent_at=now, ended_at=now)
    batch.commands.filter(bot__slug="majors-swing").update(state="refused")
    markup = page(browser.get(f"/batches/{batch.pk}/"))
    assert "Ask the 3 once more where nothing was done" in text(markup)

    browser.post(f"/batches/{batch.pk}/repeat/", form_of(markup))

    again = CommandBatch.objects.exclude(pk=batch.pk).get()
    assert [command.bot.slug for command in again.commands.all()] == ["majors-swing"]


def test_many_live_bots_exit_only_after_the_teams_name_was_typed(browser_of, dana, fleet):
    browser, address = browser_of(dana), f"/batches/new/?action=force_exit_all&{CHOSEN}"

    refused = asked(browser, address, reason="maintenance", typed="alph")
    assert refused.status_code == 400
    assert "Nothing was sent." in text(refused.content.decode())
    assert not CommandBatch.objects.exists()

    assert asked(browser, address, reason="maintenance", typed="Alpha").status_code == 302
    assert Command.objects.filter(action="force_exit_all").count() == 4


def test_all_bots_with_a_tag_are_chosen_by_the_address(browser_of, olga, fleet):
    markup = page(browser_of(olga).get("/batches/new/?action=pause&tag=trend"))

    assert listed_bots(markup) == ["btc-trend-01", "majors-swing", "quiet"]
    assert "/batches/new/?tag=trend" in page(browser_of(olga).get("/?tag=trend"))


def test_without_an_action_the_page_asks_which(browser_of, olga, fleet):
    shown = text(page(browser_of(olga).get("/batches/new/?tag=trend")))

    assert "What should 3 bots do?" in shown
    assert "Nothing is asked yet." in shown


def test_bots_of_another_team_are_not_among_the_chosen(browser_of, charlie, fleet):
    browser = browser_of(charlie)

    assert "No bot is chosen" in page(browser.get(f"/batches/new/?action=pause&{CHOSEN}"))
    typed = {"action": "pause", "team": "alpha", "bot": ["btc-trend-01"]}
    assert browser.post("/batches/new/", typed).status_code == 404


def test_an_operator_is_told_that_exits_are_not_for_that_role(browser_of, olga, fleet):
    shown = page(browser_of(olga).get(f"/batches/new/?action=force_exit_all&{CHOSEN}"))

    assert "takes the role trader or higher" in text(shown)
    assert "None of these bots can be asked this now" in text(shown)


def test_a_bot_that_was_shown_as_dry_is_not_asked_when_it_is_live(browser_of, dana, fleet):
    browser = browser_of(dana)
    markup = page(browser.get(f"/batches/new/?action=stop&{CHOSEN}"))
    BotStatus.objects.filter(bot__slug="paper").update(mode="live")

    browser.post("/batches/new/", form_of(markup) | {"bot": listed_bots(markup)})

    batch = CommandBatch.objects.get()
    assert "paper" not in batch.commands.values_list("bot__slug", flat=True)
    shown = text(row(page(browser.get(f"/batches/{batch.pk}/")), "left-paper"))
    assert "paper is no longer what was confirmed: mode was DRY and is LIVE" in shown


def test_a_sign_no_text_has_chooses_no_bot(browser_of, olga, fleet):
    assert browser_of(olga).get("/batches/new/?bot=%00").status_code == 400


# --- The kill switch ---


@pytest.mark.parametrize(
    ("who", "status", "kinds"),
    [
        ("alice", 200, ["pause_all", "exit_all"]),
        ("dana", 200, ["pause_all", "exit_all"]),
        ("olga", 200, ["pause_all"]),
        ("bob", 403, []),
        ("charlie", 404, []),
    ],
)
def test_the_kill_switch_offers_what_the_role_allows(request, browser_of, fleet, who, status, kinds):
    answer = browser_of(request.getfixturevalue(who)).get("/team/alpha/kill-switch/")

    assert answer.status_code == status
    assert [kind for kind in ("pause_all", "exit_all") if f'value="{kind}"' in answer.content.decode()] == kinds


def test_olga_pauses_every_bot_with_the_teams_name_typed(browser_of, olga, fleet):
    browser, path = browser_of(olga), "/team/alpha/kill-switch/"
    assert path in page(browser.get("/team/"))

    assert asked(browser, path, kind="pause_all", typed="no").status_code == 400
    answer = asked(browser, path, kind="pause_all", typed="Alpha")

    batch = CommandBatch.objects.get()
    assert answer["Location"] == f"/batches/{batch.pk}/"
    assert (batch.kind, batch.action, batch.commands.count()) == ("pause_all", "pause", 3)
    assert browser.post(path, {"kind": "exit_all", "typed": "Alpha", "reason": "all out"}).status_code == 403
    assert browser.post(path, {"kind": "explode", "typed": "Alpha"}).status_code == 404


def test_what_is_left_afterwards_stands_on_the_batch_and_at_the_switch(browser_of, dana, fleet):
    asked(browser_of(dana), "/team/alpha/kill-switch/", kind="exit_all", typed="Alpha", reason="exchange is down")
    sentence = "0 open trades left on 3 of 4 bots; not read since: quiet"
    CommandBatch.objects.update(post_check={"sentence": sentence, "unknown": ["quiet"]}, checked_at=timezone.now())

    assert sentence in text(page(browser_of(dana).get(f"/batches/{CommandBatch.objects.get().pk}/")))
    assert sentence in text(page(browser_of(dana).get("/team/alpha/kill-switch/")))


def test_a_batch_that_waits_is_approved_whole_by_a_second_person(browser_of, alice, dana, alpha, fleet):
    FourEyes.objects.create(team=alpha, actions=["force_exit_all"], wait_minutes=10)
    asked(browser_of(dana), f"/batches/new/?action=force_exit_all&{CHOSEN}", typed="Alpha", reason="maintenance")
    batch = CommandBatch.objects.get()
    path = f"/batches/{batch.pk}/approve/"
    assert path not in page(browser_of(dana).get(f"/batches/{batch.pk}/"))
    assert path in page(browser_of(alice).get(f"/batches/{batch.pk}/"))

    browser_of(alice).post(path)

    states = dict(batch.commands.values_list("bot__slug", "state"))
    assert states == {"btc-trend-01": "intent", "majors-swing": "intent", "quiet": "intent", "paper": "intent"}
    assert set(batch.commands.exclude(bot__slug="paper").values_list("approved_by_name", flat=True)) == {"alice"}
