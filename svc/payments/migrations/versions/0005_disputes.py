"""disputes, and where the ledger keeps what the PSP withholds"""

from alembic import op

from shared import library_tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE disputes (
        id uuid PRIMARY KEY,
        psp_dispute_id text NOT NULL UNIQUE,
        payment_id uuid NOT NULL REFERENCES payments,
        psp_payment_id text NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        currency char(3) NOT NULL,
        reason text NOT NULL,
        status text NOT NULL DEFAULT 'opened' CHECK (status IN ('opened', 'won', 'lost')),
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        closed_at timestamptz,
        CONSTRAINT closed_when_decided CHECK ((status = 'opened') = (closed_at IS NULL))
    )
    """,
    "CREATE INDEX disputes_payment ON disputes (payment_id)",
    "ALTER TABLE payments ADD COLUMN disputed_minor bigint NOT NULL DEFAULT 0 CHECK (disputed_minor >= 0)",
    "COMMENT ON COLUMN payments.disputed_minor IS 'what the PSP withholds for disputes that are open or lost'",
    """
    ALTER TABLE ledger_entries
        DROP CONSTRAINT ledger_entries_account_check,
        ADD CONSTRAINT ledger_entries_account_check
            CHECK (account IN ('psp_receivable', 'sales', 'disputed', 'chargebacks')),
        DROP CONSTRAINT ledger_entries_kind_check,
        ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN (
            'capture', 'capture_duplicate', 'refund', 'refund_duplicate',
            'dispute_opened', 'dispute_won', 'dispute_lost'
        ))
    """,
    """
    CREATE VIEW audit.disputes AS
        SELECT d.id, d.psp_dispute_id, d.payment_id, p.order_id, d.amount_minor, d.currency, d.status, d.created_at,
               d.closed_at
        FROM disputes d JOIN payments p ON p.id = d.payment_id
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
