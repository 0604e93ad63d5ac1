"""What a status other than 200 means, and what is no Freqtrade at all."""

from bots.systems.decoding import loose, prose
from bots.systems.errors import (
    BadAnswer,
    BotError,
    BotFailed,
    Busy,
    Forbidden,
    NoSuchTrade,
    NotOffered,
    NotRunning,
    NotThisSystem,
    Refused,
    WebserverMode,
    WrongPassword,
)
from bots.systems.http import Answer

# Statuses with which a bot, or a proxy in front of it, turns a command away before anything is done.
TURNED_AWAY = frozenset({400, 401, 403, 404, 405, 422})
# Refusals of a bot that has acted, or may have: an unfilled entry is cancelled and its trade deleted, then the answer
# cannot be made; of several open orders the first may be cancelled before the second is not found; open orders are
# cancelled before the rest is found to be too small.
ACTED_NEVERTHELESS = ("Failed to exit trade", "no active trade", "Order not found", "would be too small")
DOES_NOT_TRADE = "This Freqtrade runs in webserver mode: it does not trade"
_WORDS = 300  # of a bot's refusal


def refusal(answer: Answer, endpoint: str, *, command: bool = False) -> BotError | None:
    """The error an answer stands for; None: it is what was asked for.

    Freqtrade puts its own refusals into HTTP 502 with a JSON `error`; any other 502 comes from a proxy in front of it.
    """
    if answer.status == 200:
        return _stranger(answer, endpoint) if looks_like_html(answer) else None
    error = _by_status(answer, endpoint, command)
    error.endpoint = endpoint
    error.may_have_happened = _may_have_happened(answer, error)
    return error


def _may_have_happened(answer: Answer, error: BotError) -> bool:
    """Of a command. A 500, 503 or 504, a gateway's 502: whoever says it may have passed the command on before."""
    if isinstance(error, Refused | NotRunning) and answer.status == 502:
        return any(words in str(error) for words in ACTED_NEVERTHELESS)
    return not (isinstance(error, WebserverMode) or answer.status in TURNED_AWAY)


def _by_status(answer: Answer, endpoint: str, command: bool) -> BotError:
    status, words = answer.status, bots_words(answer)
    if status in (502, 503) and "not in the correct state" in words:
        return WebserverMode(DOES_NOT_TRADE)
    if status == 502 and _is_refusal(answer):
        return _refused(words)
    if status in (404, 405):
        return _not_there(answer, endpoint, words)
    if status in (429, 503):
        return Busy(f"The bot asks to wait{_quoted(words)}", retry_after=answer.retry_after)
    return _by_status_alone(status, endpoint, words, command)


def _by_status_alone(status: int, endpoint: str, words: str, command: bool) -> BotError:
    if status == 401:
        return WrongPassword("The bot refused the user name or password")
    if status == 403:
        return Forbidden(f"The bot, or a proxy in front of it, forbids {endpoint}")
    if status == 422:
        kind: type[BotError] = Refused if command else BadAnswer
        return kind(f"The bot did not accept how {endpoint} was asked{_quoted(words)}")
    kind = BotFailed if status >= 500 else BadAnswer
    return kind(f"{endpoint} answered with HTTP {status}{_quoted(words)}")


def _refused(words: str) -> BotError:
    if "trader is not running" in words:
        return NotRunning("The bot is stopped")
    return Refused(words or "The bot said no")


def _not_there(answer: Answer, endpoint: str, words: str) -> BotError:
    if words == "Trade not found.":
        return NoSuchTrade("The bot does not know this trade")
    if answer.status == 404 and looks_like_html(answer):  # 405 is HTML in releases of 2020
        return _stranger(answer, endpoint)
    return NotOffered(f"This bot's release has no {endpoint}")


def _quoted(words: str) -> str:
    return f": {words}" if words else ""


def _is_refusal(answer: Answer) -> bool:
    """In the bot's own form: a gateway that speaks JSON says `error` too, and knows nothing of what the bot did."""
    content = loose(answer.body)
    words = content.get("error") if isinstance(content, dict) else None
    return isinstance(words, str) and words.startswith("Error querying ")


def bots_words(answer: Answer) -> str:
    """The bot's own sentence in a refusal, without "Error querying <path>: " before it; "" when there is none."""
    content = loose(answer.body)
    if not isinstance(content, dict):
        return ""
    words = content.get("error") or content.get("detail") or ""
    if isinstance(words, list):  # 422: what was wrong with which field
        words = "; ".join(str(item.get("msg", "")) for item in words[:5] if isinstance(item, dict))
    if not isinstance(words, str):
        return ""
    start, _, rest = words.partition(": ")
    return prose(rest if start.startswith("Error querying ") else words, _WORDS)


def looks_like_html(answer: Answer) -> bool:
    if answer.body[:1] in (b"{", b"["):  # nearly always
        return False
    return answer.content_type == "text/html" or answer.body[:200].lstrip().startswith(b"<")


def what_answered(answer: Answer) -> str:
    """In words, for a person who wonders what sits at this address."""
    if looks_like_html(answer):
        return "an HTML page"
    if loose(answer.body) is not None:
        return "other JSON"
    return "something that is no JSON" if answer.body else "nothing"


def _stranger(answer: Answer, endpoint: str) -> NotThisSystem:
    return NotThisSystem(f"No Freqtrade answers here: {endpoint} gave {what_answered(answer)}", endpoint=endpoint)
