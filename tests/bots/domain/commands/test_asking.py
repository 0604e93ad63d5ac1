"""Asking: who may, for which trade, how often; what is written down, and what is refused without a trace."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Team, User
from bots.domain import commands, safety
from bots.models import AuditEntry, Bot, BotStatus, Command, Event, FourEyes, Trade
from bots.simulator import SimBot
from tests.bots.domain.commands.conftest import WHY, actor, asked, exit_of, first_trade, refused
from tests.bots.domain.commands.surroundings import unwritable_audit
from tests.builders import a_bot, a_trade
from tests.fleets import polled

pytestmark = pytest.mark.django_db


# --- what is written down


def test_what_dora_asks_is_written_down_with_what_she_saw(dora: User, bot: Bot, handed: list[int]) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade))
    assert command.state == Command.INTENT
    assert command.expires_at - command.requested_at == timedelta(seconds=60)
    assert (command.requested_by_name, command.role, command.address) == ("dora", "trader", "10.0.0.7")
    assert command.trade == trade
    before = command.before
    assert (before["pair"], before["side"], before["open_ms"]) == (trade.pair, "long", trade.open_ms)
    assert before["amount"] == format(trade.amount, "f")
    moving = BotStatus.objects.get(bot=bot).moving[trade.trade_id]
    assert before["profit_abs"] == moving["profit_abs"]
    assert before["current_rate"] == moving["current_rate"]
    assert before["as_of"] == BotStatus.objects.get(bot=bot).seen_at.isoformat()


def test_the_audit_row_and_the_event_tell_of_it(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade, amount="0.001"))
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.bot, entry.team) == ("command_asked", "dora", bot.slug, "alpha")
    assert (entry.address, entry.session) == ("10.0.0.7", "f1ngerpr1nt")
    assert entry.details["command"] == command.pk
    assert entry.details["reason"] == WHY
    assert entry.details["params"] == {"trade_id": trade.trade_id, "amount": "0.001"}
    assert entry.details["before"]["amount"] == format(trade.amount, "f")
    event = Event.objects.get(kind="command_asked")
    assert event.text == f"Command asked: force exit of {trade.pair} #{trade.trade_id}, by dora"
    assert (event.trade, event.pair) == (trade, trade.pair)


def test_an_intent_is_handed_over_after_the_commit_and_its_bot_is_announced(
    dora: User, bot: Bot, handed: list[int], django_capture_on_commit_callbacks
) -> None:
    seq = BotStatus.objects.get(bot=bot).seq
    with django_capture_on_commit_callbacks(execute=True):
        command = asked(dora, bot, "stop")
        assert handed == []
    assert handed == [command.pk]
    assert BotStatus.objects.get(bot=bot).seq == seq + 1


def test_an_exit_of_all_keeps_every_open_trade(dora: User, bot: Bot) -> None:
    command = asked(dora, bot, "force_exit_all")
    listed = [(one["trade_id"], one["pair"]) for one in command.before["trades"]]
    assert listed == list(Trade.objects.filter(bot=bot).order_by("open_ms").values_list("trade_id", "pair"))
    assert len(listed) == 3
    assert AuditEntry.objects.get().details["before"]["open_trades"] == 3


def test_an_exit_of_two_thousand_trades_fits_into_the_audit(dora: User, alpha: Team) -> None:
    bot = a_bot(alpha, status={"capabilities": ["force_exit_all"]})
    first = a_trade(bot, pair="\N{MONEY BAG}" * 60, trade_id="\N{MONEY BAG}" * 40)
    rows = [Trade(**{**values(first), "trade_id": f"{number:\N{MONEY BAG}>40}"}) for number in range(1999)]
    Trade.objects.bulk_create(rows)
    command = asked(dora, bot, "force_exit_all", reason="\N{MONEY BAG}" * 500)
    assert len(command.before["trades"]) == 2000
    assert AuditEntry.objects.get().details["before"]["open_trades"] == 2000


def values(trade: Trade) -> dict[str, object]:
    names = [field.attname for field in Trade._meta.concrete_fields if field.name != "id"]
    return {name: getattr(trade, name) for name in names}


# --- who may


@pytest.mark.parametrize(
    ("who", "action", "may"),
    [
        ("bob", "start", False),
        ("otto", "start", True),
        ("otto", "blacklist_add", True),
        ("otto", "force_exit_all", False),
        ("dora", "force_exit_all", True),
        ("dora", "start", True),
        ("alice", "force_exit_all", True),
        ("charlie", "start", False),
    ],
)
def test_only_the_role_in_the_bots_own_team_counts(request, alice, bob, otto, dora, charlie, bot, who, action, may):
    person = request.getfixturevalue(who)
    params = {"pairs": ["DOGE/USDT"]} if action == "blacklist_add" else {}

    def ask() -> commands.Asked:
        return commands.ask(actor(person), person, bot, action, params, WHY)

    if may:
        assert ask().command.state == Command.INTENT
    else:
        with pytest.raises(commands.RoleTooLow) as refusal:
            ask()
        assert (refusal.value.code, refusal.value.status) == ("role_too_low", 403)
        assert not Command.objects.exists()
        assert not AuditEntry.objects.exists()


def test_a_deactivated_person_may_nothing(dora: User, bot: Bot) -> None:
    dora.is_active = False
    dora.save()
    with pytest.raises(commands.RoleTooLow):
        commands.ask(actor(dora), dora, bot, "stop", {})


# --- reason, bot, capability


@pytest.mark.parametrize("action", ["force_exit", "force_exit_all", "delete_trade"])
def test_what_ends_a_position_needs_a_reason(dora: User, bot: Bot, action: str) -> None:
    params = {} if action == "force_exit_all" else exit_of(first_trade(bot))
    problem = refused(commands.ReasonMissing, dora, bot, action, params, reason="  ")
    assert (problem.code, problem.status) == ("reason_missing", 422)


def test_what_starts_and_stops_needs_none(otto: User, bot: Bot) -> None:
    assert asked(otto, bot, "stop", reason="").reason == ""


def test_a_bot_that_the_portal_does_not_speak_to_is_sent_nothing(dora: User, bot: Bot) -> None:
    Bot.objects.update(enabled=False)
    assert refused(commands.BotNotReady, dora, bot, "stop").code == "bot_paused_in_portal"
    Bot.objects.update(enabled=True, retired_at=timezone.now())
    assert refused(commands.BotNotReady, dora, bot, "stop").code == "bot_retired"


def able(bot: Bot, *capabilities: str) -> None:
    BotStatus.objects.filter(bot=bot).update(capabilities=list(capabilities))


def test_what_a_release_lacks_is_refused_by_name(dora: User, bot: Bot) -> None:
    able(bot, "force_exit")
    trade = first_trade(bot)
    assert refused(commands.CapabilityMissing, dora, bot, "reload_trade", exit_of(trade)).capability == "reload_trade"
    partly = refused(commands.CapabilityMissing, dora, bot, "force_exit", exit_of(trade, amount="0.001"))
    assert (partly.capability, partly.status, partly.code) == ("force_exit_partial", 422, "capability_missing")
    assert str(partly) == "majors (Freqtrade 2026.9) takes no amount with force exit"
    assert asked(dora, bot, "force_exit", exit_of(trade)).state == Command.INTENT


def test_an_early_release_pauses_its_entries_by_another_name(otto: User, bot: Bot) -> None:
    able(bot, "stop_entry")
    assert asked(otto, bot, "pause").state == Command.INTENT
    able(bot, "start")
    assert refused(commands.CapabilityMissing, otto, bot, "pause").capability == "pause"


def test_no_system_places_orders_yet(dora: User, bot: Bot) -> None:
    assert refused(commands.CapabilityMissing, dora, bot, "place_order").capability == "place_order"
    assert refused(commands.WrongParams, dora, bot, "see").fields["action"]
    assert refused(commands.WrongParams, dora, bot, "steal").fields["action"]


def test_long_needs_no_capability_on_spot(dora: User, bot: Bot) -> None:
    assert "force_enter_side" not in BotStatus.objects.get(bot=bot).capabilities
    assert asked(dora, bot, "force_enter", {"pair": "XRP/USDT", "side": "long"}).state == Command.INTENT
    refused(commands.CapabilityMissing, dora, bot, "force_enter", {"pair": "SOL/USDT", "side": "short"})


def test_in_safe_mode_nothing_is_asked(dora: User, bot: Bot) -> None:
    safety.enter("restored", safety.WATCH)
    problem = refused(commands.NothingIsSent, dora, bot, "stop")
    assert (problem.code, problem.status) == ("safe_mode", 503)


# --- the trade that was confirmed


def test_a_trade_the_bot_does_not_have_is_refused(dora: User, bot: Bot, sim: SimBot) -> None:
    trade = first_trade(bot)
    missing = refused(commands.TradeChanged, dora, bot, "force_exit", {"trade_id": "77"})
    assert (missing.code, missing.status) == ("trade_changed", 409)
    assert str(missing) == "majors has no open trade 77 any more"
    sim.close_trade(int(trade.trade_id))
    polled(bot)
    refused(commands.TradeChanged, dora, bot, "force_exit", exit_of(trade))
    assert asked(dora, bot, "delete_trade", exit_of(trade)).trade == trade


def test_each_difference_to_what_dora_saw_is_named(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    seen = {"pair": "DOGE/USDT", "side": "short", "amount": "5", "open_date": "2026-01-01T00:00:00Z"}
    problem = refused(commands.TradeChanged, dora, bot, "force_exit", exit_of(trade, expected=seen))
    assert set(problem.differences) == {"pair", "side", "amount", "open_date"}
    assert problem.differences["pair"] == ("DOGE/USDT", trade.pair)
    assert problem.differences["amount"] == ("5", format(trade.amount, "f"))


def test_what_dora_saw_may_be_spelled_in_any_way(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    seen = {
        "pair": trade.pair,
        "side": "long",
        "amount": f"{trade.amount:f}000",
        "open_date": trade.open_date.isoformat().replace("+00:00", "Z"),
    }
    assert asked(dora, bot, "force_exit", exit_of(trade, expected=seen)).state == Command.INTENT


def test_an_open_time_is_compared_to_the_millisecond(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    # One that happened to open at a whole second would be taken for one of a bot that counts seconds.
    opened = trade.open_date.replace(microsecond=123000)
    Trade.objects.filter(pk=trade.pk).update(open_date=opened, open_ms=trade.open_ms // 1000 * 1000 + 123)
    later = (opened + timedelta(milliseconds=1)).isoformat()
    refused(commands.TradeChanged, dora, bot, "force_exit", exit_of(trade, expected={"open_date": later}))


def test_a_bot_that_counts_seconds_is_held_to_seconds(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    whole = trade.open_date.replace(microsecond=0)
    Trade.objects.filter(pk=trade.pk).update(open_date=whole, open_ms=trade.open_ms // 1000 * 1000)
    seen = {"open_date": (whole + timedelta(milliseconds=400)).isoformat()}
    assert asked(dora, bot, "force_exit", exit_of(trade, expected=seen)).state == Command.INTENT


def test_no_more_is_sold_than_the_trade_holds(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    over = format(trade.amount + 1, "f")
    problem = refused(commands.WrongParams, dora, bot, "force_exit", exit_of(trade, amount=over))
    assert problem.fields == {"amount": f"The trade holds {trade.amount:f}"}


def test_the_same_trade_id_at_another_bot_is_another_trade(dora: User, alpha: Team, bot: Bot) -> None:
    trade = first_trade(bot)
    other = a_bot(alpha, "other", status={"capabilities": ["force_exit"]})
    twin = a_trade(other, trade_id=trade.trade_id)
    assert asked(dora, other, "force_exit", exit_of(twin)).trade == twin
    seen = {"pair": trade.pair, "open_date": trade.open_date.isoformat()}
    Command.objects.all().delete()
    refused(commands.TradeChanged, dora, other, "force_exit", exit_of(trade, expected=seen))


def test_a_trade_of_an_earlier_run_is_not_meant(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    trade.run.ended_at = timezone.now()
    trade.run.save()
    refused(commands.TradeChanged, dora, bot, "force_exit", exit_of(trade))


# --- four eyes


def test_what_needs_four_eyes_waits(dora: User, bot: Bot, handed, django_capture_on_commit_callbacks) -> None:
    FourEyes.objects.create(team=bot.team, actions=["force_exit_all"], wait_minutes=5)
    with django_capture_on_commit_callbacks(execute=True):
        command = asked(dora, bot, "force_exit_all")
    assert command.state == Command.WAITING
    assert command.expires_at - command.requested_at == timedelta(minutes=5)
    assert handed == []
    assert AuditEntry.objects.get().details["waits_for_approval"] is True
    assert asked(dora, bot, "stop").state == Command.INTENT


def test_a_dry_bot_needs_no_second_person(dora: User, bot: Bot) -> None:
    FourEyes.objects.create(team=bot.team, actions=["stop"])
    BotStatus.objects.update(mode="dry")
    assert asked(dora, bot, "stop").state == Command.INTENT
    BotStatus.objects.update(mode="")
    assert asked(dora, bot, "start").state == Command.INTENT
    assert asked(dora, bot, "stop").state == Command.WAITING


# --- the audit


@pytest.mark.django_db(transaction=True)
def test_without_the_audit_nothing_is_asked(dora: User, bot: Bot, handed: list[int]) -> None:
    seq = BotStatus.objects.get(bot=bot).seq
    with unwritable_audit():
        with pytest.raises(commands.AuditUnavailable):
            asked(dora, bot, "stop")
        assert Bot.objects.visible_to(dora).get().status.state == "running"  # reading goes on
    assert (Command.objects.count(), Event.objects.count(), handed) == (0, 0, [])
    assert BotStatus.objects.get(bot=bot).seq == seq


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no single table")
def test_while_the_audits_table_is_locked_nothing_is_asked_and_reading_goes_on(
    dora: User, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.domain.audit.appending.LOCK_TIMEOUT", "300ms")
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE bots_auditentry IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(commands.AuditUnavailable):
            asked(dora, bot, "stop")
        assert Bot.objects.visible_to(dora).get().status.state == "running"
    finally:
        other.rollback()
        other.close()
    assert asked(dora, bot, "stop").state == Command.INTENT
    assert Command.objects.count() == 1
