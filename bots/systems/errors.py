"""The tree of failures when speaking to a bot. Each says: try again, or a person must act.

BotError
├── TryAgain                     it may pass by itself
│   ├── Unreachable              name does not resolve, refused, reset, time-out
│   │   ├── NameNotFound
│   │   ├── ConnectionRefused
│   │   ├── ConnectionLost
│   │   └── TimedOut
│   ├── Busy                     429, 503: carries `retry_after` seconds when the bot named them
│   ├── BotFailed                5xx without a bot's refusal in it
│   └── NotRunning               the bot answers "trader is not running"
├── NeedsAPerson                 asking again changes nothing
│   ├── WrongPassword            401
│   ├── Forbidden                403
│   ├── AddressNotAllowed        the address lies outside PORTAL_ALLOWED_NETWORKS
│   ├── TlsProblem               certificate expired, wrong host, self-signed, plain HTTP on a TLS port
│   ├── Redirected               bots do not redirect; following one would carry the password elsewhere
│   ├── NotThisSystem            something answers, but it is no such bot
│   ├── WebserverMode            a Freqtrade that does not trade
│   ├── ReleaseTooOld            such a bot, of a release too old to be read
│   ├── BadAnswer                the answer's shape or content is not what this API gives
│   │   └── AnswerTooLarge
│   ├── NotOffered               this bot's release has no such thing
│   └── WrongSettings            the connection's own fields (address, key) cannot be used
├── NoSuchTrade                  the bot does not know this trade (neither kind: it is an answer)
└── Refused                      the bot understood and said no: its words
"""


class BotError(Exception):
    """`code` is stable and for machines, `str(error)` the sentence a person reads, `state` the bot's word on a page."""

    code = "bot_error"
    state = "offline"
    # Of a command: False only where it is certain that the bot did nothing (not sent at all, or refused before acting).
    may_have_happened = True

    def __init__(self, sentence: str = "", *, endpoint: str = "") -> None:
        super().__init__(sentence or (type(self).__doc__ or "").strip() or self.code)
        self.endpoint = endpoint


class TryAgain(BotError):
    code = "try_again"


class Unreachable(TryAgain):
    code = "unreachable"


class NameNotFound(Unreachable):
    code = "name_not_found"


class ConnectionRefused(Unreachable):
    code = "connection_refused"


class ConnectionLost(Unreachable):
    code = "connection_lost"


class TimedOut(Unreachable):
    code = "timed_out"


class Busy(TryAgain):
    code = "busy"

    def __init__(self, sentence: str = "", *, endpoint: str = "", retry_after: float | None = None) -> None:
        super().__init__(sentence, endpoint=endpoint)
        self.retry_after = retry_after  # seconds


class BotFailed(TryAgain):
    code = "bot_failed"


class NotRunning(TryAgain):
    code = "not_running"
    state = "stopped"


class NeedsAPerson(BotError):
    code = "needs_a_person"
    state = "misconfigured"


class WrongPassword(NeedsAPerson):
    code = "wrong_password"
    state = "auth_failed"


class Forbidden(NeedsAPerson):
    code = "forbidden"
    state = "auth_failed"


class AddressNotAllowed(NeedsAPerson):
    code = "address_not_allowed"


class TlsProblem(NeedsAPerson):
    code = "tls_problem"


class Redirected(NeedsAPerson):
    code = "redirected"


class NotThisSystem(NeedsAPerson):
    code = "not_this_system"
    state = "unsupported"


class WebserverMode(NeedsAPerson):
    code = "webserver_mode"
    state = "unsupported"


class ReleaseTooOld(NeedsAPerson):
    code = "release_too_old"
    state = "unsupported"


class BadAnswer(NeedsAPerson):
    code = "bad_answer"
    state = "unsupported"


class AnswerTooLarge(BadAnswer):
    code = "answer_too_large"


class NotOffered(NeedsAPerson):
    code = "not_offered"


class WrongSettings(NeedsAPerson):
    code = "wrong_settings"

    def __init__(self, sentence: str = "", *, endpoint: str = "", field: str = "") -> None:
        super().__init__(sentence, endpoint=endpoint)
        self.field = field  # the declared field that is wrong, "" when the address is


class NoSuchTrade(BotError):
    code = "no_such_trade"


class Refused(BotError):
    code = "refused"
