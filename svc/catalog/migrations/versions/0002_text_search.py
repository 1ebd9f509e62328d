"""products found by words while the search engine is away"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE products ADD COLUMN words tsvector NOT NULL "
        "GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || description)) STORED"
    )
    op.execute("CREATE INDEX products_words ON products USING gin (words) WHERE visible")
