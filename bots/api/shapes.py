"""The shapes of the answers, for the schema. Money, rates and ratios are decimal strings; `null` is not known.

tests/bots/api/test_shapes.py holds every answer against its shape.
"""

from typing import Any

from rest_framework import serializers
from rest_framework.serializers import BooleanField, CharField, DateTimeField, FloatField, IntegerField, JSONField


class Shape(serializers.Serializer[Any]):
    """An answer: read only, never validated."""


class Figure(CharField):
    """A decimal number in plain notation, as a string; null when not known."""

    def __init__(self, **extra: Any) -> None:
        super().__init__(**{"allow_null": True, **extra})


class Words(serializers.ListField):
    child = CharField()


class MissingFigure(Shape):
    figure = CharField()
    reason = CharField()


class OfferShape(Shape):
    action = CharField()
    name = CharField(help_text="For people")
    needs_reason = BooleanField()
    params = Words(help_text="What this bot's release takes besides the required ones")
    note = CharField()


class BotShape(Shape):
    slug = CharField()
    name = CharField()
    team = CharField(help_text="The team's slug")
    system = CharField()
    tags = Words()
    enabled = BooleanField(help_text="false: the portal does not ask this bot (paused)")
    mode = CharField(help_text='live or dry; "" until first seen')
    state = CharField(
        help_text="running, slow, paused, stopped, starting (said by the bot), offline, auth_failed, misconfigured, "
        "unsupported, not_asked, unknown (why it does not)"
    )
    stake_currency = CharField()
    version = CharField()
    strategy = CharField()
    exchange = CharField()
    capabilities = Words()
    seen_at = DateTimeField(allow_null=True, help_text="Last good reading")
    age_seconds = FloatField(allow_null=True)
    late = BooleanField()
    stale = BooleanField()
    last_error = CharField()
    error_code = CharField()
    open_trades = IntegerField(allow_null=True)
    slots = IntegerField(allow_null=True, help_text="null: unlimited, or not known")
    unrealized = Figure(help_text="Stake currency")
    unrealized_ratio = Figure(help_text="Of the open trades' stake")
    today = Figure(help_text="Realized since the team's midnight, stake currency")
    d7 = Figure(help_text="Realized in 7 days")
    d30 = Figure(help_text="Realized in 30 days")
    all = Figure(help_text="Realized since ever")
    wins = IntegerField()
    losses = IntegerField()
    win_rate = Figure(help_text="Ratio")
    balance = Figure(help_text="What the bot manages, stake currency")
    drawdown_ratio = Figure()


class BotDetailShape(BotShape):
    created_at = DateTimeField()
    retired_at = DateTimeField(allow_null=True)
    connection = JSONField(allow_null=True, help_text="Without secrets; null unless you manage the team")
    secrets_set = serializers.ListField(child=CharField(), allow_null=True, help_text="Secret fields that have a value")
    poll_plan = JSONField(help_text="Seconds between two readings, by kind")
    missing = MissingFigure(many=True)
    offers = OfferShape(many=True, help_text="What you may ask of the bot now")


class TradeShape(Shape):
    id = IntegerField(help_text="The portal's own")
    bot = CharField(help_text="The bot's slug")
    trade_id = CharField(help_text="The bot's own; used again after a trade was removed")
    pair = CharField()
    side = CharField(help_text="long or short")
    is_open = BooleanField()
    open_date = DateTimeField()
    close_date = DateTimeField(allow_null=True)
    open_rate = Figure()
    close_rate = Figure()
    amount = Figure()
    stake_amount = Figure()
    leverage = Figure()
    profit_abs = Figure(help_text="Realized, net of fees, in `currency`; null while open")
    profit_ratio = Figure(help_text="Realized; null while open")
    realized_profit = Figure(help_text="From partial exits")
    fee_open_ratio = Figure()
    fee_close_ratio = Figure()
    funding_fees = Figure()
    currency = CharField()
    mode = CharField()
    enter_tag = CharField(allow_null=True)
    exit_reason = CharField(allow_null=True)
    strategy = CharField(allow_null=True)
    timeframe = CharField(allow_null=True)
    exchange = CharField(allow_null=True)
    current_rate = Figure(help_text="Open trades only, as of `age_seconds` ago")
    stop_rate = Figure(help_text="Open trades only")
    unrealized_abs = Figure(help_text="Open trades only, in `currency`")
    unrealized_ratio = Figure(help_text="Open trades only")
    age_seconds = FloatField(allow_null=True, help_text="Of the moving figures; null for closed trades")
    stale = BooleanField()
    missing = MissingFigure(many=True)


class OrderShape(Shape):
    order_id = CharField()
    side = CharField()
    kind = CharField()
    status = CharField()
    is_open = BooleanField()
    rate = Figure()
    amount = Figure()
    filled = Figure()
    remaining = Figure()
    cost = Figure()
    placed_at = DateTimeField(allow_null=True)
    filled_at = DateTimeField(allow_null=True)
    tag = CharField(allow_null=True)


class TradeDetailShape(TradeShape):
    run = IntegerField(help_text="Which life of the bot's database it belongs to")
    seen_at = DateTimeField()
    changed_at = DateTimeField()
    gone_at = DateTimeField(allow_null=True, help_text="The bot no longer has it; not in totals")
    orders = OrderShape(many=True)
    offers = OfferShape(many=True, help_text="What you may ask about this trade now")


class SnapshotShape(Shape):
    at = DateTimeField()
    state = CharField()
    mode = CharField()
    currency = CharField()
    open_count = IntegerField(allow_null=True)
    unrealized = Figure()
    realized = Figure(help_text="All closed trades, by the bot's own account")
    balance = Figure()


class PairPerformanceShape(Shape):
    pair = CharField()
    trades = IntegerField()
    profit_abs = Figure()
    profit_ratio = Figure()
    currency = CharField()


class LogLineShape(Shape):
    at = DateTimeField()
    level = CharField()
    logger = CharField()
    message = CharField()


class LockShape(Shape):
    lock_id = CharField(allow_null=True)
    pair = CharField(help_text='"*": all')
    side = CharField()
    reason = CharField()
    since = DateTimeField(allow_null=True)
    until = DateTimeField(allow_null=True)
    active = BooleanField()


class CurrencyBalanceShape(Shape):
    currency = CharField()
    free = Figure()
    used = Figure()
    total = Figure()
    value = Figure(help_text="Estimated, in the balance's `currency`")
    bot_value = Figure(help_text="The part the bot manages")
    bot_managed = BooleanField(allow_null=True)


class AgeShape(Shape):
    read_at = DateTimeField(allow_null=True)
    age_seconds = FloatField(allow_null=True)
    stale = BooleanField()
    error = CharField(help_text="Why the latest try gave nothing newer")


class BalanceShape(AgeShape):
    currency = CharField()
    total = Figure(help_text="Every coin of the account")
    bot_total = Figure(help_text="What the bot manages")
    starting_capital = Figure()
    note = CharField()
    currencies = CurrencyBalanceShape(many=True)
    missing = MissingFigure(many=True)


class SettingChange(Shape):
    name = CharField()
    before = JSONField(allow_null=True)
    after = JSONField(allow_null=True)


class ConfigChangeShape(Shape):
    seen_at = DateTimeField()
    changes = SettingChange(many=True)


class ConfigShape(AgeShape):
    settings = JSONField()
    versions = ConfigChangeShape(many=True, help_text="The latest 50, newest first")


class TotalShape(Shape):
    currency = CharField()
    mode = CharField()
    today = Figure()
    d7 = Figure()
    d30 = Figure()
    all = Figure()
    unrealized = Figure()
    bots = IntegerField()
    missing = IntegerField(help_text="Bots whose unrealized profit is not known")
    unread = IntegerField(help_text="Bots whose closed trades are not read to their end: in no realized sum")
    untold = IntegerField(help_text="Bots that tell nothing of closed trades: in no realized sum either")
    stale = BooleanField()
    stale_bots = Words()


class FleetShape(Shape):
    totals = TotalShape(many=True)
    converted = JSONField(allow_null=True)
    converted_reason = CharField()
    counts = JSONField(help_text="State: number of bots")
    bots = IntegerField()
    fresh = IntegerField()
    oldest_age_seconds = FloatField(allow_null=True)


class SettingValueShape(Shape):
    value = JSONField(allow_null=True, help_text="As the first of these bots reports it")
    reported = BooleanField(help_text="false: these bots do not report the setting")
    bots = Words(help_text="Slugs")


class DriftRowShape(Shape):
    name = CharField()
    values = SettingValueShape(many=True, help_text="The most common first, not reported last")


class DriftShape(Shape):
    bots = IntegerField(help_text="Compared")
    settings = IntegerField(help_text="Compared, equal ones among them")
    unread = Words(help_text="Slugs of bots that have not told their settings yet")
    oldest_read_at = DateTimeField(allow_null=True)
    rows = DriftRowShape(many=True)


class ConnectionTestShape(Shape):
    id = CharField()
    state = CharField(help_text="asked, done")
    outcome = JSONField(allow_null=True, help_text="{ok, code, sentence, ...} when done")


class BotInput(serializers.Serializer[Any]):
    """`connection` holds the fields the system declares; secrets are write-only."""

    name = CharField(max_length=100)
    team = CharField(max_length=100, help_text="The team's slug")
    system = CharField(max_length=40)
    connection = serializers.DictField(child=CharField(max_length=2000, allow_blank=True, trim_whitespace=False))
    tags = serializers.ListField(child=CharField(max_length=40), max_length=20, required=False, default=list)
    enabled = BooleanField(required=False, default=True)


class BotChange(serializers.Serializer[Any]):
    """What is left out stays. A changed address needs its secrets again, so that none is sent elsewhere."""

    name = CharField(max_length=100, required=False)
    connection = serializers.DictField(
        child=CharField(max_length=2000, allow_blank=True, trim_whitespace=False), required=False
    )
    tags = serializers.ListField(child=CharField(max_length=40), max_length=20, required=False)
    enabled = BooleanField(required=False)


class TestInput(serializers.Serializer[Any]):
    team = CharField(max_length=100, help_text="A team you manage")
    system = CharField(max_length=40)
    connection = serializers.DictField(child=CharField(max_length=2000, allow_blank=True, trim_whitespace=False))
    bot = CharField(max_length=120, required=False, help_text="Slug: its stored secrets stand in for those left empty")


class EventShape(Shape):
    id = IntegerField()
    kind = CharField()
    severity = CharField(help_text="info, warning, error")
    bot = CharField(allow_null=True, help_text="The bot's slug; null: of the team as a whole")
    team = CharField(help_text="The team's slug")
    at = DateTimeField(help_text="When it happened, by the bot's clock where the bot says it")
    heard_at = DateTimeField(help_text="When the portal heard of it")
    source = CharField(  # type: ignore[assignment]  # a name of DRF's, too
        help_text="Who told first: websocket, poll, portal"
    )
    pair = CharField()
    trade = IntegerField(allow_null=True, help_text="The portal's own id of the trade")
    trade_id = CharField(allow_null=True, help_text="The bot's own id of the trade")
    text = CharField(help_text="A sentence that goes on from the bot's name")
    detail = CharField()
    data = JSONField(  # type: ignore[assignment]
        help_text="Figures of the event; money, rates and amounts are decimal strings"
    )


class ReportRowShape(Shape):
    group = CharField(
        allow_null=True, help_text="2026-11-21, 2026-W47, 2026-11, a bot's slug, a pair ...; null: none given"
    )
    name = CharField(help_text="The group as people read it")
    currency = CharField()
    mode = CharField()
    trades = IntegerField()
    wins = IntegerField()
    losses = IntegerField()
    draws = IntegerField()
    without_figure = IntegerField(help_text="Trades whose profit the bot does not give: counted, in no sum")
    win_rate = Figure(help_text="Winning among decided trades")
    profit_abs = Figure(help_text="Realized, net of fees, in the currency")
    profit_ratio = Figure(help_text="Of everything staked in these trades, one after another")
    profit_factor = Figure(help_text="Won over lost; null while nothing was lost")
    expectancy = Figure(help_text="Mean profit of a trade, in the currency")
    average_held_seconds = IntegerField(allow_null=True)
    drawdown_abs = Figure(help_text="Deepest fall of the cumulative profit, from day to day, in the currency")
    sharpe = Figure(help_text="Of daily profit, yearly, without a riskless return; null over time groups")
    sortino = Figure(help_text="The same over the downside deviation")
    cumulative = Figure(help_text="From the period's beginning to the end of this group; null unless grouped by time")
