"""What a bot's answer to a command says. Raises BadAnswer where it says nothing: it may have acted all the same."""

from msgspec import Struct
from msgspec.json import Decoder

from bots.systems.decoding import decode, name, prose
from bots.systems.errors import BadAnswer, Refused
from bots.systems.freqtrade import answers, early, releases
from bots.systems.freqtrade.releases import Release
from bots.systems.instructions import Accepted, Instruction

LENGTH = 300  # of a bot's words


class StatusAnswer(Struct, gc=False):
    status: str


class ResultAnswer(Struct, gc=False):
    result: str


class DeletedAnswer(Struct, gc=False):
    result_msg: str
    trade_id: answers.Id


class TradeNamed(Struct, gc=False):
    """A trade, as far as it tells which one it is; or the words of an entry that did not come about."""

    trade_id: answers.Id | None = None
    pair: str = ""
    open_date: str | None = None
    open_timestamp: answers.Millis | None = None
    status: str = ""


class Problem(Struct, gc=False):
    error_msg: str = ""


class ChangedBlacklist(Struct, gc=False):
    blacklist: list[str]
    errors: dict[str, Problem] = {}  # 2020.5


_status, _result, _deleted = Decoder(StatusAnswer), Decoder(ResultAnswer), Decoder(DeletedAnswer)
_trade, _blacklist = Decoder(TradeNamed), Decoder(ChangedBlacklist)


def status(body: bytes, asked: Instruction, release: Release) -> Accepted:
    return Accepted(prose(decode(body, _status, asked.action).status, LENGTH))


def result(body: bytes, asked: Instruction, release: Release) -> Accepted:
    return Accepted(prose(decode(body, _result, asked.action).result, LENGTH), asked.trade_id, asked.open_ms)


def entered(body: bytes, asked: Instruction, release: Release) -> Accepted:
    """An entry that failed is told with a 200 too, and does not say how far it came."""
    trade = decode(body, _trade, asked.action)
    if trade.trade_id is None:
        if not trade.status:
            raise BadAnswer("force_enter answered with neither a trade nor a word", endpoint=asked.action)
        raise Refused(prose(trade.status, LENGTH))
    if trade.pair != asked.pair:
        raise BadAnswer(f"Asked to enter {asked.pair}, the bot answered with another pair", endpoint=asked.action)
    return Accepted(f"Trade {trade.trade_id} of {name(trade.pair, 100)}", str(trade.trade_id), _opened(trade, release))


def _opened(trade: TradeNamed, release: Release) -> int | None:
    """Epoch ms. Before 2020.8 the date alone is in UTC."""
    if release >= releases.STAMPS_IN_UTC or trade.open_date is None:
        return trade.open_timestamp
    return early.epoch_ms(trade.open_date, "force_enter") + (trade.open_timestamp or 0) % 1000


def of_trade(body: bytes, asked: Instruction, release: Release) -> Accepted:
    trade = decode(body, _trade, asked.action)
    _must_be(trade.trade_id, asked)
    return Accepted(f"Trade {trade.trade_id} of {name(trade.pair, 100)}", asked.trade_id, trade.open_timestamp)


def deleted(body: bytes, asked: Instruction, release: Release) -> Accepted:
    answer = decode(body, _deleted, asked.action)
    _must_be(answer.trade_id, asked)
    return Accepted(prose(answer.result_msg, LENGTH), asked.trade_id, asked.open_ms)


def _must_be(trade_id: int | None, asked: Instruction) -> None:
    if trade_id != int(asked.trade_id):
        raise BadAnswer(f"Asked about trade {asked.trade_id}, the bot answered with another", endpoint=asked.action)


# --- lists


def locked(body: bytes, asked: Instruction, release: Release) -> Accepted:
    """The answer lists what is locked now; a lock that has ended is not among it."""
    for lock in decode(body, answers.locks, asked.action).locks:
        if lock.pair == asked.pair and _covers(lock, asked):
            return Accepted(f"Lock {lock.id} of {name(lock.pair, 100)}")
    raise _did_nothing(f"The bot shows no such lock of {name(asked.pair, 100)}")


def _covers(lock: answers.LockAnswer, asked: Instruction) -> bool:
    """Some releases round the end up to the next candle."""
    return lock.side == (asked.side or "*") and (lock.lock_end_timestamp or 0) >= (asked.until_ms or 0) // 1000 * 1000


def unlocked(body: bytes, asked: Instruction, release: Release) -> Accepted:
    """A lock that is unknown is no error to a bot: what counts is that it is not among those left."""
    left = decode(body, answers.locks, asked.action).locks
    for lock in left:
        if str(lock.id) == asked.lock_id or (not asked.lock_id and lock.pair == asked.pair):
            raise _did_nothing(f"The bot still shows lock {lock.id} of {name(lock.pair, 100)}")
    return Accepted(f"{len(left)} lock{'' if len(left) == 1 else 's'} left")


def blacklisted(body: bytes, asked: Instruction, release: Release) -> Accepted:
    """Until 2020.4 a bot does not say what it did not take; its list does."""
    answer = decode(body, _blacklist, asked.action)
    absent = [pair for pair in asked.pairs if pair not in answer.blacklist]
    return _changed(answer, dict.fromkeys(absent, "The bot's blacklist does not show it"), asked)


def taken_off(body: bytes, asked: Instruction, release: Release) -> Accepted:
    answer = decode(body, _blacklist, asked.action)
    present = [pair for pair in asked.pairs if pair in answer.blacklist]
    return _changed(answer, dict.fromkeys(present, "The bot's blacklist still shows it"), asked)


def _changed(answer: ChangedBlacklist, problems: dict[str, str], asked: Instruction) -> Accepted:
    problems |= {pair: prose(answer.errors[pair].error_msg, LENGTH) for pair in asked.pairs if pair in answer.errors}
    if set(problems) >= set(asked.pairs):
        raise _did_nothing("; ".join(problems.values()))
    return Accepted(f"{len(answer.blacklist)} on the blacklist", problems=problems)


def _did_nothing(words: str) -> Refused:
    refused = Refused(prose(words, LENGTH))
    refused.may_have_happened = False
    return refused
