import pytest


@pytest.fixture(autouse=True)
def from_the_folders(settings):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True


async def test_a_stylesheet_comes_whole_and_without_a_warning(async_client):
    """Warnings are errors in tests: a stream under ASGI would be one."""
    answer = await async_client.get("/static/js/theme.js")
    assert answer.status_code == 200
    assert answer["Content-Type"] == 'text/javascript; charset="utf-8"'
    assert int(answer["Content-Length"]) == len(answer.content) > 100


async def test_an_unchanged_stylesheet_is_not_sent_again(async_client):
    first = await async_client.get("/static/js/theme.js")
    again = await async_client.get("/static/js/theme.js", headers={"if-modified-since": first["Last-Modified"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_nothing_outside_the_folders_is_served(async_client):
    for path in ("/static/../manage.py", "/static/%2e%2e/manage.py", "/static/no-such.css"):
        assert (await async_client.get(path)).status_code == 404
