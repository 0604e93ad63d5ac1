"""What is promised to whom, spelled out a second time on purpose: accounts.access must say the same."""

ORDER = ("viewer", "operator", "trader", "manager")
# action -> (the lowest role that may do it, params a bot takes)
ACTIONS = {
    "start": ("operator", {}),
    "stop": ("operator", {}),
    "pause": ("operator", {}),
    "reload_config": ("operator", {}),
    "lock_pair": ("operator", {"pair": "BTC/USDT", "until": "2099-01-01T00:00:00+00:00"}),
    "unlock": ("operator", {"pair": "BTC/USDT"}),
    "blacklist_add": ("operator", {"pairs": ["BTC/USDT"]}),
    "blacklist_remove": ("operator", {"pairs": ["BTC/USDT"]}),
    "force_exit": ("trader", {"trade_id": "500"}),
    "force_exit_all": ("trader", {}),
    "force_enter": ("trader", {"pair": "BTC/USDT"}),
    "cancel_order": ("trader", {"trade_id": "500"}),
    "delete_trade": ("trader", {"trade_id": "500"}),
    "reload_trade": ("trader", {"trade_id": "500"}),
    "place_order": ("trader", {}),
    "modify_position": ("trader", {}),
}
# No system offers these yet: who may do them is told that the bot cannot.
OF_NO_BOT = {"place_order", "modify_position"}


def may(role: str, lowest: str) -> bool:
    return role in ORDER and ORDER.index(role) >= ORDER.index(lowest)
