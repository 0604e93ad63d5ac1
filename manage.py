#!/usr/bin/env python
import os
import sys

# They may rightly keep the database busy for minutes.
LONG_COMMANDS = {"migrate", "verify_audit"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    if LONG_COMMANDS.intersection(sys.argv[1:2]):
        os.environ.setdefault("PORTAL_DATABASE_SECONDS", "0")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
