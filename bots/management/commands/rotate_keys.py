import fcntl
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from bots.domain.audit import Actor
from bots.domain.rotation import (
    KeysDoNotFit,
    Rotation,
    fresh_private_key,
    is_everything_current,
    name_of,
    reseal_everything,
    use,
)

TEAM_STEPS = """Nothing to rotate: every secret is sealed with the current key. For a new key:
1. Make one: python manage.py rotate_keys --new-key
2. Workers, relays, gateway: put it first in PORTAL_SECRETS_KEY (new,old) and restart them.
3. Every process: set PORTAL_SEAL_KEY to its public half and restart.
4. Run rotate_keys again with a worker's environment.
5. Take the old key out of PORTAL_SECRETS_KEY; keep it with the backups it opens."""


class Command(BaseCommand):
    help = (
        "Seal every stored secret with the current key. An embedded portal makes the new key itself (stop it first);"
        " a team installation is given one. Run again after an interruption: it goes on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        group = parser.add_mutually_exclusive_group()
        group.add_argument("--new-key", action="store_true", help="only print a fresh pair of keys")
        group.add_argument(
            "--drop-old",
            action="store_true",
            help="embedded: afterwards forget the former keys (old backups stay shut)",
        )

    def handle(self, new_key: bool, drop_old: bool, **options: object) -> None:
        if new_key:
            self.print_new_key()
        elif keeps_its_own_keys():
            with portal_stopped():
                self.rotate_embedded(drop_old)
        elif drop_old:
            raise CommandError("PORTAL_SECRETS_KEY comes from the environment: take the old keys out there")
        else:
            self.rotate_given()

    def print_new_key(self) -> None:
        private = fresh_private_key()
        use([private])
        self.stdout.write(f"private, first in PORTAL_SECRETS_KEY: {private}")
        self.stdout.write(f"public, PORTAL_SEAL_KEY: {settings.PORTAL_SEAL_KEY}")

    def rotate_given(self) -> None:
        try:
            rotation = reseal_everything(Actor.process("rotate_keys"))
        except KeysDoNotFit as problem:
            raise CommandError(str(problem)) from None
        self.report(rotation)
        if not rotation.rows and not rotation.broken:
            self.stdout.write(TEAM_STEPS)

    def rotate_embedded(self, drop_old: bool) -> None:
        kept = list(settings.PORTAL_SECRETS_KEYS)
        if is_everything_current():  # else a former run was interrupted: its key is not used up yet
            kept = [fresh_private_key(), *kept]
            # The key is on the disk before the first secret is sealed with it.
            write_keys(kept)
        use(kept)
        rotation = reseal_everything(Actor.process("rotate_keys"))
        self.report(rotation)
        self.stdout.write(f"Current key: {name_of(kept[0])}, kept in {key_file()}")
        if drop_old:
            write_keys(kept[:1])
            self.stdout.write(f"Forgotten: {', '.join(name_of(key) for key in kept[1:])}")

    def report(self, rotation: Rotation) -> None:
        done = f"{rotation.fields} secrets of {rotation.rows} rows sealed anew"
        self.stdout.write(f"{done}, {rotation.current} were current, {len(rotation.broken)} rows do not open")
        for row in rotation.broken:
            self.stderr.write(f"does not open: {row}")
        if rotation.broken:
            raise CommandError(
                "Type the secrets of these connections again, or add the key that sealed them; then rerun"
            )


def keeps_its_own_keys() -> bool:
    given = ("PORTAL_SECRETS_KEY", "PORTAL_SECRETS_KEY_FILE", "PORTAL_SEAL_KEY", "PORTAL_SEAL_KEY_FILE")
    return settings.EMBEDDED and not any(os.environ.get(name) for name in given)


def key_file() -> Path:
    return Path(settings.DATA_DIR) / "keys" / "portal_secrets_key"


def write_keys(private_keys: list[str]) -> None:
    """Whole or not at all, readable by its owner alone."""
    fresh = key_file().with_name(".portal_secrets_key.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(",".join(private_keys))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(key_file())


@contextmanager
def portal_stopped() -> Iterator[None]:
    """A running portal knows only the former keys: it could no longer open what is sealed anew."""
    with (Path(settings.DATA_DIR) / "portal.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("The portal is running on this data directory: stop it first") from None
        yield
