"""Everything in one process: the web server in the main thread; the worker, its clock and the relay beside it.

The parts share a memory broker and the in-memory channel layer. Neither thread installs signal handlers, and none of
them holds up the end: what a poll has not written by then is asked again at the next start.
"""

import errno
import fcntl
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, Any

import uvicorn
from django.conf import settings

log = logging.getLogger(__name__)

STOP_SECONDS = 1.5
LARGEST_MESSAGE_OF_A_BROWSER = 1024  # bytes


class PortTaken(Exception):
    """Something else listens there: choose another port."""


class AlreadyRunning(Exception):
    """Another all-in-one process uses this data directory."""


def bound_socket(host: str, port: int) -> socket.socket:
    """Bound, not listening yet: whoever connects before the portal is ready is refused. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as problem:
        bound.close()
        if problem.errno == errno.EADDRINUSE:
            raise PortTaken(f"Port {port} at {host} is in use by another program; choose one with --port") from None
        raise PortTaken(f"Cannot listen at {host} port {port}: {problem.strerror}") from None
    return bound


def claim(data_dir: Path) -> IO[str]:
    """Held as long as the file is open, by one process at a time, even after kill -9. Raises AlreadyRunning."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (data_dir / "portal.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise AlreadyRunning(f"A portal (process {file.read().strip()}) already runs on {data_dir}") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


class Background:
    """Celery's worker (a pool of threads on the memory broker), its beat, and the relay that listens to the bots."""

    def __init__(self) -> None:
        self.worker: Any = None
        self.relay: Any = None
        self.beat: Any = None
        self.stopping = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self.work, name="worker", daemon=True).start()

    def work(self) -> None:
        from celery.worker import WorkController

        from bots.tasks import listener
        from portal.celery import app

        # The checks ran when the command started.
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        # Celery closes the database after each task; opening the file anew was a fifth of what the tasks cost.
        app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
        # A multiplier of 0 takes all that waits: with the default the memory broker hands out 8 tasks a second.
        self.worker = WorkController(
            app=app,
            prefetch_multiplier=0,
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self.beat = clock()
        self.relay = listener()
        if not self.stopping.is_set():
            self.relay.start()
            self.beat.start()
            for name, part in (("clock", self.beat), ("relay", self.relay)):
                threading.Thread(target=self.outlive, args=(name, part), name=f"{name}-watch", daemon=True).start()
            self.worker.start()
        self.end_unless_stopped("worker")

    def outlive(self, name: str, part: Any) -> None:
        part.join()
        self.end_unless_stopped(name)

    def end_unless_stopped(self, part: str) -> None:
        if not self.stopping.is_set():
            log.critical("the background %s ended by itself: the portal stops, since its figures would grow old", part)
            os.kill(os.getpid(), signal.SIGTERM)

    def stop(self) -> None:
        """Gives what runs a moment to end."""
        self.stopping.set()
        parts = [part for part in (self.beat, self.worker, self.relay) if part is not None]
        threads = [threading.Thread(target=part.stop, daemon=True) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(STOP_SECONDS / max(len(threads), 1))


def clock() -> Any:
    """Celery's beat, in a thread. Unlike the command it does not look up by itself which scheduler is set."""
    from celery.beat import EmbeddedService

    from portal.celery import app

    beat = EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)
    beat.daemon = True
    return beat


class WebServer(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, on_listening: Callable[[], None]) -> None:
        super().__init__(web_config())
        self.on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_listening()


def web_config() -> uvicorn.Config:
    return uvicorn.Config(
        "portal.asgi:application",
        loop="uvloop",
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE_OF_A_BROWSER,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        # Who comes and goes is state, not change.
        log_level="warning",
        access_log=False,
        server_header=False,
        # Who may speak for a client is PORTAL_TRUSTED_PROXIES' part, in the middleware.
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )


def serve(listener: socket.socket, on_listening: Callable[[], None]) -> None:
    """Until SIGTERM or SIGINT."""
    background = Background()

    def listening() -> None:
        background.start()
        on_listening()

    server = WebServer(listening)
    # uvicorn raises the signal that ended it once more, for the handler it found: this one, which has nothing to add.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ignore)
    try:
        server.run(sockets=[listener])
    finally:
        background.stop()


def ignore(number: int, frame: FrameType | None) -> None:
    log.info("%s: the portal has stopped", signal.Signals(number).name)


def own_address(host: str, port: int) -> str:
    """What a person on this machine opens."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def settle_address(address: str) -> None:
    """Without a PORTAL_URL in the environment, links and form checks follow the address we really listen at."""
    if "PORTAL_URL" not in os.environ:
        settings.PORTAL_URL = address
        settings.CSRF_TRUSTED_ORIGINS = [address]
