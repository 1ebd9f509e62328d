"""a capture that was booked and never made is reversed in the ledger"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE ledger_entries
            DROP CONSTRAINT ledger_entries_kind_check,
            ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN (
                'capture', 'capture_duplicate', 'capture_reversed', 'refund', 'refund_duplicate',
                'dispute_opened', 'dispute_won', 'dispute_lost'
            ))
        """
    )
    op.execute("CREATE INDEX extra_captures_payment ON extra_captures (payment_id)")
