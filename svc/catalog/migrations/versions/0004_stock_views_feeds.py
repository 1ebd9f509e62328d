"""what inventory says is left, views, feeds"""

from alembic import op

from shared import library_tables, stock_watch

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    *stock_watch.STATEMENTS,
    """
    CREATE TABLE product_views (
        product_id uuid PRIMARY KEY REFERENCES products,
        views bigint NOT NULL CHECK (views > 0)
    )
    """,
    "CREATE INDEX product_views_most ON product_views (views DESC, product_id)",
    """
    CREATE TABLE view_batches (
        id uuid PRIMARY KEY,
        counted_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "COMMENT ON TABLE view_batches IS 'batches of views that are in product_views; a second flush of one adds nothing'",
    "CREATE INDEX view_batches_age ON view_batches (counted_at)",
    """
    CREATE TABLE feeds (
        id uuid PRIMARY KEY,
        owner text NOT NULL,
        format text NOT NULL CHECK (format IN ('csv', 'jsonl')),
        status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'completed')),
        rows_done bigint NOT NULL DEFAULT 0 CHECK (rows_done >= 0),
        created bigint NOT NULL DEFAULT 0,
        updated bigint NOT NULL DEFAULT 0,
        unchanged bigint NOT NULL DEFAULT 0,
        failed bigint NOT NULL DEFAULT 0,
        begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        ended_at timestamptz,
        CONSTRAINT every_row_has_one_outcome CHECK (created + updated + unchanged + failed = rows_done),
        CONSTRAINT completed_feeds_have_an_end CHECK ((status = 'completed') = (ended_at IS NOT NULL))
    )
    """,
    """
    CREATE TABLE feed_errors (
        feed_id uuid NOT NULL REFERENCES feeds ON DELETE CASCADE,
        row_number bigint NOT NULL CHECK (row_number > 0),
        code text NOT NULL,
        detail text NOT NULL,
        PRIMARY KEY (feed_id, row_number)
    )
    """,
    "CREATE INDEX feeds_age ON feeds (begun_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
