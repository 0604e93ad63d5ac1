"""libpq waits for ever for an answer: a server that hangs (a black-holed network, a stopped machine) would hold every
request and every poll for as long as it hangs. Here a silence ends with OperationalError and a closed connection.

The limits are OPTIONS["patience"] (seconds; 0: none) and, between two requests, that of the look whether the connection
still works.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

LOOK_SECONDS = 2.0


class PatientConnection(psycopg.Connection[Any]):
    patience: float | None = None  # seconds

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Raises psycopg.OperationalError when the server stays silent; the connection is then closed."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            # Its answer may still come, and must not be taken for that to another question.
            self.pgconn.finish()
            raise psycopg.OperationalError("the database did not answer in time") from None


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        self.patience = params.pop("patience") or None
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> PatientConnection:
        self.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        connection = PatientConnection.connect(**conn_params)
        connection.patience = self.patience
        return connection

    def is_usable(self) -> bool:
        with self.waiting_at_most(LOOK_SECONDS):
            return bool(super().is_usable())

    @contextmanager
    def waiting_at_most(self, seconds: float) -> Iterator[None]:
        connection = self.connection
        if connection is None:
            yield
            return
        connection.patience = min(seconds, self.patience or seconds)
        try:
            yield
        finally:
            connection.patience = self.patience
