"""The demo as `make demo` starts it, and a Chromium to look at it with."""

import pytest
from playwright.sync_api import sync_playwright

from tests.chromium import launched
from tests.process import PortalProcess


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    portal = PortalProcess(tmp_path_factory.mktemp("demo"))
    portal.start("--demo")
    yield portal
    portal.stop()


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()
