"""event store by day, more figures"""

from alembic import op

from shared import library_tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EVENTS = (
    "ALTER TABLE events RENAME TO events_0001",
    "CREATE SEQUENCE events_position",
    """
    CREATE TABLE events (
        position bigint NOT NULL DEFAULT nextval('events_position'),
        id uuid NOT NULL,
        type text NOT NULL,
        version integer NOT NULL,
        aggregate_id text NOT NULL,
        aggregate_version bigint NOT NULL,
        occurred_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        data jsonb NOT NULL,
        CONSTRAINT events_key PRIMARY KEY (occurred_at, id)
    ) PARTITION BY RANGE (occurred_at)
    """,
    "CREATE INDEX events_in_order ON events (position)",
    "CREATE TABLE events_early PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2020-01-01 00:00:00+00')",
    "CREATE TABLE events_far PARTITION OF events FOR VALUES FROM ('2100-01-01 00:00:00+00') TO (MAXVALUE)",
    """
    DO $$
    DECLARE the_day date;
    BEGIN
        FOR the_day IN SELECT DISTINCT (occurred_at AT TIME ZONE 'UTC')::date FROM events_0001
            WHERE occurred_at >= '2020-01-01 00:00:00+00' AND occurred_at < '2100-01-01 00:00:00+00'
        LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
                'events_' || to_char(the_day, 'YYYYMMDD'), the_day || ' 00:00:00+00', (the_day + 1) || ' 00:00:00+00');
        END LOOP;
    END $$
    """,
    """
    CREATE TABLE unprojected (
        position bigint PRIMARY KEY,
        occurred_at timestamptz NOT NULL,
        since timestamptz NOT NULL DEFAULT clock_timestamp(),
        refused text
    )
    """,
    "COMMENT ON TABLE unprojected IS 'events that the figures do not hold'",
    "COMMENT ON COLUMN unprojected.refused IS 'why they leave it out; the next rebuild tries it again'",
    "CREATE INDEX unprojected_waiting ON unprojected (position) WHERE refused IS NULL",
    "INSERT INTO events (position, id, type, version, aggregate_id, aggregate_version, occurred_at, received_at, data) "
    "SELECT position, id, type, version, aggregate_id, aggregate_version, occurred_at, received_at, data "
    "FROM events_0001",
    "INSERT INTO unprojected (position, occurred_at, since, refused) "
    "SELECT position, occurred_at, received_at, refused FROM events_0001 WHERE NOT projected OR refused IS NOT NULL",
    "SELECT setval('events_position', (SELECT COALESCE(max(position), 0) + 1 FROM events), false)",
    "DROP VIEW audit.projection_backlog",
    "DROP TABLE events_0001",
    """
    CREATE OR REPLACE FUNCTION events_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'events are append-only';
    END $$
    """,
    "CREATE TRIGGER events_are_final BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_are_final()",
    "CREATE VIEW audit.projection_backlog AS SELECT count(*) AS events FROM unprojected WHERE refused IS NULL",
)
GENERATIONS = (
    """
    ALTER TABLE generations
        ADD COLUMN based boolean NOT NULL DEFAULT false,
        ADD COLUMN pruning date,
        ADD COLUMN pruned_to bigint NOT NULL DEFAULT 0,
        ADD COLUMN counted_at timestamptz
    """,
    "COMMENT ON COLUMN generations.counted_at IS 'the newest event in the current figures'",
    "UPDATE generations SET counted_at = (SELECT max(occurred_at) FROM events)",
    # what the new figures say of the events there are, a rebuild finds out
    "UPDATE generations SET building = GREATEST(building, current) + 1, built_to = 0 WHERE EXISTS (SELECT FROM events)",
)
FIGURES = (
    """
    ALTER TABLE order_facts
        ADD COLUMN version bigint NOT NULL DEFAULT 0,
        ADD COLUMN country text
    """,
    "ALTER TABLE revenue_daily ADD COLUMN late_events bigint NOT NULL DEFAULT 0",
    "CREATE INDEX order_facts_placed ON order_facts (generation, placed_at)",
    """
    CREATE TABLE order_journeys (
        generation bigint NOT NULL,
        order_id uuid NOT NULL,
        began_at timestamptz NOT NULL,
        reached integer NOT NULL,
        PRIMARY KEY (generation, order_id)
    )
    """,
    "CREATE INDEX order_journeys_began ON order_journeys (generation, began_at)",
    """
    CREATE TABLE product_daily (
        generation bigint NOT NULL,
        day date NOT NULL,
        currency text NOT NULL,
        sku text NOT NULL,
        product_id uuid NOT NULL,
        orders bigint NOT NULL,
        units bigint NOT NULL,
        revenue_minor bigint NOT NULL,
        PRIMARY KEY (generation, day, currency, sku)
    )
    """,
    """
    CREATE TABLE product_titles (
        generation bigint NOT NULL,
        product_id uuid NOT NULL,
        title text NOT NULL,
        category text NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (generation, product_id)
    )
    """,
    """
    CREATE TABLE refunds_daily (
        generation bigint NOT NULL,
        day date NOT NULL,
        currency text NOT NULL,
        reason text NOT NULL,
        refunds bigint NOT NULL,
        refunded_minor bigint NOT NULL,
        failed bigint NOT NULL,
        PRIMARY KEY (generation, day, currency, reason)
    )
    """,
    """
    CREATE TABLE stock_daily (
        generation bigint NOT NULL,
        day date NOT NULL,
        sku text NOT NULL,
        warehouse text NOT NULL,
        received bigint NOT NULL,
        sold bigint NOT NULL,
        returned bigint NOT NULL,
        PRIMARY KEY (generation, day, sku, warehouse)
    )
    """,
    "CREATE INDEX stock_daily_sku ON stock_daily (generation, sku, day)",
    """
    CREATE TABLE customer_months (
        generation bigint NOT NULL,
        customer_id uuid NOT NULL,
        month date NOT NULL CHECK (EXTRACT(day FROM month) = 1),
        currency text NOT NULL,
        orders bigint NOT NULL,
        paid_minor bigint NOT NULL,
        PRIMARY KEY (generation, customer_id, month, currency)
    )
    """,
    """
    CREATE TABLE activity_minutes (
        generation bigint NOT NULL,
        minute timestamptz NOT NULL,
        type text NOT NULL,
        currency text NOT NULL,
        events bigint NOT NULL,
        amount_minor bigint NOT NULL,
        PRIMARY KEY (generation, minute, type, currency)
    )
    """,
    """
    CREATE OR REPLACE VIEW order_statuses AS
        SELECT order_id,
               (ARRAY['unknown', 'placed', 'paid', 'shipped', 'completed', 'refunded', 'cancelled'])[rank + 1]
                   AS status,
               total_minor, currency, paid_minor, refunded_minor, placed_at, country
        FROM order_facts WHERE generation = (SELECT current FROM generations)
    """,
    """
    CREATE OR REPLACE VIEW revenue_shown AS
        SELECT day, currency, orders, paid_minor, refunded_minor, late_events
        FROM revenue_daily WHERE generation = (SELECT current FROM generations)
    """,
    """
    CREATE VIEW journeys_shown AS
        SELECT order_id, began_at, reached
        FROM order_journeys WHERE generation = (SELECT current FROM generations)
    """,
    """
    CREATE VIEW products_shown AS
        SELECT day, currency, sku, sold.product_id, COALESCE(title, sku) AS title, COALESCE(category, '') AS category,
               orders, units, revenue_minor
        FROM product_daily AS sold LEFT JOIN product_titles AS named USING (generation, product_id)
        WHERE generation = (SELECT current FROM generations)
    """,
    """
    CREATE VIEW refunds_shown AS
        SELECT day, currency, reason, refunds, refunded_minor, failed
        FROM refunds_daily WHERE generation = (SELECT current FROM generations)
    """,
    """
    CREATE VIEW stock_shown AS
        SELECT day, sku, warehouse, received, sold, returned
        FROM stock_daily WHERE generation = (SELECT current FROM generations)
    """,
    """
    CREATE VIEW customers_shown AS
        SELECT customer_id, month, currency, orders, paid_minor
        FROM customer_months WHERE generation = (SELECT current FROM generations)
    """,
    """
    CREATE VIEW activity_shown AS
        SELECT minute, type, currency, events, amount_minor
        FROM activity_minutes
        WHERE generation = (SELECT current FROM generations) AND minute > clock_timestamp() - interval '1 day'
    """,
)


def upgrade() -> None:
    for statement in (*EVENTS, *GENERATIONS, *FIGURES):
        op.execute(statement)
    library_tables.grant_audit(op.execute)
