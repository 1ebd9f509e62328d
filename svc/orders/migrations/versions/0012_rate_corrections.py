"""what orders should have cost that are at another rate than was promised"""

from alembic import op

from shared import library_tables

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE price_corrections
        ADD COLUMN unit_prices bigint[],
        ADD COLUMN rate_nano bigint CHECK (rate_nano > 0),
        ADD CONSTRAINT prices_at_a_rate CHECK ((unit_prices IS NULL) = (rate_nano IS NULL)),
        ADD CONSTRAINT price_of_each_line CHECK (cardinality(unit_prices) = cardinality(discounts))
    """,
    "COMMENT ON COLUMN price_corrections.unit_prices IS 'of the lines by their position, at the rate that was promised'",
    """
    CREATE OR REPLACE VIEW audit.price_corrections AS
        SELECT order_id, discount_minor, tax_minor, shipping_minor, total_minor, charged_minor, difference_minor,
               array_to_string(discounts, ',') AS discounts, array_to_string(taxes, ',') AS taxes, reason, actor,
               corrected_at, coalesce(array_to_string(unit_prices, ','), '') AS unit_prices, rate_nano
        FROM price_corrections
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
