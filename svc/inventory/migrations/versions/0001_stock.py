"""stock, reservations, movements"""

from alembic import op

from shared import library_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE TABLE warehouses (code text PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT clock_timestamp())",
    "INSERT INTO warehouses (code) VALUES ('main')",
    "CREATE TABLE known_skus (sku text PRIMARY KEY, learned_at timestamptz NOT NULL DEFAULT clock_timestamp())",
    "COMMENT ON TABLE known_skus IS 'what the catalog has told of; goods of other SKUs are not booked in'",
    """
    CREATE TABLE stock (
        warehouse text NOT NULL REFERENCES warehouses,
        sku text NOT NULL CHECK (sku <> ''),
        on_hand integer NOT NULL DEFAULT 0,
        reserved integer NOT NULL DEFAULT 0,
        version bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (sku, warehouse),
        CONSTRAINT stock_never_oversold CHECK (reserved >= 0 AND on_hand >= reserved)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE reservations (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL,
        status text NOT NULL CHECK (status IN ('held', 'committed', 'released', 'expired')),
        pinned boolean NOT NULL DEFAULT false,
        version bigint NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL,
        ended_at timestamptz,
        end_reason text,
        restocked_at timestamptz,
        CONSTRAINT ended_once CHECK ((status = 'held') = (ended_at IS NULL))
    )
    """,
    "CREATE INDEX reservations_expiring ON reservations (expires_at) WHERE status = 'held' AND NOT pinned",
    "CREATE INDEX reservations_customer ON reservations (customer_id)",
    """
    CREATE TABLE reservation_lines (
        reservation_id uuid NOT NULL REFERENCES reservations,
        warehouse text NOT NULL,
        sku text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (reservation_id, sku, warehouse),
        FOREIGN KEY (sku, warehouse) REFERENCES stock
    )
    """,
    """
    CREATE TABLE movements (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        warehouse text NOT NULL,
        sku text NOT NULL,
        type text NOT NULL
            CHECK (type IN ('receive', 'reserve', 'commit', 'release', 'expire', 'adjust', 'restock')),
        on_hand_delta integer NOT NULL,
        reserved_delta integer NOT NULL,
        reservation_id uuid,
        reference text,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CHECK ((reservation_id IS NULL) <> (reference IS NULL))
    )
    """,
    "CREATE UNIQUE INDEX movements_once ON movements (reservation_id, type, sku, warehouse)",
    "CREATE UNIQUE INDEX movements_receipt ON movements (reference) WHERE type = 'receive'",
    """
    CREATE FUNCTION movements_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'movements are append-only';
    END $$
    """,
    "CREATE TRIGGER movements_are_final BEFORE UPDATE OR DELETE ON movements "
    "FOR EACH ROW EXECUTE FUNCTION movements_are_final()",
    "CREATE TABLE purchase_limits (sku text PRIMARY KEY, per_customer integer NOT NULL CHECK (per_customer > 0))",
    "CREATE VIEW audit.stock AS SELECT warehouse, sku, on_hand, reserved, version FROM stock",
    """
    CREATE VIEW audit.reservations AS
        SELECT r.id, r.id AS order_id, r.customer_id, r.status, l.sku, l.warehouse, l.quantity, r.created_at,
               r.expires_at, r.pinned, r.ended_at, r.end_reason
        FROM reservations r JOIN reservation_lines l ON l.reservation_id = r.id
    """,
    "CREATE VIEW audit.movements AS SELECT id, warehouse, sku, type, on_hand_delta, reserved_delta, reservation_id, "
    "reference, created_at FROM movements",
    "CREATE VIEW audit.purchase_limits AS SELECT sku, per_customer FROM purchase_limits",
)


def upgrade() -> None:
    library_tables.create_v1(op.execute)
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
