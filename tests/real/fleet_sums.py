"""The fleet's total, as a person of the team gets it over the API, against the bots' own lists added up."""

import json
import urllib.request
from collections.abc import Iterable

from tests.direct import OPENER
from tests.process import PortalProcess
from tests.real.figures import Answer, Comparison, canonical

PASSWORD = "correct-horse-7"
A_VIEWER = f"""
from accounts.models import Membership, Team, User
bob = User(username="bob", email="bob@example.org")
bob.set_password("{PASSWORD}")
bob.save()
Membership.objects.create(user=bob, team=Team.objects.get(slug="alpha"), role="viewer")
"""


def compare_fleet(portal: PortalProcess, closed: Iterable[Answer], bots: int, untold: int) -> Comparison:
    """`closed`: every closed trade that a bot told, of wiped databases too; `untold`: bots that tell of none."""
    result = Comparison("the fleet's total")
    (total,) = fleet_totals(portal)
    profits = [canonical(trade["close_profit_abs"]) for trade in closed]
    result.closed = len(profits)
    result.same("mode and currency", f"{total['mode']} {total['currency']}", "dry USDT")
    result.same("realized profit", total["all"], sum(profits))
    result.same("bots", total["bots"], bots)
    result.same("bots that tell no closed trades", total["untold"], untold)
    result.same("bots not read to their end", total["unread"], 0)
    return result


def fleet_totals(portal: PortalProcess) -> list[Answer]:
    portal.manage("shell", "-v0", "-c", A_VIEWER)
    token = asked(portal, "token/", {"username": "bob", "password": PASSWORD})["access"]
    return asked(portal, "fleet/", token=str(token))["totals"]


def asked(portal: PortalProcess, path: str, body: Answer | None = None, token: str = "") -> Answer:
    request = urllib.request.Request(
        f"{portal.address}/api/v1/{path}", data=json.dumps(body).encode() if body else None
    )
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with OPENER.open(request, timeout=30) as answer:
        return json.loads(answer.read())
