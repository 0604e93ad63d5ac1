import logging
import socket
import threading
import time

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer

from bots.domain.events import Changed, announcing


def change(seq, *what, bot=7):
    return Changed(bot, f"bot-{bot}", 1, what or ("state",), seq)


@pytest.fixture
def mouth(monkeypatch, settings):
    """That of a worker process in a team installation: on a loop of its own."""
    settings.EMBEDDED = False
    mouth = announcing._Mouth()
    monkeypatch.setattr(announcing, "_mouth", mouth)
    monkeypatch.setattr(announcing, "SEND_SECONDS", 0.2)
    monkeypatch.setattr(announcing, "RETRY_SECONDS", 0.1)
    yield mouth
    if mouth.loop is not None:
        mouth.loop.call_soon_threadsafe(mouth.loop.stop)


class Layer:
    """Records what is sent; does not answer while `hanging`."""

    def __init__(self):
        self.sent, self.hanging = [], False

    async def group_send(self, group, message):
        if self.hanging:
            raise TimeoutError
        self.sent.append((group, message))


@pytest.fixture
def layer(monkeypatch):
    layer = Layer()
    monkeypatch.setattr(announcing, "get_channel_layer", lambda: layer)
    return layer


def until(condition, seconds=3):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_two_changes_of_a_bot_are_one_with_the_latest_number():
    both = change(4, "state", "trades").and_then(change(5, "balance", "state"))
    assert both == change(5, "state", "trades", "balance")


def test_a_batch_is_one_message(mouth, layer):
    announcing.announce([change(1, bot=1), change(9, "trades", bot=2)])
    until(lambda: layer.sent)
    packed = [[1, "bot-1", 1, ["state"], 1], [2, "bot-2", 1, ["trades"], 9]]
    assert layer.sent == [("changes", {"type": "changed", "changes": packed})]
    assert Changed.unpacked(packed[1]) == change(9, "trades", bot=2)


def test_nothing_is_sent_when_nothing_changed(mouth, layer):
    announcing.announce([])
    announcing.announce([change(1)])
    until(lambda: layer.sent)
    assert len(layer.sent) == 1


def test_what_could_not_be_sent_is_sent_together_once_the_layer_answers_again(mouth, layer, caplog):
    caplog.set_level(logging.INFO, logger="bots.domain.events.announcing")
    layer.hanging = True
    for seq in range(1, 6):
        announcing.announce([change(seq, "state" if seq % 2 else "trades")])
        time.sleep(0.02)
    time.sleep(0.3)
    layer.hanging = False
    until(lambda: layer.sent)

    ((_, message),) = layer.sent
    assert [(seq, set(what)) for _, _, _, what, seq in message["changes"]] == [(5, {"state", "trades"})]
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_redis_that_accepts_and_never_answers_holds_up_nobody(mouth, monkeypatch):
    silent = socket.create_server(("127.0.0.1", 0))
    layer = RedisPubSubChannelLayer(hosts=[f"redis://127.0.0.1:{silent.getsockname()[1]}"])
    monkeypatch.setattr(announcing, "get_channel_layer", lambda: layer)

    announcing.announce([change(0)])
    began = time.monotonic()
    for seq in range(1, 1001):
        announcing.announce([change(seq, bot=number) for number in range(20)])
    seconds = time.monotonic() - began

    assert seconds < 30
    until(lambda: not mouth.reaching)
    assert len(mouth.waiting) <= 20
    silent.close()


def test_an_embedded_process_without_a_web_server_announces_to_nobody(monkeypatch, settings, layer):
    settings.EMBEDDED = True
    monkeypatch.setattr(announcing, "_mouth", announcing._Mouth())
    threads = threading.active_count()
    announcing.announce([change(1)])
    assert threading.active_count() == threads
    assert layer.sent == []
