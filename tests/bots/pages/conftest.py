"""A browser each, already signed in; Dana trades for team Alpha, Olga operates it; a bot that takes commands."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client

from accounts.access import Role
from accounts.models import User
from tests.bots.pages.asking import ALL_ACTIONS
from tests.builders import a_bot, a_trade, member, moving, person


@pytest.fixture
def browser_of() -> Callable[[User], Client]:
    def signed_in(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return signed_in


@pytest.fixture
def dana(alpha):
    dana = person("dana")
    member(dana, alpha, Role.TRADER)
    return dana


@pytest.fixture
def olga(alpha):
    olga = person("olga")
    member(olga, alpha, Role.OPERATOR)
    return olga


@pytest.fixture
def bot(alpha):
    return a_bot(alpha, "btc-trend-01", status={"capabilities": ALL_ACTIONS, "open_count": 1})


@pytest.fixture
def trade(bot):
    trade = a_trade(bot, trade_id="1113", amount=Decimal("0.014727"), open_rate=Decimal("109404.5"))
    moving(trade, profit="18.05", ratio="0.0112", rate="110718.4")
    return trade
