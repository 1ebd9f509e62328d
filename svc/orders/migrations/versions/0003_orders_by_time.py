"""all orders in the order in which they were placed, for exports"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX orders_by_time ON orders (placed_at, id)")
