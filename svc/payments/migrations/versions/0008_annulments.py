"""payments for orders that never were, of events that should not have been read"""

from alembic import op

from shared import library_tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE annulments (
        payment_id uuid PRIMARY KEY REFERENCES payments,
        event_id uuid NOT NULL UNIQUE,
        decided_by text NOT NULL CHECK (decided_by <> ''),
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "COMMENT ON TABLE annulments IS 'payments that no order ever owed; event_id is what was misread as one'",
    """
    CREATE FUNCTION annulment_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a payment is annulled once';
    END $$
    """,
    "CREATE TRIGGER annulment_is_final BEFORE UPDATE OR DELETE ON annulments "
    "FOR EACH ROW EXECUTE FUNCTION annulment_is_final()",
    """
    CREATE VIEW audit.annulments AS
        SELECT a.payment_id, p.order_id, a.event_id, a.decided_by, a.created_at
        FROM annulments a JOIN payments p ON p.id = a.payment_id
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
