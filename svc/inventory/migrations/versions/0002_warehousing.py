"""allocation policy, safety stock, backorders, low-stock alerts, transfers, stock takes, returned goods"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE warehouses ADD COLUMN priority integer NOT NULL DEFAULT 100 CHECK (priority >= 0)",
    "COMMENT ON COLUMN warehouses.priority IS 'the lowest serves first, where no rank says otherwise'",
    """
    CREATE TABLE allocation_ranks (
        destination char(2) NOT NULL CHECK (destination ~ '^[A-Z]{2}$'),
        warehouse text NOT NULL REFERENCES warehouses,
        rank integer NOT NULL CHECK (rank >= 0),
        PRIMARY KEY (warehouse, destination)
    )
    """,
    "COMMENT ON TABLE allocation_ranks IS 'how near a warehouse is to a country; goes before its priority'",
    """
    ALTER TABLE stock
        ADD COLUMN safety integer NOT NULL DEFAULT 0 CHECK (safety >= 0),
        ADD COLUMN backorder_max integer NOT NULL DEFAULT 0 CHECK (backorder_max >= 0),
        ADD COLUMN low_at integer NOT NULL DEFAULT 0 CHECK (low_at >= 0),
        ADD COLUMN low_told boolean NOT NULL DEFAULT false,
        DROP CONSTRAINT stock_never_oversold,
        ADD CONSTRAINT stock_never_oversold CHECK (reserved >= 0 AND on_hand + backorder_max >= reserved)
    """,
    "COMMENT ON COLUMN stock.safety IS 'units that are never promised'",
    "COMMENT ON COLUMN stock.backorder_max IS 'units that may be sold before they are here'",
    "COMMENT ON COLUMN stock.low_at IS 'an alert is due when fewer are free; 0: never'",
    "CREATE INDEX stock_watched ON stock (sku, warehouse) WHERE low_at > 0",
    "ALTER TABLE movements DROP CONSTRAINT movements_type_check, ADD CONSTRAINT movements_type_check CHECK (type IN "
    "('receive', 'reserve', 'commit', 'release', 'expire', 'adjust', 'restock', 'transfer'))",
    "ALTER TABLE movements DROP CONSTRAINT movements_check, ADD CONSTRAINT movements_cause CHECK ("
    "(type = 'restock' AND reservation_id IS NOT NULL) OR (reservation_id IS NULL) <> (reference IS NULL))",
    "COMMENT ON COLUMN movements.reference IS 'of a restock: the return that brought the goods'",
    "DROP INDEX movements_once",
    "CREATE UNIQUE INDEX movements_once ON movements (reservation_id, type, sku, warehouse) WHERE reference IS NULL",
    "CREATE UNIQUE INDEX movements_return ON movements (reservation_id, reference, sku, warehouse) "
    "WHERE type = 'restock' AND reference IS NOT NULL",
    """
    CREATE TABLE transfers (
        reference text PRIMARY KEY,
        sku text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        source text NOT NULL,
        target text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CHECK (source <> target),
        FOREIGN KEY (sku, source) REFERENCES stock,
        FOREIGN KEY (sku, target) REFERENCES stock
    )
    """,
    """
    CREATE TABLE stock_takes (
        id uuid PRIMARY KEY,
        warehouse text NOT NULL,
        sku text NOT NULL,
        expected integer NOT NULL,
        opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        counted integer CHECK (counted >= 0),
        closed_at timestamptz,
        FOREIGN KEY (sku, warehouse) REFERENCES stock,
        CHECK (counted IS NULL OR closed_at IS NOT NULL)
    )
    """,
    "COMMENT ON COLUMN stock_takes.expected IS 'on hand when it was opened, which is what is counted'",
    "CREATE UNIQUE INDEX stock_takes_open ON stock_takes (sku, warehouse) WHERE closed_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
