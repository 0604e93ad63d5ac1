import getpass
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.models import Team
from bots.domain.audit import Actor
from bots.domain.connection_fields import system_called
from bots.domain.connections import add_bot

NEVER_IN_ARGV = (
    "read from a file, from the environment or asked for: arguments are visible to every user of the machine"
)


class Command(BaseCommand):
    help = (
        "Add a bot to a team. Secrets come from --<field>-file, from the environment (BOT_PASSWORD, BOT_WS_TOKEN ...)"
        " or are asked for; never from the arguments, which every user of the machine can read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--team", required=True, help="the team's slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--system", default="freqtrade")
        parser.add_argument("--tag", action="append", default=[], help="may be given several times")
        parser.add_argument("--paused", action="store_true", help="add it without asking it yet")
        parser.add_argument("--field", action="append", default=[], metavar="NAME=VALUE", help="any open field")
        parser.add_argument("--url", help="short for --field url=...")
        parser.add_argument("--username", help="short for --field username=...")
        parser.add_argument("--secret-file", action="append", default=[], metavar="NAME=PATH", help="any secret field")
        parser.add_argument("--password-file", metavar="PATH", help="short for --secret-file password=...")

    def handle(self, team: str, name: str, system: str, **options: Any) -> None:
        owner = Team.objects.filter(slug=team).first()
        if owner is None:
            known = ", ".join(Team.objects.values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no team {team!r} (teams: {known})")
        try:
            bot = add_bot(
                Actor.process("add_bot"),
                owner,
                system=system,
                name=name,
                connection=connection_from(system, options),
                tags=options["tag"],
                enabled=not options["paused"],
            )
        except ValidationError as refused:
            raise CommandError(in_words(refused)) from None
        self.stdout.write(f"{bot.slug} added to {owner.slug}: {bot.address}")


def connection_from(system: str, options: dict[str, Any]) -> dict[str, object]:
    """Raises ValidationError for an unknown system, CommandError for a secret in the arguments."""
    fields = system_called(system).fields
    secrets = [field for field in fields if field.secret]
    given = pairs(options["field"])
    for field in secrets:
        if field.name in given:
            raise CommandError(f"{field.name} is a secret: it is {NEVER_IN_ARGV}")
    given |= {name: options[name] for name in ("url", "username") if options[name] is not None}
    files = pairs(options["secret_file"])
    if options["password_file"] is not None:
        files["password"] = options["password_file"]
    typed = {field.name: read_secret(field.name, field.label, field.required, files) for field in secrets}
    return {**given, **typed}


def pairs(words: list[str]) -> dict[str, str]:
    told = [word.partition("=") for word in words]
    unclear = [name for name, sign, _ in told if not sign]
    if unclear:
        raise CommandError(f"{unclear[0]!r}: write NAME=VALUE")
    return {name: value for name, _, value in told}


def read_secret(name: str, label: str, required: bool, files: dict[str, str]) -> str:
    """From its file, else the environment, else asked for where somebody can answer; "" when there is none."""
    if name in files:
        try:
            return Path(files[name]).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{label} cannot be read from {files[name]}: {error}") from None
    from_environment = os.environ.get(f"BOT_{name.upper()}", "")
    if from_environment or not required or not sys.stdin.isatty():
        return from_environment
    try:
        return getpass.getpass(f"{label}: ")
    except EOFError:
        raise CommandError(f"{label} was not given") from None


def in_words(refused: ValidationError) -> str:
    if not hasattr(refused, "error_dict"):
        return " ".join(refused.messages)
    return "\n".join(f"{name}: {' '.join(sentences)}" for name, sentences in refused.message_dict.items())
