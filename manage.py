#!/usr/bin/env python
import gc
import os
import sys

# They may rightly keep the database busy for minutes.
LONG_COMMANDS = {"migrate", "verify_audit"}


# Objects made since the last look for garbage. With Python's 700, looking through what imports make takes a fifth of
# every start, and finds nothing.
GARBAGE_AFTER = 50_000


def main() -> None:
    gc.set_threshold(GARBAGE_AFTER)
    if sys.argv[1:2] == ["portal"]:
        gc.disable()  # until it serves: a tenth of its start
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if LONG_COMMANDS.intersection(sys.argv[1:2]):
        os.environ.setdefault("PORTAL_DATABASE_SECONDS", "0")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
