"""The rules about what stands: each says of one bot whether it is so now. Nobody asks the bot; a figure that is missing
or out of date says nothing, and a bot that does not answer is told of once, not once more for each thing that follows.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from bots.domain.alerts.evaluating.finding import UNSURE, WELL, Found, Judgment, money, percent
from bots.domain.alerts.evaluating.looking import NOT_RUNNING, InTrades, Scene, Watched
from bots.domain.alerts.kinds import MINUTES, RATIO
from bots.domain.commands.wording import about
from bots.domain.happenings.standing import spoken
from bots.models import AlertRule

REFUSED = "auth_failed"
LEAST_TRADES = 10  # of fewer nobody knows how often the bot trades
FIGURES_HOLD = timedelta(minutes=3)  # older ones are no ground for a new alert about money
DAY = timedelta(days=1)
NO_TRADES = InTrades(0, Decimal(0), None)


def limit_of(rule: AlertRule) -> timedelta:
    return timedelta(minutes=int(rule.params["minutes"]))


def lasted(text: str, since: datetime, now: datetime, rule: AlertRule, detail: str = "") -> Found:
    """ "... for 7 min": the text names how long."""
    age = now - since
    figures = {"figure": int(age.total_seconds() // 60), "limit": rule.params["minutes"], "unit": MINUTES}
    return Found(text.format(spoken(age)), since, detail, figures=figures)


# --- whether it speaks


def unreachable(rule: AlertRule, bot: Watched, scene: Scene) -> Judgment:
    if bot.failing_since is None or bot.state == REFUSED:
        return WELL
    if scene.now - bot.failing_since < limit_of(rule):
        return WELL
    odd = bot.state in ("unsupported", "misconfigured")
    text = "has not answered as such a bot does for {}" if odd else "has not answered for {}"
    return lasted(text, bot.failing_since, scene.now, rule, bot.last_error)


def wrong_password(rule: AlertRule, bot: Watched, scene: Scene) -> Judgment:
    if bot.state != REFUSED:
        return WELL
    text = "refuses the password that the portal has for it"
    return Found(text, bot.failing_since or scene.now, bot.last_error)


def silent(rule: AlertRule, bot: Watched, scene: Scene) -> Judgment:
    if not bot.speaks:
        return UNSURE
    read_at = scene.health_read_at.get(bot.bot_id)
    if bot.state != "running" or bot.last_process_at is None or read_at is None:
        return WELL
    if read_at - bot.last_process_at < limit_of(rule):
        return WELL
    text = "says it runs, but its trading loop had not turned for {}"
    return lasted(text, bot.last_process_at, read_at, rule, f"as read at {read_at:%H:%M:%S} UTC")


def stopped(rule: AlertRule, bot: Watched, scene: Scene) -> Judgment:
    if not bot.speaks:
        return UNSURE
    if bot.state not in NOT_RUNNING:
        return WELL
    since = scene.not_running_since.get(bot.bot_id)
    if since is None:  # it was so before the portal knew it
        return Found(f"is {bot.state}", scene.now)
    return WELL if scene.now - since < limit_of(rule) else lasted(f"is {bot.state} for {{}}", since, scene.now, rule)


def stale(rule: AlertRule, bot: Watched, scene: Scene) -> Judgment:
    if not bot.speaks or bot.seen_at is None or bot.answered_at is None:
        return UNSURE
    if scene.now - bot.seen_at < limit_of(rule):
        return WELL
    if scene.now - bot.answered_at >= limit_of(rule):  # nobody asks it: the portal's own trouble, told as such
        return UNSURE
    return lasted("answers, but its figures are {} old", bot.seen_at, scene.now, rule, bot.last_error)


# --- money


def fresh(bot: Watched, now: datetime) -> bool:
    return bot.speaks and bot.seen_at is not None and now - bot.seen_at < FIGURES_HOLD


def of_money(bot: Watched, figure: Decimal, rule: AlertRule, as_of: datetime | None) -> dict[str, str | int | None]:
    moment = as_of.isoformat() if as_of else None
    return {
        "figure": f"{figure:.4f}",
        "limit": rule.params["ratio"],
        "unit": RATIO,
        "currency": bot.currency,
        "as_of": moment,
    }


def beyond(rule: AlertRule, limit: Decimal) -> str:
    return f"limit {percent(limit)}"


def loss_open(rule: AlertRule, bot: Watched, scene: Scene) -> Judgment:
    limit = Decimal(rule.params["ratio"])
    if not fresh(bot, scene.now) or bot.unrealized is None:
        return UNSURE
    ratio = bot.unrealized_ratio
    if ratio is None or ratio > -limit:
        return WELL
    lost = money(bot.unrealized, bot.currency, bot.decimals)
    text = f"stands {percent(ratio)} below the stake of its open trades: {lost}"
    return Found(text, scene.now, beyond(rule, limit), figures=of_money(bot, ratio, rule, bot.seen_at))


def loss_today(rule: AlertRule, bot: Watched, scene: Scene) -> Judgment:
    limit = Decimal(rule.params["ratio"])
    made = scene.today.get((bot.bot_id, bot.mode, bot.currency), Decimal(0))
    if made >= 0:
        return WELL
    if bot.balance is None:
        return UNSURE
    had = bot.balance - made
    ratio = made / had if had > 0 else Decimal(-1)
    if ratio > -limit:
        return WELL
    lost, of = money(made, bot.currency, bot.decimals), money(had, bot.currency, bot.decimals)
    text = f"lost {percent(ratio)} today in closed trades: {lost} of {of}"
    return Found(text, scene.now, beyond(rule, limit), figures=of_money(bot, ratio, rule, bot.balance_at))


def equity_of(bot: Watched, scene: Scene) -> Decimal | None:
    """What the run's trades made, closed and open together, in `currency`; None where a part is missing, or where the
    parts are of different moments: the mirror has other open trades than the bot, or was written meanwhile."""
    run = scene.runs.get(bot.bot_id)
    if run is None or bot.history_at is None or bot.unrealized is None or not fresh(bot, scene.now):
        return None
    mirrored = scene.in_trades.get(bot.bot_id, NO_TRADES)
    if mirrored.trades != bot.open_count or bot.bot_id in scene.torn:
        return None
    return run.closed_profit + bot.unrealized + mirrored.realized


def drawdown(rule: AlertRule, bot: Watched, scene: Scene) -> Judgment:
    limit, equity = Decimal(rule.params["ratio"]), equity_of(bot, scene)
    peak, run = scene.peaks.get(bot.bot_id), scene.runs.get(bot.bot_id)
    if equity is None or run is None or peak is None or peak.run_id != run.run_id or bot.balance is None:
        return UNSURE
    fell, highest = peak.profit - equity, bot.balance - equity + peak.profit
    if fell <= 0:
        return WELL
    ratio = fell / highest if highest > 0 else Decimal(1)
    if ratio < limit:
        return WELL
    lost, of = money(-fell, bot.currency, bot.decimals), money(highest, bot.currency, bot.decimals)
    text = f"stands {percent(ratio)} below its highest: {lost} of {of}"
    return Found(text, scene.now, beyond(rule, limit), figures=of_money(bot, -ratio, rule, bot.seen_at))


# --- trading


def no_trade(rule: AlertRule, bot: Watched, scene: Scene) -> Judgment:
    if not bot.speaks:
        return UNSURE
    habit = scene.habits.get((bot.bot_id, bot.mode, bot.currency))
    full = bot.slots is not None and bot.open_count is not None and bot.open_count >= bot.slots
    if bot.state != "running" or full or habit is None or habit.trades < LEAST_TRADES:
        return WELL
    if habit.first_day is None or habit.last_close is None:
        return WELL
    span = max((habit.last_close.date() - habit.first_day) + DAY, DAY)
    usual = span / habit.trades
    opened = scene.in_trades.get(bot.bot_id)
    since = max(filter(None, [habit.last_close, opened.last_open if opened else None]))
    quiet = scene.now - since
    if quiet < usual * int(rule.params["times"]) or quiet < timedelta(hours=int(rule.params["least_hours"])):
        return WELL
    text = f"has opened and closed nothing for {spoken(quiet)}"
    figures = {"figure": int(quiet.total_seconds() // 3600), "limit": rule.params["least_hours"], "unit": "hours"}
    return Found(text, since, f"usually a trade every {spoken(usual)}", figures=figures)


def unknown_commands(rule: AlertRule, bot: Watched, scene: Scene) -> list[Found]:
    return [
        Found(
            f"may or may not have done the {about(command)}",
            command.sent_at or command.requested_at,
            f"asked by {command.requested_by_name}; look at the bot, then close the command",
            subject=f"command {command.pk}",
        )
        for command in scene.unknown_commands.get(bot.bot_id, ())
    ]


Judge = Callable[[AlertRule, Watched, Scene], Judgment]
JUDGES: dict[str, Judge] = {
    "unreachable": unreachable,
    "wrong_password": wrong_password,
    "silent": silent,
    "stopped": stopped,
    "stale": stale,
    "loss_today": loss_today,
    "loss_open": loss_open,
    "drawdown": drawdown,
    "no_trade": no_trade,
}


# --- the portal itself


def portal_lagging(rule: AlertRule, scene: Scene) -> list[Found]:
    limit, found = limit_of(rule), []
    if scene.worker_lag is not None and scene.now - scene.worker_lag >= limit:
        text = "bots wait for a worker to ask them for {}: figures grow old, commands may wait"
        found.append((text, scene.worker_lag, "workers"))
    if scene.relay_seen_at is not None and scene.now - scene.relay_seen_at >= limit:
        text = "no relay has listened to the bots for {}: what they say comes by polls only"
        found.append((text, scene.relay_seen_at, "relay"))
    return [named(lasted(text, since, scene.now, rule), subject) for text, since, subject in found]


def named(found: Found, subject: str) -> Found:
    return Found(found.text, found.since, found.detail, subject, found.figures)
