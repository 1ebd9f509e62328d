"""carriers and size, boxes, quotes, postal codes, several parcels per order, lost and returned, return labels"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# volume in cubic centimetres that counts as a kilogram
CARRIERS = {"parcelpost": 5_000, "swiftway": 6_000}

# millimetres, and what each may weigh in grams; the heaviest is the heaviest band of the rate table
BOXES = {
    "small": (250, 175, 100, 2_000),
    "medium": (350, 250, 150, 10_000),
    "large": (600, 400, 350, 31_500),
    "long": (1_200, 200, 200, 20_000),
}

# the code as capitals and digits, how it is written, an example
POSTAL_FORMS = {
    "AT": (r"([0-9]{4})", r"\1", "1010"),
    "BE": (r"([0-9]{4})", r"\1", "1000"),
    "BG": (r"([0-9]{4})", r"\1", "1000"),
    "CA": (r"([ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z])([0-9][ABCEGHJ-NPRSTV-Z][0-9])", r"\1 \2", "K1A 0B1"),
    "CH": (r"([0-9]{4})", r"\1", "8001"),
    "CY": (r"([0-9]{4})", r"\1", "1010"),
    "CZ": (r"([0-9]{3})([0-9]{2})", r"\1 \2", "110 00"),
    "DE": (r"([0-9]{5})", r"\1", "10115"),
    "DK": (r"([0-9]{4})", r"\1", "1050"),
    "EE": (r"([0-9]{5})", r"\1", "10111"),
    "ES": (r"([0-9]{5})", r"\1", "28001"),
    "FI": (r"([0-9]{5})", r"\1", "00100"),
    "FR": (r"([0-9]{5})", r"\1", "75001"),
    "GB": (r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})", r"\1 \2", "SW1A 1AA"),
    "GR": (r"([0-9]{3})([0-9]{2})", r"\1 \2", "105 57"),
    "HR": (r"([0-9]{5})", r"\1", "10000"),
    "HU": (r"([0-9]{4})", r"\1", "1051"),
    "IE": (r"([A-Z][0-9][0-9W])([A-Z0-9]{4})", r"\1 \2", "D02 X285"),
    "IS": (r"([0-9]{3})", r"\1", "101"),
    "IT": (r"([0-9]{5})", r"\1", "00118"),
    "JP": (r"([0-9]{3})([0-9]{4})", r"\1-\2", "100-0001"),
    "LI": (r"(94[89][0-9])", r"\1", "9490"),
    "LT": (r"([0-9]{5})", r"LT-\1", "LT-01100"),
    "LU": (r"([0-9]{4})", r"\1", "1111"),
    "LV": (r"([0-9]{4})", r"LV-\1", "LV-1010"),
    "MT": (r"([A-Z]{3})([0-9]{4})", r"\1 \2", "VLT 1117"),
    "NL": (r"([1-9][0-9]{3})([A-Z]{2})", r"\1 \2", "1012 JS"),
    "NO": (r"([0-9]{4})", r"\1", "0150"),
    "PL": (r"([0-9]{2})([0-9]{3})", r"\1-\2", "00-001"),
    "PT": (r"([0-9]{4})([0-9]{3})", r"\1-\2", "1000-001"),
    "RO": (r"([0-9]{6})", r"\1", "010011"),
    "SE": (r"([0-9]{3})([0-9]{2})", r"\1 \2", "111 20"),
    "SI": (r"([0-9]{4})", r"\1", "1000"),
    "SK": (r"([0-9]{3})([0-9]{2})", r"\1 \2", "811 01"),
    "US": (r"([0-9]{5})([0-9]{4})?", r"\1", "10001"),
}

STATEMENTS = (
    "CREATE TABLE carriers (code text PRIMARY KEY, cm3_per_kg integer NOT NULL CHECK (cm3_per_kg > 0))",
    "COMMENT ON COLUMN carriers.cm3_per_kg IS 'so much room counts as a kilogram'",
    "INSERT INTO carriers (code, cm3_per_kg) VALUES "  # noqa: S608 constants
    + ", ".join(f"('{code}', {divisor})" for code, divisor in CARRIERS.items()),
    "ALTER TABLE shipping_rates ADD COLUMN carrier text NOT NULL DEFAULT 'parcelpost' REFERENCES carriers",
    "ALTER TABLE shipping_rates DROP CONSTRAINT one_rate, "
    "ADD CONSTRAINT one_rate UNIQUE (zone, currency, method, carrier, weight_g_max)",
    """
    CREATE OR REPLACE VIEW audit.shipping_rates AS
        SELECT coalesce(c.country, '') AS country, r.method, r.currency, r.weight_g_max, r.amount_minor,
               r.free_from_minor, r.updated_at, r.carrier
        FROM shipping_rates r LEFT JOIN zone_countries c ON c.zone = r.zone
    """,
    """
    CREATE TABLE boxes (
        code text PRIMARY KEY,
        length_mm integer NOT NULL CHECK (length_mm > 0),
        width_mm integer NOT NULL CHECK (width_mm > 0),
        height_mm integer NOT NULL CHECK (height_mm > 0),
        weight_g_max integer NOT NULL CHECK (weight_g_max > 0)
    )
    """,
    "INSERT INTO boxes (code, length_mm, width_mm, height_mm, weight_g_max) VALUES "  # noqa: S608 constants
    + ", ".join(f"('{code}', {', '.join(map(str, figures))})" for code, figures in BOXES.items()),
    """
    CREATE TABLE item_measures (
        sku text PRIMARY KEY CHECK (sku <> ''),
        weight_g integer NOT NULL CHECK (weight_g > 0),
        length_mm integer NOT NULL CHECK (length_mm > 0),
        width_mm integer NOT NULL CHECK (width_mm > 0),
        height_mm integer NOT NULL CHECK (height_mm > 0),
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE TABLE postal_forms (
        country char(2) PRIMARY KEY CHECK (country ~ '^[A-Z]{2}$'),
        pattern text NOT NULL,
        template text NOT NULL,
        example text NOT NULL
    )
    """,
    "COMMENT ON COLUMN postal_forms.pattern IS 'over capitals and digits alone; template puts the rest back'",
    "INSERT INTO postal_forms (country, pattern, template, example) VALUES "  # noqa: S608 constants
    + ", ".join(f"('{country}', '{form}', '{shape}', '{one}')" for country, (form, shape, one) in POSTAL_FORMS.items()),
    """
    CREATE TABLE quotes (
        id uuid PRIMARY KEY,
        customer_id uuid NOT NULL,
        country char(2) NOT NULL,
        postal_code text NOT NULL,
        method text NOT NULL,
        carrier text NOT NULL REFERENCES carriers,
        currency char(3) NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
        parcels integer NOT NULL CHECK (parcels > 0),
        deliver_by date NOT NULL,
        expires_at timestamptz NOT NULL,
        used_by uuid UNIQUE,
        used_at timestamptz,
        CONSTRAINT used_in_time CHECK ((used_by IS NULL) = (used_at IS NULL) AND used_at <= expires_at)
    )
    """,
    "COMMENT ON COLUMN quotes.used_by IS 'the one order that a quote serves'",
    """
    CREATE TABLE placements (
        order_id uuid PRIMARY KEY,
        lines jsonb NOT NULL,
        told_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "COMMENT ON TABLE placements IS 'at which warehouses the goods of an order lie, as inventory.reserved told'",
    """
    ALTER TABLE shipments
        ADD COLUMN direction text NOT NULL DEFAULT 'outbound' CHECK (direction IN ('outbound', 'return')),
        ADD COLUMN warehouse text NOT NULL DEFAULT '',
        ADD COLUMN box text,
        ADD COLUMN lines jsonb NOT NULL DEFAULT '[]',
        ADD COLUMN promised_for date,
        ADD COLUMN return_of uuid REFERENCES shipments,
        ADD COLUMN return_reason text,
        ADD CONSTRAINT returns_of_something CHECK ((direction = 'return') = (return_of IS NOT NULL)),
        DROP CONSTRAINT shipments_status_check,
        ADD CONSTRAINT shipments_status_check CHECK (status IN (
            'created', 'labelled', 'handed_over', 'in_transit', 'delivered', 'lost', 'returned', 'cancelled'
        ))
    """,
    "CREATE INDEX shipments_returns ON shipments (return_of) WHERE direction = 'return'",
    "DROP INDEX shipments_due",
    "CREATE INDEX shipments_due ON shipments (due_at) "
    "WHERE status = 'created' OR (status = 'labelled' AND direction = 'outbound')",
    """
    CREATE OR REPLACE FUNCTION shipment_moves() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO shipment_transitions (shipment_id, from_status, to_status) VALUES (NEW.id, '', NEW.status);
        ELSIF (OLD.status, NEW.status) IN (
            ('created', 'labelled'), ('labelled', 'handed_over'), ('handed_over', 'in_transit'),
            ('in_transit', 'delivered'), ('created', 'cancelled'), ('labelled', 'cancelled'),
            ('handed_over', 'lost'), ('in_transit', 'lost'), ('lost', 'delivered'),
            ('handed_over', 'returned'), ('in_transit', 'returned'), ('delivered', 'returned'), ('lost', 'returned')
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
    "CREATE OR REPLACE VIEW audit.shipments AS SELECT id, order_id, status, tracking_number, carrier, created_at, "
    "updated_at, (SELECT coalesce(sum((line ->> 'quantity')::integer), 0)::integer "
    "FROM jsonb_array_elements(lines) AS line) AS units FROM shipments WHERE direction = 'outbound'",
    "COMMENT ON COLUMN audit.shipments.units IS 'pieces in the parcel, of whatever SKU'",
    "CREATE OR REPLACE VIEW audit.shipment_transitions AS SELECT shipment_id, from_status, to_status, at "
    "FROM shipment_transitions t JOIN shipments s ON s.id = t.shipment_id WHERE s.direction = 'outbound'",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
