"""What one simulated bot is: everything that does not change while it lives."""

from dataclasses import dataclass, field

from .market import COINS

# Per stake currency: wallet, stake per trade.
MONEY = {"USDT": (10_000.0, 500.0), "USDC": (10_000.0, 500.0), "EUR": (8_000.0, 400.0), "BTC": (1.2, 0.05)}


@dataclass(frozen=True)
class BotSpec:
    name: str = "alpha"
    release: str = "2026.9"
    currency: str = "USDT"
    dry_run: bool = True
    strategy: str = "TrendRider"
    timeframe: str = "5m"
    tags: tuple[str, ...] = ()
    seed: int = 1
    zone_hours: int = 0  # the machine's clock, east of UTC: 2020.5 to 2020.7 count their timestamps in it
    state: str = "running"  # running | stopped | paused (2025.4+)
    exchange: str = "binance"
    fiat: str = "USD"  # "" = no fiat currency configured: every *_fiat is 0.0

    username: str = "freqtrader"
    password: str = "sim-password"
    ws_token: str = "sim-ws-token"
    jwt_secret: str = "sim-jwt-secret"

    wallet: float | None = None  # stake currency; None = MONEY
    stake_amount: float | None = None
    max_open_trades: int = 5
    pairs: tuple[str, ...] = ()  # () = the first coins against `currency`
    foreign_coins: dict[str, float] = field(default_factory=dict)  # held, but none of the bot's business
    force_entry: bool = True
    position_adjustment: bool = False  # a forced entry adds to the trade already open in the pair (2022.1)
    force_order_type: str = "market"  # of forced orders that do not name theirs: market | limit

    history: int = 0  # closed trades at birth
    history_days: float = 60.0
    skill: float = 0.57  # share of winning trades
    open_trades: int = 0  # open trades at birth
    auto_trade: bool = False
    pace: float = 6.0  # seconds between two acts of auto_trade, on average
    fill_seconds: float | None = None  # after which a limit order fills; None = when the test says so
    reload_seconds: tuple[float, float] = (0.1, 0.3)  # until the port closes, and how long it stays closed

    listening: bool = True
    handed_password: str | None = None  # what the fleet tells others, where that is wrong
    fault: str = ""  # a word for people: slow, down, wrong password

    @property
    def capital(self) -> float:
        return self.wallet if self.wallet is not None else MONEY[self.currency][0]

    @property
    def stake(self) -> float:
        return self.stake_amount if self.stake_amount is not None else MONEY[self.currency][1]

    @property
    def smallest_stake(self) -> float:
        """Less than this the exchange does not trade; stake currency."""
        return MONEY[self.currency][1] / 100

    @property
    def whitelist(self) -> tuple[str, ...]:
        return self.pairs or tuple(f"{coin}/{self.currency}" for coin in COINS if coin != self.currency)[:20]
