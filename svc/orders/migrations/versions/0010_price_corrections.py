"""what orders should have cost that were priced otherwise"""

from alembic import op

from shared import library_tables

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE price_corrections (
        order_id uuid PRIMARY KEY REFERENCES orders,
        currency char(3) NOT NULL,
        discount_minor bigint NOT NULL CHECK (discount_minor >= 0),
        tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
        shipping_minor bigint NOT NULL CHECK (shipping_minor >= 0),
        total_minor bigint NOT NULL CHECK (total_minor >= 0),
        charged_minor bigint NOT NULL CHECK (charged_minor >= 0),
        difference_minor bigint NOT NULL GENERATED ALWAYS AS (charged_minor - total_minor) STORED,
        discounts bigint[] NOT NULL CHECK (cardinality(discounts) > 0),
        taxes bigint[] NOT NULL CHECK (cardinality(taxes) = cardinality(discounts)),
        reason text NOT NULL CHECK (reason <> ''),
        actor text NOT NULL,
        corrected_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "COMMENT ON TABLE price_corrections IS 'what orders should have cost; the orders stay as their customers were told'",
    "COMMENT ON COLUMN price_corrections.charged_minor IS 'the total that the order says'",
    "COMMENT ON COLUMN price_corrections.difference_minor IS 'charged too much; negative for too little, which is waived'",
    "COMMENT ON COLUMN price_corrections.discounts IS 'shares of the lines by their position; so are taxes'",
    """
    CREATE FUNCTION price_correction_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a price is corrected once';
    END $$
    """,
    "CREATE TRIGGER price_correction_is_final BEFORE UPDATE OR DELETE ON price_corrections "
    "FOR EACH ROW EXECUTE FUNCTION price_correction_is_final()",
    """
    CREATE VIEW audit.price_corrections AS
        SELECT order_id, discount_minor, tax_minor, shipping_minor, total_minor, charged_minor, difference_minor,
               array_to_string(discounts, ',') AS discounts, array_to_string(taxes, ',') AS taxes, reason, actor,
               corrected_at
        FROM price_corrections
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
