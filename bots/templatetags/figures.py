"""How a figure is written: one implementation for every page.

Sign and triangle (the triangle comes from the stylesheet), true minus, the currency's decimals, no thousands grouping.
A missing figure is a dash with the reason as its title, never 0. Ages are "5 s", "12 min", "2 d 3 h"; moments are in
the person's zone, which the page names (UTC unless chosen).
"""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bots.domain.fleet import BotRow, Total, decimals_of
from bots.domain.freshness import LATE_INTERVALS, LEAST_LATE_SECONDS, STALE_INTERVALS, WORDS, Freshness
from bots.models import Bot

register = template.Library()
MINUS, DASH, HARD_SPACE = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{NO-BREAK SPACE}"
WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
NOT_GIVEN = "the bot has not given this figure"
# The stylesheet has a mark for these; any other state is drawn like "unknown".
SHAPES = {"running", "slow", "paused", "starting", "stopped", "offline", "auth_failed", "unsupported", "misconfigured"}


def direction(value: Decimal) -> str:
    return "up" if value > 0 else "down" if value < 0 else "zero"


def rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), context=WIDE)


def signed(value: Decimal) -> str:
    """'+1.20', '-0.60' (with a true minus), '0.00' of an already rounded figure."""
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    return sign + format(abs(value), "f")


def unsigned(value: Decimal) -> str:
    return (MINUS if value < 0 else "") + format(abs(value), "f")


def none(why: str = "") -> SafeString:
    return format_html('<span class="none" title="{}">{}</span>', why or NOT_GIVEN, DASH)


def halves(text: str) -> SafeString:
    whole, dot, fraction = text.partition(".")
    return format_html('<span class="num__i">{}</span><span class="num__f">{}</span>', whole, dot + fraction)


@register.simple_tag
def profit(value: Decimal | None, currency: str, why: str = "") -> SafeString:
    """Money gained or lost, in the currency's decimals; the currency stands beside it in the page."""
    if value is None:
        return none(why)
    shown = rounded(value, decimals_of(currency))
    return format_html('<span class="num {}">{}</span>', direction(shown), halves(signed(shown)))


@register.simple_tag
def hero(value: Decimal | None, currency: str, why: str = "") -> SafeString:
    if value is None:
        return format_html('<span class="hero zero">{} <small>{}</small></span>', none(why), currency)
    shown = rounded(value, decimals_of(currency))
    return format_html('<span class="hero {}">{} <small>{}</small></span>', direction(shown), signed(shown), currency)


@register.simple_tag
def money(value: Decimal | None, currency: str, why: str = "") -> SafeString:
    """An amount of money that is no gain or loss: a balance, a stake."""
    if value is None:
        return none(why)
    return format_html('<span class="num">{}</span>', halves(unsigned(rounded(value, decimals_of(currency)))))


@register.simple_tag
def exact(value: Decimal | str | None, why: str = "") -> SafeString:
    """A rate or an amount, with the places the bot gave."""
    if value is None or value == "":
        return none(why)
    return format_html('<span class="num">{}</span>', halves(unsigned(Decimal(value))))


@register.simple_tag
def factor(value: Decimal | str | None, places: int = 2, why: str = "") -> SafeString | str:
    """A figure without a unit, rounded."""
    if value is None or value == "":
        return none(why)
    return unsigned(rounded(Decimal(value), places))


@register.simple_tag
def percent(ratio: Decimal | str | None, places: int = 1, why: str = "") -> SafeString | str:
    """0.617 -> '61.7 %'."""
    if ratio is None or ratio == "":
        return none(why)
    return f"{unsigned(rounded(Decimal(ratio) * 100, places))} %"


@register.simple_tag
def fall(ratio: Decimal | str | None, why: str = "") -> SafeString | str:
    """A drawdown: bots give 0.068 for a fall of 6.8 %; it is written '-6.8 %'."""
    if ratio is None or ratio == "":
        return none(why)
    return f"{unsigned(-abs(rounded(Decimal(ratio) * 100, 1)))} %"


@register.simple_tag
def gain(ratio: Decimal | str | None, why: str = "") -> SafeString:
    """0.012 -> '+1.20 %', coloured."""
    if ratio is None or ratio == "":
        return none(why)
    shown = rounded(Decimal(ratio) * 100, 2)
    return format_html('<span class="num {}">{}</span>', direction(shown), halves(f"{signed(shown)}{HARD_SPACE}%"))


@register.simple_tag
def pill(ratio: Decimal | None, value: Decimal | None, currency: str, why: str = "", fill: bool = True) -> SafeString:
    """▲ +1.20 % (+12.34 USDT). The sign of the money decides the colour; either half may be missing."""
    if ratio is None and value is None:
        return none(why)
    share = f"{DASH} %" if ratio is None else f"{signed(rounded(ratio * 100, 2))} %"
    shown = None if value is None else rounded(value, decimals_of(currency))
    amount = f"{DASH} {currency}" if shown is None else f"{signed(shown)} {currency}"
    leading = shown if shown is not None else rounded((ratio or Decimal(0)) * 100, 2)
    return format_html(
        '<span class="pill {}{}">{} <span class="pill__abs">({})</span></span>',
        direction(leading), " pill--fill" if fill else "", share, amount,
    )  # fmt: skip


def span(seconds: float) -> str:
    """'5 s', '12 min', '10 h 42 min', '2 d 3 h'."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


@register.filter
def duration(seconds: float | str | None) -> str:
    """An empty text is nothing too: what a template finds in a reading that lacks the figure."""
    return DASH if seconds is None or seconds == "" else span(float(seconds))


@register.filter
def lasted(trade: object) -> str:
    """How long a trade was, or has been, open."""
    end = getattr(trade, "close_date", None) or timezone.now()
    return span((end - trade.open_date).total_seconds())  # type: ignore[attr-defined]


@register.simple_tag
def age(seconds: float | None, late: bool = False, stale: bool = False, bot: Bot | None = None) -> SafeString:
    """How old figures are; it ticks in the browser and turns late and stale there at the same limits."""
    if seconds is None:
        return format_html('<span class="age age--stale">{}</span>', "never seen")
    late_after = max(LATE_INTERVALS * bot.plan()["state"], LEAST_LATE_SECONDS) if bot and bot.enabled else 0  # type: ignore[index]
    limits = format_html(' data-late="{}" data-stale="{}"', late_after, late_after * STALE_INTERVALS / LATE_INTERVALS)
    kind = " age--stale" if stale else " age--late" if late else ""
    given = f"{seconds:.1f}"
    return format_html(
        '<span class="age{}" data-age="{}"{}>{}</span>', kind, given, limits if late_after else "", span(seconds)
    )


@register.simple_tag
def own_age(read: Freshness, row: BotRow) -> SafeString | str:
    """Below a figure that was read by itself and is old, while its row is not as old."""
    if read.fresh or read.age_seconds is None or (row.age_seconds or 0) >= read.age_seconds:
        return ""
    return format_html("<small>{}</small>", age(read.age_seconds, read.late, read.stale))


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """YYYY-MM-DD HH:MM:SS in the person's zone; the page names it."""
    if value is None:
        return DASH
    there = timezone.localtime(value)
    return format_html(
        '<time datetime="{}">{}</time>', value.astimezone(UTC).isoformat(), there.strftime("%Y-%m-%d %H:%M:%S")
    )


@register.filter
def from_ms(milliseconds: int | None) -> datetime | None:
    """Epoch milliseconds, as readings hold them; out of range is nothing."""
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


@register.filter
def seconds_since(value: datetime | None) -> float | None:
    return None if value is None else (timezone.now() - value).total_seconds()


@register.filter
def leverage(value: Decimal) -> str:
    """'3x'."""
    return f"{format(value.normalize(), 'f')}x"


@register.filter
def decimal(value: object) -> Decimal | None:
    """A reading's text as the figure it is."""
    return None if value in (None, "") else Decimal(str(value))


@register.simple_tag
def badge(mode: str, size: str = "") -> SafeString:
    if mode not in ("live", "dry"):
        return format_html('<span class="badge{}" title="the bot has not been seen yet">?</span>', size)
    return format_html('<span class="badge badge--{}{}">{}</span>', mode, size, mode.upper())


@register.filter
def shape(state: str) -> str:
    return state if state in SHAPES else "unknown"


@register.filter
def word(state: str) -> str:
    return WORDS.get(state, state)


def why_missing(total: Total, name: str) -> str:
    if name == "unrealized" and total.missing:
        return f"{total.missing} of {total.bots} bots have not given it"
    if name != "unrealized" and total.untold == total.bots:
        return "none of its bots tells anything of closed trades"
    if name != "unrealized" and total.unread:
        return f"the closed trades of {total.unread} of {total.bots} bots are not read to their end"
    return "no bot has given it"


@register.simple_tag
def total_figure(total: Total, name: str) -> SafeString:
    """One of a total's figures by its name: today, d7, d30, all, unrealized."""
    return profit(getattr(total, name), total.currency, why_missing(total, name))


@register.simple_tag
def total_hero(total: Total, name: str) -> SafeString:
    """The same in large type; on a phone the currency stands beside it."""
    value: Decimal | None = getattr(total, name)
    if value is None:
        return format_html('<span class="hero zero">{}</span>', none(why_missing(total, name)))
    shown = rounded(value, total.decimals)
    return format_html(
        '<span class="hero {}">{}<small class="only-phone hero__ccy">{}</small></span>',
        direction(shown), signed(shown), total.currency,
    )  # fmt: skip


@register.filter
def words(name: str) -> str:
    """'open_trades' -> 'Open trades'."""
    return name.replace("_", " ").capitalize()
