"""what was paid back beyond what was captured is owed by the customer"""

from alembic import op

from shared import library_tables

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE ledger_entries
        DROP CONSTRAINT ledger_entries_account_check,
        ADD CONSTRAINT ledger_entries_account_check
            CHECK (account IN ('psp_receivable', 'sales', 'disputed', 'chargebacks', 'customer_receivable')),
        DROP CONSTRAINT ledger_entries_kind_check,
        ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN (
            'capture', 'capture_duplicate', 'capture_reversed', 'refund', 'refund_duplicate', 'refund_reversed',
            'refund_excess', 'dispute_opened', 'dispute_won', 'dispute_lost'
        ))
    """,
    "ALTER TABLE payments ADD COLUMN overpaid_minor bigint NOT NULL DEFAULT 0 CHECK (overpaid_minor >= 0)",
    "COMMENT ON COLUMN payments.overpaid_minor IS 'refunds that went out beyond the capture; the customer owes them'",
    """
    CREATE OR REPLACE VIEW audit.payments AS
        SELECT id, order_id, customer_id, status, amount_minor, currency,
               captured_minor + extra_captured_minor AS captured_minor, refunded_minor, psp_payment_id, created_at,
               updated_at, overpaid_minor
        FROM payments
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
