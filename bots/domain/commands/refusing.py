"""Why a command is not even taken down: each with its stable code, the API's status and a sentence for people."""

from collections.abc import Mapping
from typing import ClassVar

from bots.models import Command


class CommandRefused(Exception):
    """Nothing was written. `str(error)` is for people, `code` for machines, `status` is the API's."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409


class NothingIsSent(CommandRefused):
    """Safe mode: this is a restored or copied portal."""

    code = "safe_mode"
    status = 503


class RoleTooLow(CommandRefused):
    code = "role_too_low"
    status = 403


class WrongParams(CommandRefused):
    """`fields`: what is wrong with which field of `params` (or with "action", "reason", "key")."""

    code = "wrong_params"
    status = 400

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{name}: {words}" for name, words in self.fields.items()))


class ReasonMissing(CommandRefused):
    code = "reason_missing"
    status = 422


class CapabilityMissing(CommandRefused):
    """This bot's release does not offer it. `capability`: what it lacks."""

    code = "capability_missing"
    status = 422

    def __init__(self, sentence: str, capability: str) -> None:
        super().__init__(sentence)
        self.capability = capability


class BotNotReady(CommandRefused):
    """The portal does not speak to this bot: it is retired, or paused in the portal."""

    code = "bot_not_ready"

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.code = code  # type: ignore[misc]  # bot_retired or bot_paused_in_portal


class TradeChanged(CommandRefused):
    """The trade is no longer what was confirmed. `differences`: field -> (confirmed, now)."""

    code = "trade_changed"

    def __init__(self, sentence: str, differences: Mapping[str, tuple[str, str]] | None = None) -> None:
        super().__init__(sentence)
        self.differences = dict(differences or {})


class KeyUsedOtherwise(CommandRefused):
    """This person used the key for another command: `first`."""

    code = "key_used"

    def __init__(self, first: Command) -> None:
        super().__init__(f"This Idempotency-Key belongs to another command ({first.pk}): take a new one")
        self.first = first


class Duplicate(CommandRefused):
    """The same was asked a moment ago, or its outcome is not known yet: `first`. Insisting means naming it."""

    code = "duplicate"

    def __init__(self, first: Command, sentence: str) -> None:
        super().__init__(sentence)
        self.first = first


class WrongState(CommandRefused):
    """The command is past the point where this can be done; `state` says where it is."""

    code = "wrong_state"

    def __init__(self, command: Command, sentence: str) -> None:
        super().__init__(sentence)
        self.state = command.state
