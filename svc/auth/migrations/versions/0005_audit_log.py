"""the audit log is read by people, newest first, and cannot be emptied either"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX security_events_kind ON security_events (kind, id)")
    op.execute("DROP INDEX security_events_subject")
    op.execute("CREATE INDEX security_events_subject ON security_events (subject, id)")
    op.execute(
        "CREATE TRIGGER security_events_are_kept BEFORE TRUNCATE ON security_events "
        "FOR EACH STATEMENT EXECUTE FUNCTION security_events_are_final()"
    )
