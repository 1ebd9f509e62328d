"""attributes, media, related products, prices for a while, category moves"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE products
        ADD COLUMN attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
        ADD COLUMN media jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(media) = 'array'),
        ADD COLUMN related uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(related) <= 20 AND id <> ALL (related)),
        ADD COLUMN moved boolean NOT NULL DEFAULT false
    """,
    "COMMENT ON COLUMN products.moved IS 'its category was moved and nobody has told the world yet'",
    "CREATE INDEX products_moved ON products (id) WHERE moved",
    "CREATE INDEX products_path ON products (category text_pattern_ops)",
    # a range of one text stands for equality, so that the constraint below needs no extension
    'CREATE TYPE text_range AS RANGE (subtype = text, collation = "C")',
    """
    CREATE TABLE price_windows (
        id uuid PRIMARY KEY,
        sku text NOT NULL,
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        price_minor bigint NOT NULL CHECK (price_minor >= 0),
        valid tstzrange NOT NULL CHECK (
            NOT isempty(valid) AND lower_inc(valid) AND NOT upper_inc(valid)
            AND NOT lower_inf(valid) AND NOT upper_inf(valid)
        ),
        state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'begun', 'ended')),
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT one_price_at_a_time EXCLUDE USING gist (
            text_range(sku || ' ' || currency, sku || ' ' || currency, '[]') WITH &&, valid WITH &&
        )
    )
    """,
    "COMMENT ON COLUMN price_windows.state IS 'whether its begin and its end were told to the world; the price itself goes by the time alone'",
    "CREATE INDEX price_windows_of ON price_windows (sku, currency)",
    "CREATE INDEX price_windows_begin ON price_windows (lower(valid)) WHERE state = 'waiting'",
    "CREATE INDEX price_windows_end ON price_windows (upper(valid)) WHERE state = 'begun'",
    """
    CREATE FUNCTION end_price_windows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM price_windows WHERE sku = OLD.sku AND lower(valid) >= clock_timestamp();
        UPDATE price_windows SET state = 'ended', valid = tstzrange(lower(valid), clock_timestamp())
        WHERE sku = OLD.sku AND upper(valid) > clock_timestamp();
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER variant_gone AFTER DELETE ON variants FOR EACH ROW EXECUTE FUNCTION end_price_windows()",
    """
    CREATE OR REPLACE VIEW audit.prices AS
        WITH base AS (
            SELECT sku, currency, price_minor, at AS begun, until
            FROM (SELECT *, lead(at) OVER (PARTITION BY sku, currency ORDER BY id) AS until FROM price_history) AS spans
            WHERE price_minor IS NOT NULL
        ), taken AS (
            SELECT sku, currency, range_agg(valid) AS valid FROM price_windows
            WHERE lower(valid) <= clock_timestamp() GROUP BY sku, currency
        ), spans AS (
            SELECT sku, currency, price_minor, unnest(
                tstzmultirange(tstzrange(begun, CASE WHEN until IS NOT NULL THEN greatest(begun, until) END)) - coalesce(taken.valid, '{}')
            ) AS valid
            FROM base LEFT JOIN taken USING (sku, currency)
            UNION ALL
            SELECT sku, currency, price_minor, valid FROM price_windows WHERE lower(valid) <= clock_timestamp()
        )
        SELECT sku, currency, price_minor, lower(valid) AS valid_from, upper(valid) AS valid_until FROM spans
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
