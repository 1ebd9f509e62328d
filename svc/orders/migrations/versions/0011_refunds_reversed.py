"""refunds that were told and never made, and the way back from them"""

from alembic import op

from svc.orders.domain.machines import MOVES

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE orders ADD COLUMN refund_reversed_minor bigint NOT NULL DEFAULT 0 CHECK (refund_reversed_minor >= 0)",
    "COMMENT ON COLUMN orders.refund_reversed_minor IS 'refunds that payments told and never made; not in refunded_minor'",
    "INSERT INTO order_moves VALUES " + ", ".join(str(move) for move in MOVES) + " ON CONFLICT DO NOTHING",  # noqa: S608 constants
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
