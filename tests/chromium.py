"""The browser of the tests. A machine without it fails them: what was skipped was not tested."""

from playwright.sync_api import Browser, Playwright

from tests.engines import program

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def launched(playwright: Playwright) -> Browser:
    """Raises EngineMissing."""
    return playwright.chromium.launch(executable_path=program("chromium"), args=FLAGS)
