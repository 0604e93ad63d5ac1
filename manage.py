#!/usr/bin/env python
import gc
import os
import sys
from importlib import import_module

# They may rightly keep the database busy for minutes.
LONG_COMMANDS = {"migrate", "verify_audit"}


# Objects made since the last look for garbage (Python: 700): what imports make stays, and need not be looked through.
GARBAGE_AFTER = 50_000


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    gc.set_threshold(GARBAGE_AFTER)
    if sys.argv[1:2] == ["portal"]:
        gc.disable()  # until it serves
        import_without("rest_framework.compat", "requests", "django.contrib.postgres.fields")
    if LONG_COMMANDS.intersection(sys.argv[1:2]):
        os.environ.setdefault("PORTAL_DATABASE_SECONDS", "0")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def import_without(name: str, *unused: str) -> None:
    """Import a module as if these were not installed: it takes them only because they are there, for things nobody
    asks of it here, and they were a tenth of the start."""
    sys.modules.update(dict.fromkeys(unused))  # None: importing it raises ImportError
    try:
        import_module(name)
    finally:
        for each in unused:
            del sys.modules[each]


if __name__ == "__main__":
    main()
