"""event store and projections"""

from alembic import op

from shared import library_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE events (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id uuid NOT NULL UNIQUE,
        type text NOT NULL,
        version integer NOT NULL,
        aggregate_id text NOT NULL,
        aggregate_version bigint NOT NULL,
        occurred_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        data jsonb NOT NULL,
        projected boolean NOT NULL DEFAULT false,
        refused text
    )
    """,
    "COMMENT ON COLUMN events.refused IS 'why the projections leave it out; the next rebuild tries it again'",
    "CREATE INDEX events_unprojected ON events (position) WHERE NOT projected AND refused IS NULL",
    "CREATE INDEX events_refused ON events (position) WHERE refused IS NOT NULL",
    "CREATE INDEX events_occurred ON events (occurred_at)",
    """
    CREATE FUNCTION events_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' OR (to_jsonb(NEW) - 'projected') <> (to_jsonb(OLD) - 'projected') THEN
            RAISE EXCEPTION 'events are append-only';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER events_are_final BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_are_final()",
    "CREATE TRIGGER events_keep_data BEFORE UPDATE OF id, type, version, aggregate_id, aggregate_version, "
    "occurred_at, data ON events FOR EACH ROW EXECUTE FUNCTION events_are_final()",
    """
    CREATE TABLE generations (
        singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
        current bigint NOT NULL DEFAULT 1,
        building bigint CHECK (building > current),
        built_to bigint NOT NULL DEFAULT 0,
        oldest bigint NOT NULL DEFAULT 1 CHECK (oldest <= current)
    )
    """,
    "INSERT INTO generations DEFAULT VALUES",
    """
    CREATE TABLE order_facts (
        generation bigint NOT NULL,
        order_id uuid NOT NULL,
        rank integer NOT NULL,
        total_minor bigint,
        currency text,
        paid_minor bigint NOT NULL,
        refunded_minor bigint NOT NULL,
        placed_at timestamptz,
        PRIMARY KEY (generation, order_id)
    )
    """,
    """
    CREATE TABLE revenue_daily (
        generation bigint NOT NULL,
        day date NOT NULL,
        currency text NOT NULL,
        orders bigint NOT NULL,
        paid_minor bigint NOT NULL,
        refunded_minor bigint NOT NULL,
        PRIMARY KEY (generation, day, currency)
    )
    """,
    """
    CREATE VIEW order_statuses AS
        SELECT order_id,
               (ARRAY['unknown', 'placed', 'paid', 'shipped', 'completed', 'refunded', 'cancelled'])[rank + 1]
                   AS status,
               total_minor, currency, paid_minor, refunded_minor, placed_at
        FROM order_facts WHERE generation = (SELECT current FROM generations)
    """,
    """
    CREATE VIEW revenue_shown AS
        SELECT day, currency, orders, paid_minor, refunded_minor
        FROM revenue_daily WHERE generation = (SELECT current FROM generations)
    """,
    """
    CREATE VIEW order_counts AS
        SELECT status, currency, count(*) AS orders, COALESCE(sum(total_minor), 0)::bigint AS total_minor
        FROM order_statuses GROUP BY status, currency
    """,
    """
    CREATE VIEW audit.order_facts AS
        SELECT order_id, status, COALESCE(total_minor, 0) AS total_minor, COALESCE(currency, '') AS currency,
               paid_minor, refunded_minor, placed_at
        FROM order_statuses
    """,
    "CREATE VIEW audit.revenue_daily AS SELECT day, currency, orders, paid_minor, refunded_minor FROM revenue_shown",
    "CREATE VIEW audit.projection_backlog AS SELECT count(*) AS events FROM events "
    "WHERE NOT projected AND refused IS NULL",
)


def upgrade() -> None:
    library_tables.create_v1(op.execute)
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
