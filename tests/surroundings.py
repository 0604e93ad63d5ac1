"""A pytest plugin that gives each test process its own surroundings: data folder and Redis. Loaded by run.py.

It must act before the settings are read, so it is named in PYTEST_PLUGINS and works while it is imported.
"""

import atexit
import os
import shutil
import tempfile

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))

os.environ["PORTAL_DATA_DIR"] = tempfile.mkdtemp(prefix="portal-test-data-")
atexit.register(shutil.rmtree, os.environ["PORTAL_DATA_DIR"], ignore_errors=True)

# Two processes on one Redis would hear each other's messages: its channels know no databases.
if "TEST_REDIS_URLS" in os.environ:
    os.environ["REDIS_URL"] = os.environ["TEST_REDIS_URLS"].split(",")[WORKER]
