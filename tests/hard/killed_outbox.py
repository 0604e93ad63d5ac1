"""A worker's outbox that is killed (SIGKILL) at a point of a command's way: a process of its own, told by lines.

    <point> <command id>     ->  "killed" or "ended"

The points are those of Outbox.at, and `waiting`: a moment after the request left. Each line is carried out in a fork,
so that a kill costs no new start of Django; this process itself has no threads.
"""

import os
import signal
import sys
import threading
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
LONGEST_SECONDS = 60
A_MOMENT = 1.0  # the machine may be busy: until then the request has left


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    print("ready", flush=True)
    for line in sys.stdin:
        point, command_id = line.split()
        connection.close()
        child = os.fork()
        if child == 0:
            carry(point, int(command_id))
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else "ended", flush=True)


def carry(point: str, command_id: int) -> None:
    from bots.domain.commands import Outbox

    def at(reached: str, _command_id: int) -> None:
        if reached == point:
            die()
        if point == "waiting" and reached == "claimed":
            threading.Timer(A_MOMENT, die).start()

    box = Outbox(at).start()
    box.submit([command_id])
    deadline = time.monotonic() + LONGEST_SECONDS
    begun = threading.Event()
    box.loop.call_soon_threadsafe(begun.set)
    begun.wait(LONGEST_SECONDS)
    while box.under_way and time.monotonic() < deadline:
        time.sleep(0.02)
    os._exit(0)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


if __name__ == "__main__":
    main()
