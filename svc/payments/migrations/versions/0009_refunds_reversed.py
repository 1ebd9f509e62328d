"""a refund that was booked and never made is reversed in the ledger"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE ledger_entries
            DROP CONSTRAINT ledger_entries_kind_check,
            ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN (
                'capture', 'capture_duplicate', 'capture_reversed', 'refund', 'refund_duplicate', 'refund_reversed',
                'dispute_opened', 'dispute_won', 'dispute_lost'
            ))
        """
    )
    op.execute(
        "ALTER TABLE payments ADD COLUMN refund_reversed_minor bigint NOT NULL DEFAULT 0 "
        "CHECK (refund_reversed_minor >= 0)"
    )
    op.execute("COMMENT ON COLUMN payments.refund_reversed_minor IS 'refunds that were told and never were made'")
