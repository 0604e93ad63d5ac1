"""Installation: where this database lives, so that a copy of it knows that it is one."""

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Self

from django.db import connection, models, transaction
from django.db.utils import IntegrityError

MARKER = "installation"


class Installation(models.Model):
    """One row. `place` and `address` are those where somebody last said that this database may act."""

    place = models.CharField(max_length=120)
    address = models.CharField(max_length=200, blank=True)  # PORTAL_URL; "" embedded, whose port may change
    safe_since = models.DateTimeField(null=True)
    safe_why = models.CharField(max_length=500, blank=True)
    rollups_at = models.DateTimeField(null=True)  # all profit rollups were last held against the trades

    def __str__(self) -> str:
        return f"installation at {self.place}"

    @classmethod
    def known(cls, address: str) -> Self:
        """The row; a new installation is at home where it is first asked."""
        found = cls.objects.filter(pk=1).first()
        if found is not None:
            return found
        try:
            with transaction.atomic():
                return cls.objects.create(pk=1, place=place_of_database(), address=address)
        except IntegrityError:  # another process was first
            return cls.objects.get(pk=1)


def place_of_database() -> str:
    """Other for every copy of the database that was dumped and restored; the same across restarts and moved files."""
    return postgresql_place() if connection.vendor == "postgresql" else sqlite_place(marker())


def postgresql_place() -> str:
    """The cluster's own number, the database's and the table's: a restore makes at least one of them anew."""
    cluster = "(SELECT system_identifier FROM pg_control_system())" if tells_its_cluster() else "0"
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {cluster}, {here}, %s::regclass::oid", [Installation._meta.db_table])
        return "postgresql " + "/".join(map(str, cursor.fetchone()))


@cache
def tells_its_cluster() -> bool:
    """Some hosted PostgreSQL keep it to themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
        return bool(cursor.fetchone()[0])


def marker() -> Path:
    return Path(str(connection.settings_dict["NAME"])).with_name(MARKER)


def sqlite_place(marker: Path) -> str:
    """By a file beside the database: restored from a backup it has another inode, or at least another time of change,
    which no program can set."""
    with suppress(FileExistsError):
        os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    seen = marker.stat()
    return f"sqlite {seen.st_ino}/{seen.st_ctime_ns}"
