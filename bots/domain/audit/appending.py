"""The only writer of AuditEntry."""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import CharField
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from accounts.announcements import NotRecorded
from bots.domain.audit.anchor import anchor_head
from bots.domain.audit.chain import BEGINNING, current_key_id, digest_of
from bots.domain.audit.entry import Act, checked_details, storable
from bots.models import AuditEntry

CHAIN_LOCK = 7_205_759_403_792_793_601  # any number that nothing else in this database locks
LOCK_TIMEOUT = "5s"
LONGEST = {field.name: field.max_length or 0 for field in AuditEntry._meta.fields if isinstance(field, CharField)}


class AuditUnavailable(NotRecorded):
    """The row could not be written, so the act may not happen. Reading goes on; entrances answer 503."""


def append(act: Act) -> AuditEntry:
    """Write the act as the LAST statement of its transaction.

    From here to the commit everybody else who acts is waiting for the chain, and whoever still wanted a row lock after
    it could wait in a circle. Raises AuditUnavailable (the transaction is then rolled back), SecretInAudit, and
    TransactionManagementError outside a transaction: the row must fall and stand with what it tells of.
    """
    (entry,) = append_together([act])
    return entry


def append_together(acts: Sequence[Act]) -> list[AuditEntry]:
    """As append, for many acts of one transaction: the chain is held for a few statements, however many they are."""
    rows = [row_of(act) for act in acts]
    require_transaction()
    try:
        entries = chained(rows)
    except DatabaseError as error:
        transaction.set_rollback(True)
        raise AuditUnavailable("The audit cannot be written, so nothing was done. Try again.") from error
    if settings.EMBEDDED:
        transaction.on_commit(anchor_head, robust=True)
    return entries


def row_of(act: Act) -> dict[str, object]:
    row = {**texts_of(act), "details": checked_details(act.details)}
    return row | {"actor_id": act.actor.id, "team_id": act.team_id, "bot_id": act.bot_id}


def texts_of(act: Act) -> dict[str, object]:
    actor = act.actor
    told = {"actor": actor.name, "role": actor.role, "address": actor.address, "client": actor.client}
    told |= {"session": actor.session, "action": act.action, "team": act.team, "bot": act.bot, "subject": act.subject}
    return {name: storable(text, LONGEST[name]) for name, text in told.items()}


def require_transaction() -> None:
    if not connection.in_atomic_block:
        raise TransactionManagementError("An audit row is written inside the transaction of the act it tells of")
    if connection.vendor == "sqlite" and getattr(connection, "transaction_mode", None) != "IMMEDIATE":
        raise TransactionManagementError("On SQLite the audit needs IMMEDIATE transactions, else its chain forks")


def chained(rows: Iterable[dict[str, object]]) -> list[AuditEntry]:
    lock_chain()
    last = AuditEntry.objects.order_by("-id").values_list("id", "digest").first()
    # Our own numbering, under the lock: no gaps, whatever was rolled back.
    last_number, previous = last or (0, BEGINNING)
    entries = []
    for number, row in enumerate(rows, last_number + 1):
        signed = row | {"at": timezone.now(), "key_id": current_key_id(), "previous": previous}
        previous = digest_of(signed)
        entries.append(AuditEntry(id=number, digest=previous, **signed))
    return AuditEntry.objects.bulk_create(entries)


def lock_chain() -> None:
    """SQLite: BEGIN IMMEDIATE holds the only write lock already."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
