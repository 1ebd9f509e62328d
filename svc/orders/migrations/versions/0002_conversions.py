"""the quote that a converted order is pinned to"""

from alembic import op

from shared import library_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE order_conversions (
        order_id uuid PRIMARY KEY REFERENCES orders,
        quote_id uuid NOT NULL CONSTRAINT one_order_per_quote UNIQUE,
        priced_in char(3) NOT NULL,
        rate_nano bigint NOT NULL CHECK (rate_nano > 0),
        expires_at timestamptz NOT NULL
    )
    """,
    "COMMENT ON TABLE order_conversions IS 'orders in another currency than the catalog prices their goods in'",
    "COMMENT ON COLUMN order_conversions.rate_nano IS "
    "'billionths of one unit of the currency of the order for one of priced_in, as the quote said'",
    "COMMENT ON COLUMN order_conversions.expires_at IS 'until when the quote could be ordered at'",
    "CREATE VIEW audit.order_conversions AS "
    "SELECT order_id, quote_id, priced_in, rate_nano, expires_at FROM order_conversions",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
