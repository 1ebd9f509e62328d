"""goods that came back, and what they were worth"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE order_lines ADD COLUMN returned integer NOT NULL DEFAULT 0",
    "ALTER TABLE order_lines ADD CONSTRAINT returned_were_sold CHECK (returned BETWEEN 0 AND quantity)",
    "COMMENT ON COLUMN order_lines.returned IS 'units that came back'",
    """
    CREATE TABLE order_returns (
        return_id uuid PRIMARY KEY,
        order_id uuid NOT NULL REFERENCES orders,
        amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
        received_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "COMMENT ON TABLE order_returns IS 'parcels that brought goods of an order back, each counted once'",
    "COMMENT ON COLUMN order_returns.amount_minor IS 'what was paid for what came back with it'",
    "CREATE INDEX order_returns_of ON order_returns (order_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
