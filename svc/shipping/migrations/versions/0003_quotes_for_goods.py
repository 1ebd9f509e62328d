"""quotes name the goods they were packed for, and serve a checkout that tells so itself"""

from alembic import op

from shared import library_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE quotes
        ALTER COLUMN customer_id DROP NOT NULL,
        ALTER COLUMN postal_code DROP NOT NULL,
        ADD COLUMN goods jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN loads jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN subtotal_minor bigint,
        ADD COLUMN created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        DROP CONSTRAINT used_in_time,
        ADD CONSTRAINT used_once CHECK ((used_by IS NULL) = (used_at IS NULL)),
        ADD CONSTRAINT used_by_its_customer CHECK (used_by IS NULL OR customer_id IS NOT NULL)
    """,
    "COMMENT ON COLUMN quotes.customer_id IS 'whose one order it serves; without, every order of such goods in time'",
    "COMMENT ON COLUMN quotes.goods IS 'what was packed: SKU and quantity'",
    "COMMENT ON COLUMN quotes.loads IS 'the boxes that were priced: weight_g and volume_mm3 of each'",
    "COMMENT ON COLUMN quotes.used_at IS 'when its order was heard of; the order itself kept to the time'",
    """
    CREATE FUNCTION quotes_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (to_jsonb(NEW) - '{used_by,used_at,postal_code}'::text[])
            <> (to_jsonb(OLD) - '{used_by,used_at,postal_code}'::text[]) THEN
            RAISE EXCEPTION 'a quote does not change' USING ERRCODE = 'check_violation', CONSTRAINT = 'quotes_stay';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER quotes_stay BEFORE UPDATE ON quotes FOR EACH ROW EXECUTE FUNCTION quotes_stay()",
    """
    CREATE VIEW audit.shipping_quotes AS
        SELECT id, coalesce(customer_id::text, '') AS customer_id, country, method, carrier, currency, amount_minor,
               subtotal_minor, expires_at, created_at,
               (SELECT coalesce(string_agg(concat(one ->> 'sku', ':', one ->> 'quantity'), ',' ORDER BY one ->> 'sku'),
                                '')
                FROM jsonb_array_elements(goods) AS one) AS goods,
               (SELECT coalesce(string_agg(concat(one ->> 'weight_g', ':', one ->> 'volume_mm3'), ','), '')
                FROM jsonb_array_elements(loads) AS one) AS loads
        FROM quotes
    """,
    """
    CREATE OR REPLACE VIEW audit.shipping_rates AS
        SELECT coalesce(c.country, '') AS country, r.method, r.currency, r.weight_g_max, r.amount_minor,
               r.free_from_minor, r.updated_at, r.carrier, p.cm3_per_kg
        FROM shipping_rates r LEFT JOIN zone_countries c ON c.zone = r.zone JOIN carriers p ON p.code = r.carrier
    """,
    "CREATE VIEW audit.item_measures AS SELECT sku, weight_g, updated_at FROM item_measures",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
