"""The demo as `make demo` starts it, and a Chromium to look at it with."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

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
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield browser
        browser.close()
