#!/usr/bin/env python
import gc
import os
import sys

# They may rightly keep the database busy for minutes.
LONG_COMMANDS = {"migrate", "verify_audit"}


# Objects made since the last look for garbage (Python: 700): what imports make stays, and need not be looked through.
GARBAGE_AFTER = 50_000


def main() -> None:
    gc.set_threshold(GARBAGE_AFTER)
    if sys.argv[1:2] == ["portal"]:
        gc.disable()  # until it serves
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if LONG_COMMANDS.intersection(sys.argv[1:2]):
        os.environ.setdefault("PORTAL_DATABASE_SECONDS", "0")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
