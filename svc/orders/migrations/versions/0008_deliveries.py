"""shipping's quote that each order is placed at"""

from alembic import op

from shared import library_tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE order_deliveries (
        order_id uuid PRIMARY KEY REFERENCES orders,
        quote_id uuid NOT NULL,
        personal boolean NOT NULL,
        carrier text NOT NULL CHECK (carrier <> ''),
        deliver_by date NOT NULL,
        quoted_until timestamptz NOT NULL
    )
    """,
    "COMMENT ON TABLE order_deliveries IS 'the quote of shipping that an order is placed at; older orders have none'",
    "COMMENT ON COLUMN order_deliveries.personal IS 'shown to the customer, and for one order'",
    "CREATE UNIQUE INDEX one_order_per_shipping_quote ON order_deliveries (quote_id) WHERE personal",
    "CREATE VIEW audit.order_deliveries AS "
    "SELECT order_id, quote_id, personal, carrier, deliver_by, quoted_until FROM order_deliveries",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
