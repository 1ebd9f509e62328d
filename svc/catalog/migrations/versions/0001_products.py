"""categories, products, variants, prices"""

from alembic import op

from shared import library_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE categories (
        path text PRIMARY KEY
            CHECK (path ~ '^[a-z0-9]+(-[a-z0-9]+)*(/[a-z0-9]+(-[a-z0-9]+)*){0,5}$' AND length(path) <= 200),
        parent_path text REFERENCES categories (path) ON UPDATE CASCADE,
        name text NOT NULL CHECK (name <> ''),
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT path_begins_with_parent CHECK (
            CASE WHEN parent_path IS NULL THEN strpos(path, '/') = 0
                 ELSE regexp_replace(path, '/[^/]+$', '') = parent_path END
        )
    )
    """,
    "CREATE INDEX categories_parent ON categories (parent_path)",
    """
    CREATE TABLE products (
        id uuid PRIMARY KEY,
        slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 120),
        title text NOT NULL CHECK (title <> ''),
        description text NOT NULL DEFAULT '',
        category text NOT NULL REFERENCES categories (path) ON UPDATE CASCADE,
        status text NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
        tax_class text NOT NULL DEFAULT 'standard' CHECK (tax_class IN ('standard', 'reduced', 'zero')),
        taxed_since timestamptz NOT NULL DEFAULT clock_timestamp(),
        seller_id text,
        approved boolean NOT NULL DEFAULT false,
        is_featured boolean NOT NULL DEFAULT false,
        cost_minor bigint CHECK (cost_minor >= 0),
        version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
        fingerprint bytea,
        deleted_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        visible boolean NOT NULL GENERATED ALWAYS AS (status = 'active' AND approved AND deleted_at IS NULL) STORED
    )
    """,
    """
    CREATE FUNCTION remember_tax_class() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.taxed_since := clock_timestamp();
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER product_taxed BEFORE UPDATE ON products FOR EACH ROW "
    "WHEN (OLD.tax_class <> NEW.tax_class) EXECUTE FUNCTION remember_tax_class()",
    "COMMENT ON COLUMN products.taxed_since IS 'when the tax class became what it is. Written by a trigger'",
    "CREATE INDEX products_visible ON products (id) WHERE visible",
    "CREATE INDEX products_category ON products (category, id) WHERE visible",
    "CREATE INDEX products_status ON products (status, id) WHERE deleted_at IS NULL",
    "CREATE INDEX products_seller ON products (seller_id, id) WHERE seller_id IS NOT NULL",
    """
    CREATE TABLE variants (
        sku text PRIMARY KEY CHECK (sku ~ '^[A-Za-z0-9._-]{1,64}$'),
        product_id uuid NOT NULL REFERENCES products,
        position integer NOT NULL DEFAULT 0 CHECK (position >= 0),
        options jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(options) = 'object'),
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        price_minor bigint NOT NULL CHECK (price_minor >= 0)
    )
    """,
    "CREATE INDEX variants_product ON variants (product_id, position, sku)",
    """
    CREATE TABLE variant_prices (
        sku text NOT NULL REFERENCES variants ON DELETE CASCADE,
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        price_minor bigint NOT NULL CHECK (price_minor >= 0),
        PRIMARY KEY (sku, currency)
    )
    """,
    """
    CREATE TABLE price_history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        sku text NOT NULL,
        currency char(3) NOT NULL,
        price_minor bigint CHECK (price_minor >= 0),
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "COMMENT ON TABLE price_history IS 'every price and since when; null: from then on there is none. Written by triggers'",
    "CREATE INDEX price_history_of ON price_history (sku, currency, id)",
    """
    CREATE FUNCTION remember_price() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR OLD.currency <> NEW.currency) THEN
            INSERT INTO price_history (sku, currency) VALUES (OLD.sku, OLD.currency);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            INSERT INTO price_history (sku, currency, price_minor) VALUES (NEW.sku, NEW.currency, NEW.price_minor);
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER variant_priced AFTER INSERT OR DELETE ON variants FOR EACH ROW EXECUTE FUNCTION remember_price()",
    "CREATE TRIGGER variant_repriced AFTER UPDATE ON variants FOR EACH ROW "
    "WHEN ((OLD.currency, OLD.price_minor) IS DISTINCT FROM (NEW.currency, NEW.price_minor)) "
    "EXECUTE FUNCTION remember_price()",
    "CREATE TRIGGER price_changes AFTER INSERT OR UPDATE OR DELETE ON variant_prices FOR EACH ROW "
    "EXECUTE FUNCTION remember_price()",
    "COMMENT ON TABLE variant_prices IS 'prices in currencies other than the home currency of the variant'",
    "COMMENT ON COLUMN products.version IS 'published changes of this product, counted from 1 without gaps; the ETag'",
    "COMMENT ON COLUMN products.fingerprint IS 'content of the last import; the same content again changes nothing, so that edits survive it'",
    "CREATE VIEW audit.products AS SELECT id, slug, CASE WHEN deleted_at IS NULL THEN status ELSE 'deleted' END "
    "AS status, version, visible FROM products",
    "CREATE VIEW audit.variants AS SELECT v.sku, v.product_id, v.price_minor, v.currency, p.tax_class, p.taxed_since "
    "FROM variants AS v JOIN products AS p ON p.id = v.product_id",
    "COMMENT ON COLUMN audit.variants.price_minor IS 'minor units of currency, before tax'",
    """
    CREATE VIEW audit.prices AS
        SELECT sku, currency, price_minor, at AS valid_from, until AS valid_until
        FROM (SELECT *, lead(at) OVER (PARTITION BY sku, currency ORDER BY id) AS until FROM price_history) AS spans
        WHERE price_minor IS NOT NULL
    """,
    "COMMENT ON COLUMN audit.prices.valid_until IS 'null for the price in force'",
    "COMMENT ON COLUMN audit.products.visible IS 'active, approved and not deleted: what customers and the index see'",
)


def upgrade() -> None:
    library_tables.create_v1(op.execute)
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
