"""users, sessions, refresh tokens, signing keys, login back-off, security events"""

from alembic import op

from shared import library_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE users (
        id uuid PRIMARY KEY,
        email text NOT NULL UNIQUE CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
        name text NOT NULL CHECK (length(name) <= 100),
        password_hash text,
        roles text[] NOT NULL DEFAULT '{customer}'
            CHECK (roles <@ ARRAY['customer', 'seller', 'support', 'admin'] AND cardinality(roles) BETWEEN 1 AND 4),
        status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'erased')),
        seeded boolean NOT NULL DEFAULT false,
        version bigint NOT NULL DEFAULT 1,
        events integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT users_erased_have_no_password CHECK (status <> 'erased' OR password_hash IS NULL)
    )
    """,
    "COMMENT ON COLUMN users.events IS 'how many events about this user were published: their aggregate version'",
    "COMMENT ON COLUMN users.seeded IS 'imported for a drill; only such users may share a password hash'",
    "CREATE UNIQUE INDEX users_share_no_hash ON users (password_hash) WHERE NOT seeded",
    "CREATE INDEX users_listed ON users (created_at, id)",
    """
    CREATE TABLE sessions (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users,
        address text NOT NULL,
        agent text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz,
        revoke_reason text,
        announced_at timestamptz,
        CONSTRAINT revoked_for_a_reason CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
    )
    """,
    "CREATE INDEX sessions_user ON sessions (user_id) WHERE revoked_at IS NULL",
    "CREATE INDEX sessions_unannounced ON sessions (revoked_at) WHERE revoked_at IS NOT NULL AND announced_at IS NULL",
    "CREATE INDEX sessions_expiring ON sessions (expires_at)",
    """
    CREATE TABLE refresh_tokens (
        token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
        session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        used_at timestamptz
    )
    """,
    "CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id)",
    "CREATE UNIQUE INDEX refresh_tokens_one_live ON refresh_tokens (session_id) WHERE used_at IS NULL",
    """
    CREATE TABLE signing_keys (
        kid text PRIMARY KEY,
        public_key bytea NOT NULL CHECK (length(public_key) = 32),
        sealed_private_key bytea NOT NULL,
        active_from timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "COMMENT ON COLUMN signing_keys.sealed_private_key IS 'AES-256-GCM under a key derived from the internal secret'",
    """
    CREATE TABLE login_attempts (
        scope text PRIMARY KEY,
        attempts integer NOT NULL CHECK (attempts > 0),
        last_at timestamptz NOT NULL,
        blocked_until timestamptz NOT NULL
    )
    """,
    "COMMENT ON COLUMN login_attempts.scope IS 'digest of an account (from an unknown or a known address), or address'",
    "CREATE INDEX login_attempts_age ON login_attempts (last_at)",
    """
    CREATE TABLE known_addresses (
        user_id uuid NOT NULL REFERENCES users,
        address text NOT NULL,
        last_used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (user_id, address)
    )
    """,
    """
    CREATE TABLE security_events (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        kind text NOT NULL,
        subject text NOT NULL,
        detail text NOT NULL DEFAULT '',
        trace_id text NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX security_events_subject ON security_events (subject, at)",
    """
    CREATE FUNCTION security_events_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'security events are append-only';
    END $$
    """,
    "CREATE TRIGGER security_events_are_final BEFORE UPDATE OR DELETE ON security_events "
    "FOR EACH ROW EXECUTE FUNCTION security_events_are_final()",
    "CREATE VIEW audit.security_events AS SELECT at, kind, subject, detail, trace_id FROM security_events",
    "COMMENT ON COLUMN audit.security_events.subject IS 'user id, operator name, or the digest of an unknown account'",
)


def upgrade() -> None:
    library_tables.create_v1(op.execute)
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
