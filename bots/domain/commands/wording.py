"""How actions are called: on buttons, in the audit's and the events' sentences."""

from typing import NamedTuple

from bots.models import Command


class Words(NamedTuple):
    """`label`: of a button; `verb`: of the button that confirms; `past`: in a sentence about it."""

    label: str
    verb: str
    past: str


WORDS: dict[str, Words] = {
    "start": Words("Start", "Start", "start"),
    "stop": Words("Stop", "Stop", "stop"),
    "pause": Words("Pause entries", "Pause entries of", "pause of entries"),
    "reload_config": Words("Reload config", "Reload config of", "reload of the configuration"),
    "force_exit": Words("Force exit", "Exit", "force exit"),
    "force_exit_all": Words("Exit all trades", "Exit all trades of", "exit of all trades"),
    "force_enter": Words("Force enter", "Enter", "force enter"),
    "cancel_order": Words("Cancel open order", "Cancel the open order of", "cancel of the open order"),
    "delete_trade": Words("Delete trade", "Delete", "deletion of the trade"),
    "reload_trade": Words("Reload trade", "Reload", "reload of the trade"),
    "lock_pair": Words("Lock pair", "Lock", "lock"),
    "unlock": Words("Unlock", "Unlock", "unlock"),
    "blacklist_add": Words("Add to blacklist", "Blacklist", "blacklisting"),
    "blacklist_remove": Words("Remove from blacklist", "Take off the blacklist", "removal from the blacklist"),
    "place_order": Words("Place order", "Place order", "order"),
    "modify_position": Words("Modify position", "Modify", "change of the position"),
}
REASON_REQUIRED = frozenset({"force_exit", "force_exit_all", "delete_trade"})
STOPS_ENTRIES = (
    "This release has no paused state: it lets no new trade begin while its state stays running, and only reload config"
    " undoes it"
)


def about(command: Command) -> str:
    """ "force exit of BTC/USDT #97": the command in a sentence."""
    what = WORDS[command.action].past
    subject = subject_of(command)
    return f"{what} of {subject}" if subject else what


def subject_of(command: Command) -> str:
    params, before = command.params, command.before
    if "trade_id" in params:
        return f"{before.get('pair', 'trade')} #{params['trade_id']}"
    if "pairs" in params:
        return ", ".join(params["pairs"][:3]) + (" …" if len(params["pairs"]) > 3 else "")
    return str(params.get("pair") or params.get("lock_id") or "")


def pair_of(command: Command) -> str:
    return str(command.before.get("pair") or command.params.get("pair") or "")
