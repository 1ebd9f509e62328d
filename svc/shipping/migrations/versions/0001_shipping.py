"""rates, paid orders, shipments, webhooks"""

from alembic import op

from shared import library_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ZONES = {
    "home": ("DE",),
    "near": ("AT", "BE", "CZ", "DK", "FR", "LU", "NL", "PL"),
    "europe": (
        "BG", "CY", "EE", "ES", "FI", "GR", "HR", "HU", "IE", "IT", "LT", "LV", "MT", "PT", "RO", "SE", "SI", "SK",
        "CH", "GB", "IS", "LI", "NO",
    ),
}  # fmt: skip

# EUR cents up to a weight in grams; free from a value of goods; days
STANDARD = {
    "home": ((1_000, 490), (5_000, 690), (31_500, 1_290)),
    "near": ((1_000, 890), (5_000, 1_190), (31_500, 1_990)),
    "europe": ((1_000, 1_290), (5_000, 1_690), (31_500, 2_990)),
    "world": ((1_000, 1_990), (5_000, 3_490), (31_500, 8_990)),
}
EXPRESS_PERCENT = 220
FREE_FROM = {"home": 10_000, "near": 15_000}
DAYS = {"home": (3, 1), "near": (5, 2), "europe": (7, 3), "world": (14, 5)}

# price lists, not exchange rates: minor units per 100 EUR cents
PRICE_LISTS = {
    "EUR": 100, "USD": 110, "GBP": 90, "CHF": 100, "SEK": 1_150, "NOK": 1_150, "DKK": 750, "PLN": 430, "CZK": 2_500,
    "HUF": 40_000, "CAD": 150, "AUD": 170, "JPY": 160, "KRW": 1_500, "BHD": 420, "KWD": 340, "TND": 3_400, "INR": 9_000,
}  # fmt: skip


def rates() -> list[tuple[str, str, str, int, int, int | None, int]]:
    """Every row of the first rate table."""
    rows: list[tuple[str, str, str, int, int, int | None, int]] = []
    for currency, per_100 in PRICE_LISTS.items():
        for zone, bands in STANDARD.items():
            free = FREE_FROM[zone] * per_100 // 100 if zone in FREE_FROM else None
            for weight_g_max, cents in bands:
                standard = cents * per_100 // 100
                express = standard * EXPRESS_PERCENT // 100
                rows.append((zone, "standard", currency, weight_g_max, standard, free, DAYS[zone][0]))
                rows.append((zone, "express", currency, weight_g_max, express, None, DAYS[zone][1]))
    return rows


STATEMENTS = (
    "CREATE TABLE zones (code text PRIMARY KEY)",
    """
    CREATE TABLE zone_countries (
        country char(2) PRIMARY KEY CHECK (country ~ '^[A-Z]{2}$'),
        zone text NOT NULL REFERENCES zones
    )
    """,
    """
    CREATE TABLE shipping_rates (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        zone text NOT NULL REFERENCES zones,
        method text NOT NULL CHECK (method IN ('standard', 'express')),
        currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
        weight_g_max integer NOT NULL CHECK (weight_g_max > 0),
        amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
        free_from_minor bigint CHECK (free_from_minor > 0),
        days_max integer NOT NULL CHECK (days_max > 0),
        version bigint NOT NULL DEFAULT 1,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT one_rate UNIQUE (zone, currency, method, weight_g_max)
    )
    """,
    "COMMENT ON COLUMN shipping_rates.free_from_minor IS 'goods worth this much or more are sent for nothing'",
    "INSERT INTO zones (code) VALUES " + ", ".join(f"('{zone}')" for zone in STANDARD),  # noqa: S608 constants
    "INSERT INTO zone_countries (country, zone) VALUES "  # noqa: S608 constants
    + ", ".join(f"('{country}', '{zone}')" for zone, countries in ZONES.items() for country in countries),
    "INSERT INTO shipping_rates (zone, method, currency, weight_g_max, amount_minor, free_from_minor, days_max) "
    "VALUES "
    + ", ".join(
        f"('{zone}', '{method}', '{currency}', {weight}, {amount}, {'NULL' if free is None else free}, {days})"
        for zone, method, currency, weight, amount, free, days in rates()
    ),
    """
    CREATE TABLE paid_orders (
        order_id uuid PRIMARY KEY,
        payment_id uuid NOT NULL,
        paid_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "COMMENT ON TABLE paid_orders IS 'what order.paid told; without a row here no shipment can exist'",
    "CREATE TABLE cancelled_orders (order_id uuid PRIMARY KEY, cancelled_at timestamptz NOT NULL DEFAULT clock_timestamp())",
    """
    CREATE TABLE shipments (
        id uuid PRIMARY KEY,
        order_id uuid NOT NULL REFERENCES paid_orders,
        number integer NOT NULL CHECK (number > 0),
        order_number text NOT NULL,
        customer_id uuid NOT NULL,
        email text NOT NULL,
        address jsonb NOT NULL,
        method text NOT NULL,
        weight_g integer NOT NULL CHECK (weight_g > 0),
        status text NOT NULL DEFAULT 'created'
            CHECK (status IN ('created', 'labelled', 'handed_over', 'in_transit', 'delivered', 'cancelled')),
        cancel_requested boolean NOT NULL DEFAULT false,
        review text,
        carrier text NOT NULL,
        tracking_number text UNIQUE,
        label_url text,
        call text NOT NULL DEFAULT 'none' CHECK (call IN ('none', 'under_way', 'unknown')),
        unknown_since timestamptz,
        attempts integer NOT NULL DEFAULT 0,
        surprises integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        version bigint NOT NULL DEFAULT 0,
        traceparent text,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (order_id, number),
        CONSTRAINT labelled_before_it_leaves CHECK (status IN ('created', 'cancelled') OR tracking_number IS NOT NULL)
    )
    """,
    "COMMENT ON COLUMN shipments.due_at IS 'not worked on before; during a call: the end of the lease'",
    "CREATE INDEX shipments_due ON shipments (due_at) WHERE status IN ('created', 'labelled')",
    "CREATE INDEX shipments_customer ON shipments (customer_id, id)",
    """
    CREATE TABLE shipment_transitions (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        shipment_id uuid NOT NULL REFERENCES shipments,
        from_status text NOT NULL,
        to_status text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX shipment_transitions_of ON shipment_transitions (shipment_id, id)",
    """
    CREATE FUNCTION shipment_moves() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO shipment_transitions (shipment_id, from_status, to_status) VALUES (NEW.id, '', NEW.status);
        ELSIF (OLD.status, NEW.status) IN (
            ('created', 'labelled'), ('labelled', 'handed_over'), ('handed_over', 'in_transit'),
            ('in_transit', 'delivered'), ('created', 'cancelled'), ('labelled', 'cancelled')
        ) THEN
            INSERT INTO shipment_transitions (shipment_id, from_status, to_status)
            VALUES (NEW.id, OLD.status, NEW.status);
        ELSIF OLD.status <> NEW.status THEN
            RAISE EXCEPTION 'a shipment does not go from % to %', OLD.status, NEW.status
                USING ERRCODE = 'check_violation', CONSTRAINT = 'shipment_moves';
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER shipment_moves AFTER INSERT OR UPDATE ON shipments FOR EACH ROW EXECUTE FUNCTION shipment_moves()",
    """
    CREATE FUNCTION transitions_are_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'transitions are append-only';
    END $$
    """,
    "CREATE TRIGGER transitions_are_final BEFORE UPDATE OR DELETE ON shipment_transitions "
    "FOR EACH ROW EXECUTE FUNCTION transitions_are_final()",
    """
    CREATE TABLE webhooks (
        event_id text PRIMARY KEY,
        type text NOT NULL,
        payload text NOT NULL,
        received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        applied_at timestamptz,
        outcome text,
        review text,
        surprises integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        traceparent text,
        CHECK ((applied_at IS NULL) = (outcome IS NULL))
    )
    """,
    "CREATE INDEX webhooks_due ON webhooks (due_at) WHERE applied_at IS NULL",
    """
    CREATE VIEW audit.shipping_rates AS
        SELECT coalesce(c.country, '') AS country, r.method, r.currency, r.weight_g_max, r.amount_minor,
               r.free_from_minor, r.updated_at
        FROM shipping_rates r LEFT JOIN zone_countries c ON c.zone = r.zone
    """,
    "COMMENT ON COLUMN audit.shipping_rates.country IS 'empty: every country without a zone of its own'",
    "CREATE VIEW audit.shipments AS SELECT id, order_id, status, tracking_number, carrier, created_at, updated_at "
    "FROM shipments",
    "CREATE VIEW audit.shipment_transitions AS SELECT shipment_id, from_status, to_status, at "
    "FROM shipment_transitions",
    "COMMENT ON COLUMN audit.shipment_transitions.from_status IS 'empty for the first; rows are written by a trigger'",
    "CREATE VIEW audit.webhooks AS SELECT event_id, type, received_at, applied_at, outcome FROM webhooks",
)


def upgrade() -> None:
    library_tables.create_v1(op.execute)
    for statement in STATEMENTS:
        op.execute(statement)
    library_tables.grant_audit(op.execute)
