"""A mail says which bot, LIVE or dry, the figure with its age, and where to look; a real mail server takes it."""

from datetime import UTC, datetime, timedelta

import pytest

from bots.domain.alerts.delivering import mail
from bots.domain.alerts.delivering.outcome import AGAIN, REFUSED, UNSURE
from bots.models import Delivery
from tests.bots.domain.alerts.delivering.conftest import carried, cleared, later, opened
from tests.builders import a_bot
from tests.engines import free_port

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_a_mail_says_all_that_there_is_to_know(box, mails, bot, settings, time_machine):
    time_machine.move_to(NOON, tick=False)
    settings.PORTAL_URL = "https://portal.example.org/"
    data = {"figure": "-0.1234", "limit": "0.1", "unit": "ratio", "as_of": "2026-11-21T11:59:20Z", "age_seconds": 40}
    opened(bot, text="lost 12.34 % of 5000 USDT today", detail="7 trades", since=NOON - timedelta(minutes=3), data=data)
    assert carried(box) == 1
    [message] = mails.mails
    assert mails.addressees == ["oncall@example.org"]
    assert message["Subject"] == "LIVE btc-trend-01 lost 12.34 % of 5000 USDT today"
    assert message["From"] == "portal@example.org"
    assert message["Message-ID"] == f"<delivery-{Delivery.objects.get().pk}@example.org>"
    assert message.get_content() == (
        "LIVE btc-trend-01 lost 12.34 % of 5000 USDT today\n"
        "7 trades\n\n"
        "Team:     Alpha\n"
        "Severity: error\n"
        "Figure:   −12.34 % (limit 10.00 %), 40 s old then\n"
        "As of:    2026-11-21T11:59:20Z\n"
        "Since:    2026-11-21 11:57:00 UTC\n\n"
        "https://portal.example.org/bots/btc-trend-01/\n"
        "https://portal.example.org/alerts/\n"
    )
    assert Delivery.objects.get().words == "The mail server took it"


def test_the_end_is_told_too_and_says_how_long_it_lasted(box, mails, bot, time_machine):
    time_machine.move_to(NOON, tick=False)
    (alert,) = opened(bot, since=NOON - timedelta(minutes=3), mode="dry")
    carried(box)
    time_machine.move_to(NOON + timedelta(minutes=62), tick=False)
    cleared(alert)
    carried(box)
    assert mails.mails[1]["Subject"] == "Cleared: DRY btc-trend-01 has not answered for 12 min"
    said = mails.mails[1].get_content()
    assert said.startswith("It is over.\n\nDRY btc-trend-01 has not answered for 12 min\n")
    assert "Cleared:  2026-11-21 13:02:00 UTC, after 1 h 5 min\n" in said


def test_what_was_over_before_it_could_be_told_is_one_mail(box, mails, bot):
    cleared(*opened(bot))
    assert carried(box) == 1
    assert [message["Subject"][:8] for message in mails.mails] == ["Cleared:"]
    states = dict(Delivery.objects.values_list("what", "state"))
    assert states == {"opened": "dropped", "cleared": "sent"}


def test_a_bots_words_forge_no_line_and_no_header(box, mails, alpha):
    bot = a_bot(alpha, "evil\r\nBcc: x@example.org")
    opened(bot, text="says\nhello\x1b[2J\u202ereversed", detail="<b>&amp;\r\n\r\nhttps://evil.example.org")
    carried(box)
    [message] = mails.mails
    assert message["Bcc"] is None
    assert message["Subject"] == "LIVE evil Bcc: x@example.org says hello [2J reversed"
    assert "<b>&amp; https://evil.example.org\n" in message.get_content()


@pytest.mark.parametrize(
    ("answers", "verdict", "words"),
    [
        ({"RCPT": "550 no such mailbox s3cret"}, REFUSED, "The mail server refused this address (550)"),
        ({"RCPT": "451 greylisted"}, AGAIN, "The mail server refused this address (451)"),
        ({"MAIL": "530 not you"}, REFUSED, "The mail server refused this address (530)"),
        ({"DATA": "452 full"}, AGAIN, "The mail server refused the mail (452)"),
        ({"END": "554 spam"}, REFUSED, "The mail server refused the mail (554)"),
        ({"END": ""}, UNSURE, "The mail server closed in the middle"),
    ],
)
def test_what_a_mail_server_says(mails, answers, verdict, words):
    mails.answers = answers
    outcome = mail.send("oncall@example.org", "delivery-1", "subject", "text")
    assert (outcome.verdict, outcome.words) == (verdict, words)


def test_a_mail_server_that_is_away_is_asked_again(box, bot, mails, settings):
    settings.EMAIL_PORT = free_port()
    opened(bot)
    assert carried(box) == 0
    waiting = Delivery.objects.get()
    assert (waiting.state, waiting.code, waiting.unsure) == ("pending", "mail_unreachable", 0)
    settings.EMAIL_PORT = mails.port
    later(hours=1)
    assert carried(box) == 1


def test_a_portal_without_a_mail_server_says_so(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    outcome = mail.send("oncall@example.org", "delivery-1", "subject", "text")
    assert (outcome.verdict, outcome.words) == (REFUSED, "EMAIL_URL is not set: no mail leaves this portal")
