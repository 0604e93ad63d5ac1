"""Why a command is not even taken down: each with its stable code, the API's status and a sentence for people."""

from collections.abc import Mapping

from bots.domain.refusing import ActRefused, WrongFields
from bots.models import Command


class NothingIsSent(ActRefused):
    """Safe mode: this is a restored or copied portal."""

    code = "safe_mode"
    status = 503


class WrongParams(WrongFields):
    """Of `params`, or of "action", "reason", "key"."""

    code = "wrong_params"


class ReasonMissing(ActRefused):
    code = "reason_missing"
    status = 422


class CapabilityMissing(ActRefused):
    """This bot's release does not offer it. `capability`: what it lacks."""

    code = "capability_missing"
    status = 422

    def __init__(self, sentence: str, capability: str) -> None:
        super().__init__(sentence)
        self.capability = capability


class BotNotReady(ActRefused):
    """The portal does not speak to this bot: it is retired, or paused in the portal."""

    code = "bot_not_ready"

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.code = code  # type: ignore[misc]  # bot_retired or bot_paused_in_portal


class TradeChanged(ActRefused):
    """The trade is no longer what was confirmed. `differences`: field -> (confirmed, now)."""

    code = "trade_changed"

    def __init__(self, sentence: str, differences: Mapping[str, tuple[str, str]] | None = None) -> None:
        super().__init__(sentence)
        self.differences = dict(differences or {})


class KeyUsedOtherwise(ActRefused):
    """This person used the key for another command: `first`."""

    code = "key_used"

    def __init__(self, first: Command) -> None:
        super().__init__(f"This Idempotency-Key belongs to another command ({first.pk}): take a new one")
        self.first = first


class Duplicate(ActRefused):
    """The same was asked a moment ago, or its outcome is not known yet: `first`. Insisting means naming it."""

    code = "duplicate"

    def __init__(self, first: Command, sentence: str) -> None:
        super().__init__(sentence)
        self.first = first


class WrongState(ActRefused):
    """The command is past the point where this can be done; `state` says where it is."""

    code = "wrong_state"

    def __init__(self, command: Command, sentence: str) -> None:
        super().__init__(sentence)
        self.state = command.state
