import pytest
import uvloop

from bots.systems.addresses import AddressPolicy
from bots.systems.http import HttpDoor
from tests.bots.systems.certificates import Authority


def pytest_asyncio_loop_factories(config, item):
    """On the loop that the workers use."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def door():
    """A door to loopback alone, with short deadlines."""
    door = HttpDoor(AddressPolicy.from_networks(["loopback"]), deadline=2, connect_deadline=1)
    yield door
    await door.aclose()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))
