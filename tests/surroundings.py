"""A pytest plugin that gives each test process its own surroundings: data folder and Redis.

It must act before the settings are read: pyproject.toml names it with -p, and it works while it is imported. The
processes of pytest-xdist read -p too late, but PYTEST_PLUGINS in time.
"""

import atexit
import gc
import os
import shutil
import tempfile

os.environ["PYTEST_PLUGINS"] = __name__
gc.set_threshold(50_000)  # thousands of collected tests stay: to look through them after every 700 objects takes long
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))

os.environ["PORTAL_DATA_DIR"] = tempfile.mkdtemp(prefix="portal-test-data-")
atexit.register(shutil.rmtree, os.environ["PORTAL_DATA_DIR"], ignore_errors=True)

# Two processes on one Redis would hear each other's messages: its channels know no databases.
if "TEST_REDIS_URLS" in os.environ:
    os.environ["REDIS_URL"] = os.environ["TEST_REDIS_URLS"].split(",")[WORKER]
