"""The tables every service's database has: outbox, inbox, dead letters, idempotency keys, and their audit views.

Called from each service's first migration; later changes of these tables get a function of their own, so that a
migration once released never changes.
"""

from collections.abc import Callable

_V1 = """
CREATE SCHEMA audit;

CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    topic text NOT NULL,
    type text NOT NULL,
    aggregate_id text NOT NULL,
    aggregate_version bigint NOT NULL CHECK (aggregate_version > 0),
    payload text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    sent_at timestamptz,
    UNIQUE (aggregate_id, aggregate_version)
);
CREATE INDEX outbox_unsent ON outbox (position) WHERE sent_at IS NULL;

CREATE FUNCTION outbox_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END $$;
CREATE TRIGGER outbox_wake AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION outbox_wake();

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    aggregate_id text NOT NULL,
    aggregate_version bigint NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, event_id)
);

CREATE INDEX inbox_age ON inbox USING brin (applied_at);

CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    event_id uuid,
    aggregate_id text,
    topic text NOT NULL,
    partition integer NOT NULL,
    offset_ bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    attempts integer NOT NULL,
    parked boolean NOT NULL DEFAULT false,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at timestamptz,
    redriven_at timestamptz,
    UNIQUE (consumer, topic, partition, offset_)
);
CREATE INDEX dead_letters_open ON dead_letters (consumer, aggregate_id) WHERE redriven_at IS NULL;
CREATE INDEX dead_letters_unpublished ON dead_letters (id) WHERE published_at IS NULL;

CREATE TABLE erased_people (
    user_id uuid PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status text NOT NULL CHECK (status IN ('in_flight', 'completed')),
    lease_until timestamptz NOT NULL,
    answer_status integer,
    answer_body bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    completed_at timestamptz,
    PRIMARY KEY (scope, key),
    CHECK ((status = 'completed') = (answer_status IS NOT NULL))
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE VIEW audit.outbox AS
    SELECT id, topic, aggregate_id AS key, type, aggregate_id, aggregate_version, created_at, sent_at FROM outbox;
CREATE VIEW audit.inbox AS
    SELECT consumer, event_id, type, aggregate_id, aggregate_version, applied_at FROM inbox;
CREATE VIEW audit.dead_letters AS
    SELECT consumer, event_id, topic, partition, offset_, reason, attempts, parked, created_at, redriven_at
    FROM dead_letters;
CREATE VIEW audit.idempotency AS
    SELECT scope, key, status, answer_status, created_at, completed_at FROM idempotency_keys;
"""


def create_v1(execute: Callable[[str], object]) -> None:
    """Create the tables and views; `execute` runs one SQL script (alembic's `op.execute`)."""
    for statement in _statements(_V1):
        execute(statement)


def grant_audit(execute: Callable[[str], object]) -> None:
    """Let the read-only role `audit` read the audit schema, where the stack has that role.

    Call it last in every migration that adds a view.
    """
    execute(
        """
        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit') THEN
                GRANT USAGE ON SCHEMA audit TO audit;
                GRANT SELECT ON ALL TABLES IN SCHEMA audit TO audit;
            END IF;
        END $$
        """
    )


def _statements(script: str) -> list[str]:
    """Split at semicolons outside dollar quotes; asyncpg prepares one statement at a time."""
    parts: list[str] = []
    current: list[str] = []
    quoted = False
    for line in script.splitlines():
        quoted ^= line.count("$$") % 2 == 1
        current.append(line)
        if line.rstrip().endswith(";") and not quoted:
            parts.append("\n".join(current).strip().rstrip(";"))
            current = []
    assert not "".join(current).strip(), "the script ends in the middle of a statement"
    return parts
