"""carts of guests, forgotten when nobody comes back for them"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE carts ADD COLUMN guest boolean NOT NULL DEFAULT false",
    "COMMENT ON COLUMN carts.guest IS 'nobody with an account has it; it is forgotten once nobody touched it for long'",
    "CREATE INDEX guest_carts_idle ON carts (updated_at) WHERE guest",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
