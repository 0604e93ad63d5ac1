"""What a person may do at a bot or a trade now: pages draw buttons from it, and asking holds to the same rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from accounts.access import may
from accounts.models import Membership, User
from bots.domain.commands.confirming import ALSO_CLOSED
from bots.domain.commands.params import ON_A_TRADE, typed_as
from bots.domain.commands.refusing import BotNotReady, CapabilityMissing
from bots.domain.commands.wording import REASON_REQUIRED, STOPS_ENTRIES, WORDS
from bots.models import Bot, BotStatus, Command, Trade
from bots.systems.instructions import CARRIES, NEEDS

# What stands in for an action in a bot's capabilities.
ALSO_BY = {"pause": "stop_entry"}
POINTLESS = {"start": ("running",), "stop": ("stopped",), "pause": ("paused", "stopped")}


@dataclass(frozen=True)
class Offer:
    """`label`: of the button; `verb`: of the one that confirms; `extras`: the params this bot's release takes besides
    the required ones; `note`: what a person should know before doing it here."""

    action: str
    label: str
    verb: str
    needs_reason: bool
    extras: tuple[str, ...] = ()
    note: str = ""


def offers(user: User, bot: Bot) -> list[Offer]:
    """At the bot itself: everything but what is done to one of its trades."""
    return offers_for(user, [bot])[bot.pk]


def offers_for(user: User, bots: Iterable[Bot]) -> dict[int, list[Offer]]:
    """Of many bots with one query (and their statuses, unless they came along)."""
    listed = list(bots)
    roles = roles_of(user, {bot.team_id for bot in listed})
    return {bot.pk: [offer for offer in possible(bot, roles) if offer.action not in ON_A_TRADE] for bot in listed}


def trade_offers(user: User, trade: Trade) -> list[Offer]:
    return trade_offers_for(user, [trade])[trade.pk]


def trade_offers_for(user: User, trades: Iterable[Trade]) -> dict[int, list[Offer]]:
    """`trades` with their bot (and its status) and run."""
    listed = list(trades)
    bots = {trade.bot_id: trade.bot for trade in listed}
    roles = roles_of(user, {bot.team_id for bot in bots.values()})
    at_bots = {pk: [offer for offer in possible(bot, roles) if offer.action in ON_A_TRADE] for pk, bot in bots.items()}
    return {trade.pk: [offer for offer in at_bots[trade.bot_id] if fits(offer.action, trade)] for trade in listed}


def roles_of(user: User, teams: Iterable[int]) -> dict[int, str]:
    if not user.is_active:
        return {}
    return dict(Membership.objects.filter(user=user, team__in=list(teams)).values_list("team", "role"))


def possible(bot: Bot, roles: Mapping[int, str]) -> list[Offer]:
    role = roles.get(bot.team_id, "")
    if not role or hindrance(bot) is not None:
        return []
    status = bot.status
    allowed = [action for action in NEEDS if may(role, action) and lacking(status, action) is None]
    return [offer(status, action) for action in allowed if status.state not in POINTLESS.get(action, ())]


def offer(status: BotStatus, action: str) -> Offer:
    words = WORDS[action]
    note = STOPS_ENTRIES if action == "pause" and "pause" not in status.capabilities else ""
    return Offer(action, words.label, words.verb, action in REASON_REQUIRED, extras_of(status, action), note)


def extras_of(status: BotStatus, action: str) -> tuple[str, ...]:
    able = status.capabilities
    return tuple(typed_as(name) for name, needs in CARRIES.get(action, {}).items() if not needs or needs in able)


def fits(action: str, trade: Trade) -> bool:
    """Whether the action makes sense for a trade that stands like this."""
    if trade.gone_at is not None or trade.run.ended_at is not None:
        return False
    if action == "cancel_order":
        return trade.is_open and any(order.get("is_open") for order in trade.orders)
    return trade.is_open or action in ALSO_CLOSED


def acts_on(user: User, commands: Iterable[Command]) -> dict[int, list[str]]:
    """Of many commands (with their bot): cancel, approve, decline, close, as far as the person may now."""
    listed = list(commands)
    roles = roles_of(user, {command.bot.team_id for command in listed})
    return {command.pk: acts_with(roles.get(command.bot.team_id, ""), user, command) for command in listed}


def acts_with(role: str, user: User, command: Command) -> list[str]:
    if not role or not may(role, command.action):
        return []
    if command.state == Command.WAITING and command.requested_by_id != user.pk:
        return ["cancel", "approve", "decline"]
    return {Command.WAITING: ["cancel"], Command.INTENT: ["cancel"], Command.UNKNOWN: ["close"]}.get(command.state, [])


# --- the same rules, for asking ---------------------------------------------------------------------------------------


def hindrance(bot: Bot) -> BotNotReady | None:
    if bot.retired_at is not None:
        return BotNotReady(f"{bot.name} is retired", "bot_retired")
    if not bot.enabled:
        return BotNotReady(f"{bot.name} is paused in the portal: it is not spoken to", "bot_paused_in_portal")
    return None


def require_ready(bot: Bot) -> None:
    """Raises BotNotReady."""
    problem = hindrance(bot)
    if problem is not None:
        raise problem


def require_capability(bot: Bot, action: str, params: Mapping[str, Any]) -> None:
    """Raises CapabilityMissing: the action, or one of its extras, is not what this bot's release offers."""
    status = bot.status
    lacks = lacking(status, action)
    release = f"{bot.name} ({bot.system_class.label} {status.version or 'of a release not known yet'})"
    if lacks:
        raise CapabilityMissing(f"{release} offers no {WORDS[action].past}", lacks)
    for name, needs in CARRIES.get(action, {}).items():
        if (name, params.get(name)) == ("side", "long"):
            continue  # what every release does anyway
        if needs and typed_as(name) in params and needs not in status.capabilities:
            raise CapabilityMissing(f"{release} takes no {name.replace('_', ' ')} with {WORDS[action].past}", needs)


def lacking(status: BotStatus, action: str) -> str | None:
    able = status.capabilities
    return None if action in able or ALSO_BY.get(action) in able else action
