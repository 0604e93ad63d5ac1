"""What goes wrong around commands: an audit that takes no rows."""

from django.db import connection


class unwritable_audit:
    """No row can be added to the audit while this lasts."""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            for statement in REFUSING[connection.vendor]:
                cursor.execute(statement)

    def __exit__(self, *exc: object) -> None:
        with connection.cursor() as cursor:
            for statement in RELENTING[connection.vendor]:
                cursor.execute(statement)


REFUSING = {
    "sqlite": [
        "CREATE TRIGGER refuse_audit BEFORE INSERT ON bots_auditentry BEGIN SELECT RAISE(ABORT, 'read-only'); END"
    ],
    "postgresql": [
        "CREATE FUNCTION refuse_audit() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'read-only'; END $$",
        "CREATE TRIGGER refuse_audit BEFORE INSERT ON bots_auditentry EXECUTE FUNCTION refuse_audit()",
    ],
}
RELENTING = {
    "sqlite": ["DROP TRIGGER refuse_audit"],
    "postgresql": ["DROP TRIGGER refuse_audit ON bots_auditentry", "DROP FUNCTION refuse_audit"],
}
