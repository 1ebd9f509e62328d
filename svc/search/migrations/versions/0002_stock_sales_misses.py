"""what inventory says is left, who bought what, words that found nothing, a rebuild's size"""

from alembic import op

from shared import library_tables, stock_watch

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    *stock_watch.STATEMENTS,
    """
    ALTER TABLE documents
        ADD COLUMN changes bigint NOT NULL DEFAULT 0 CHECK (changes >= 0),
        ADD COLUMN indexed_changes bigint NOT NULL DEFAULT 0,
        ADD COLUMN popularity int NOT NULL DEFAULT 0 CHECK (popularity >= 0),
        ADD CONSTRAINT nothing_is_indexed_that_was_not_known CHECK (indexed_changes <= changes)
    """,
    "DROP INDEX documents_pending",
    "CREATE INDEX documents_pending ON documents (due_at) WHERE (indexed_version < version OR indexed_changes < changes)",
    "CREATE INDEX documents_by_sku ON documents USING gin (jsonb_path_query_array(body, '$.variants[*].sku'))",
    """
    CREATE OR REPLACE VIEW audit.documents AS
    SELECT product_id, version, deleted, indexed_version, surprises, review, updated_at, changes, indexed_changes,
        least(version, 8796093022207) * 1048576 + least(changes, 1048575) AS index_version
    FROM documents
    """,
    "COMMENT ON COLUMN audit.documents.changes IS 'changes of stock or popularity since that version of the product'",
    "COMMENT ON COLUMN audit.documents.index_version IS 'the version under which the engine has it once it is indexed'",
    """
    CREATE TABLE sales (
        order_id uuid NOT NULL,
        product_id uuid NOT NULL,
        day date NOT NULL,
        paid boolean NOT NULL DEFAULT false,
        cancelled boolean NOT NULL DEFAULT false,
        PRIMARY KEY (order_id, product_id)
    )
    """,
    "CREATE INDEX sales_by_day ON sales (day)",
    """
    CREATE TABLE misses (
        words text COLLATE "C" PRIMARY KEY CHECK (length(words) BETWEEN 1 AND 80),
        times bigint NOT NULL CHECK (times > 0),
        first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX misses_most ON misses (times DESC, words)",
    "ALTER TABLE index_builds ADD COLUMN expected bigint NOT NULL DEFAULT 0",
    """
    CREATE OR REPLACE VIEW audit.index_builds AS
    SELECT id, index_name, status, documents, attempts, reason, requested_at, started_at, ended_at, expected
    FROM index_builds
    """,
    # documents of before lack what the catalog tells since
    """
    INSERT INTO index_builds (id, status) SELECT gen_random_uuid(), 'requested' WHERE EXISTS (SELECT FROM documents)
    ON CONFLICT DO NOTHING
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
