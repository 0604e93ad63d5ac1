import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.bots.live.conftest import a_bot, heard, logged_in

WORKER = """
import django, time
django.setup()
from bots.domain.events import Changed, announce
announce([Changed({bot.pk}, "{bot.slug}", {bot.team_id}, ("trades",), 4711)])
time.sleep(1)
"""


@pytest.mark.skipif(settings.EMBEDDED, reason="an embedded portal is one process")
@pytest.mark.django_db(transaction=True)
def test_what_a_worker_announces_reaches_a_browser_of_another_process(browse, alice, alpha):
    trend = a_bot(alpha, "trend")
    browser = browse(logged_in(alice))
    heard(browser)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    worker = subprocess.Popen([sys.executable, "-c", WORKER.format(bot=trend)], env=environment)
    assert heard(browser) == {"bot": "trend", "what": ["trades"], "seq": 4711}
    assert worker.wait(10) == 0
