"""Every page says that the portal sends nothing, and why."""

from bots.domain import safety
from bots.domain.audit import Actor


def test_every_page_tells_of_safe_mode(alice, browser_of) -> None:
    alice_looks = browser_of(alice)
    assert b"Safe mode" not in alice_looks.get("/").content
    safety.enter("restored <b>on Monday</b>", Actor.process("enter_safe_mode"))
    for path in ("/", "/trades/", "/team/"):
        page = alice_looks.get(path).content.decode()
        assert "reads and sends nothing" in page
        assert "restored &lt;b&gt;on Monday&lt;/b&gt;" in page
