"""promotions, and which of them an order got"""

from alembic import op

from shared import library_tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE promotions (
        code text PRIMARY KEY CHECK (code = upper(code) AND code <> ''),
        kind text NOT NULL CHECK (kind IN ('percentage', 'fixed', 'buy_x_get_y')),
        priority integer NOT NULL,
        exclusive boolean NOT NULL,
        skus text[] NOT NULL,
        rate_bp integer CHECK (rate_bp BETWEEN 1 AND 10000),
        amount_minor bigint CHECK (amount_minor > 0),
        buy_units integer CHECK (buy_units > 0),
        free_units integer CHECK (free_units > 0),
        currency char(3),
        minimum_minor bigint NOT NULL DEFAULT 0 CHECK (minimum_minor >= 0),
        valid_from timestamptz,
        valid_until timestamptz,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT promotion_kind CHECK (CASE kind
            WHEN 'percentage' THEN rate_bp IS NOT NULL AND num_nonnulls(amount_minor, buy_units, free_units) = 0
            WHEN 'fixed' THEN amount_minor IS NOT NULL AND num_nonnulls(rate_bp, buy_units, free_units) = 0
            ELSE num_nonnulls(buy_units, free_units) = 2 AND num_nonnulls(rate_bp, amount_minor) = 0 END),
        CONSTRAINT promotion_currency CHECK (
            currency IS NOT NULL OR (amount_minor IS NULL AND minimum_minor = 0))
    )
    """,
    "COMMENT ON COLUMN promotions.priority IS 'lower ones come first, then by code'",
    "COMMENT ON COLUMN promotions.exclusive IS 'shares no line with another promotion'",
    "COMMENT ON COLUMN promotions.skus IS 'the goods it reaches; empty for all'",
    """
    CREATE TABLE order_promotions (
        order_id uuid NOT NULL REFERENCES orders,
        code text NOT NULL REFERENCES promotions,
        PRIMARY KEY (order_id, code)
    )
    """,
    "COMMENT ON TABLE order_promotions IS 'which promotions took something off an order'",
    """
    CREATE VIEW audit.promotions AS
        SELECT code, kind, priority, exclusive, array_to_string(skus, ',') AS skus, rate_bp, amount_minor, buy_units,
               free_units, coalesce(currency, '') AS currency, minimum_minor, valid_from, valid_until, created_at
        FROM promotions
    """,
    "CREATE VIEW audit.order_promotions AS SELECT order_id, code FROM order_promotions",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
