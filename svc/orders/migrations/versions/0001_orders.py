"""carts, coupons, orders with their history, sagas"""

from enum import StrEnum

from alembic import op

from shared import library_tables
from svc.orders.domain.machines import MOVES, OrderState, OrderStatus, PaymentState, RefundState, ShipmentState
from svc.orders.domain.order import Withholding

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# what each country of delivery asks for, in basis points: the rule that prices are judged by
STANDARD_AND_REDUCED_BP = {
    "AT": (2000, 1000), "AU": (1000, 1000), "BE": (2100, 600), "BG": (2000, 900), "BH": (1000, 1000),
    "CA": (500, 500), "CH": (810, 260), "CY": (1900, 500), "CZ": (2100, 1200), "DE": (1900, 700),
    "DK": (2500, 2500), "EE": (2400, 1300), "ES": (2100, 1000), "FI": (2550, 1350), "FR": (2000, 550),
    "GB": (2000, 500), "GR": (2400, 1300), "HR": (2500, 1300), "HU": (2700, 1800), "IE": (2300, 1350),
    "IS": (2400, 1100), "IT": (2200, 1000), "JP": (1000, 800), "KW": (0, 0), "LT": (2100, 1200),
    "LU": (1700, 800), "LV": (2100, 1200), "MT": (1800, 700), "NL": (2100, 900), "NO": (2500, 1500),
    "NZ": (1500, 1500), "PL": (2300, 800), "PT": (2300, 600), "RO": (2100, 1100), "SE": (2500, 1200),
    "SI": (2200, 950), "SK": (2300, 1900), "US": (825, 825),
}  # fmt: skip

CARTS = (
    """
    CREATE TABLE carts (
        customer_id uuid PRIMARY KEY,
        version bigint NOT NULL DEFAULT 1,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE TABLE cart_lines (
        customer_id uuid NOT NULL REFERENCES carts,
        sku text NOT NULL CHECK (sku <> ''),
        quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 100),
        title text NOT NULL,
        shown_price_minor bigint CHECK (shown_price_minor >= 0),
        currency char(3),
        added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (customer_id, sku)
    )
    """,
    "COMMENT ON COLUMN cart_lines.shown_price_minor IS 'the unit price the customer saw last; an order at another one is refused'",
)

COUPONS = (
    """
    CREATE TABLE coupons (
        code text PRIMARY KEY CHECK (code = upper(code) AND code <> ''),
        kind text NOT NULL CHECK (kind IN ('percentage', 'fixed')),
        rate_bp integer CHECK (rate_bp BETWEEN 1 AND 10000),
        amount_minor bigint CHECK (amount_minor > 0),
        currency char(3),
        minimum_minor bigint NOT NULL DEFAULT 0 CHECK (minimum_minor >= 0),
        valid_from timestamptz,
        valid_until timestamptz,
        uses_max integer CHECK (uses_max > 0),
        uses_per_customer_max integer CHECK (uses_per_customer_max > 0),
        uses integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        CONSTRAINT coupon_kind CHECK (CASE kind
            WHEN 'percentage' THEN rate_bp IS NOT NULL AND amount_minor IS NULL
            ELSE amount_minor IS NOT NULL AND currency IS NOT NULL AND rate_bp IS NULL END),
        CONSTRAINT coupon_never_overused CHECK (uses >= 0 AND (uses_max IS NULL OR uses <= uses_max))
    )
    """,
    """
    CREATE TABLE coupon_customers (
        code text NOT NULL REFERENCES coupons,
        customer_id uuid NOT NULL,
        uses integer NOT NULL CHECK (uses >= 0),
        PRIMARY KEY (code, customer_id)
    )
    """,
    """
    CREATE TABLE coupon_redemptions (
        order_id uuid PRIMARY KEY,
        code text NOT NULL REFERENCES coupons,
        customer_id uuid NOT NULL,
        discount_minor bigint NOT NULL CHECK (discount_minor >= 0),
        redeemed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        returned_at timestamptz
    )
    """,
    "COMMENT ON COLUMN coupon_redemptions.returned_at IS 'when the order was cancelled and the use given back'",
)


def _one_of(states: type[StrEnum]) -> str:
    return ", ".join(f"'{state.value}'" for state in states)


ORDERS = (
    """
    CREATE TABLE order_moves (
        machine text NOT NULL,
        from_state text NOT NULL,
        to_state text NOT NULL,
        PRIMARY KEY (machine, from_state, to_state)
    )
    """,
    "COMMENT ON TABLE order_moves IS 'the legal moves, from domain/machines.py; the history refers to them, so that no "
    "other can be stored'",
    "INSERT INTO order_moves VALUES " + ", ".join(str(move) for move in MOVES),  # noqa: S608 constants
    f"""
    CREATE TABLE orders (
        id uuid PRIMARY KEY,
        number text NOT NULL UNIQUE,
        customer_id uuid NOT NULL,
        email text NOT NULL,
        status text NOT NULL CHECK (status IN ({_one_of(OrderStatus)})),
        state text NOT NULL CHECK (state IN ({_one_of(OrderState)})),
        payment_state text NOT NULL DEFAULT 'pending' CHECK (payment_state IN ({_one_of(PaymentState)})),
        refund_state text NOT NULL DEFAULT 'none' CHECK (refund_state IN ({_one_of(RefundState)})),
        currency char(3) NOT NULL,
        subtotal_minor bigint NOT NULL CHECK (subtotal_minor >= 0),
        discount_minor bigint NOT NULL CHECK (discount_minor BETWEEN 0 AND subtotal_minor),
        tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
        shipping_minor bigint NOT NULL CHECK (shipping_minor >= 0),
        total_minor bigint NOT NULL,
        coupon text,
        explanation text NOT NULL,
        payment_method text NOT NULL,
        shipping_method text NOT NULL,
        shipping_address text NOT NULL,
        idempotency_key text NOT NULL,
        trace_id text NOT NULL,
        placed_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        version bigint NOT NULL DEFAULT 1,
        events bigint NOT NULL DEFAULT 1,
        changed_by text NOT NULL,
        change_reason text NOT NULL,
        payment_id uuid,
        captured_minor bigint CHECK (captured_minor >= 0),
        payment_failed boolean NOT NULL DEFAULT false,
        stock_lost boolean NOT NULL DEFAULT false,
        cancel_wanted boolean NOT NULL DEFAULT false,
        recalled boolean NOT NULL DEFAULT false,
        cancel_reason text,
        refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
        withholding text NOT NULL DEFAULT 'unanswered' CHECK (withholding IN ({_one_of(Withholding)})),
        CONSTRAINT order_adds_up CHECK (total_minor = subtotal_minor - discount_minor + tax_minor + shipping_minor),
        CONSTRAINT one_order_per_key UNIQUE (customer_id, idempotency_key)
    ) WITH (fillfactor = 80)
    """,
    "COMMENT ON COLUMN orders.version IS 'counts changes of the row, for optimistic writers'",
    "COMMENT ON COLUMN orders.events IS 'counts published events from 1 without gaps; the newest aggregate version'",
    "COMMENT ON COLUMN orders.captured_minor IS 'what the payment.processed fact said; null before it came'",
    "COMMENT ON COLUMN orders.status IS 'what people are shown; derived from the states and those of the shipments'",
    "COMMENT ON COLUMN orders.withholding IS 'what shipping said to the wish to keep the goods back'",
    "COMMENT ON COLUMN orders.explanation IS 'the price breakdown as JSON: each figure with its rule and base'",
    "CREATE INDEX orders_of_customer ON orders (customer_id, placed_at DESC, id DESC)",
    """
    CREATE TABLE order_lines (
        order_id uuid NOT NULL REFERENCES orders,
        position smallint NOT NULL,
        sku text NOT NULL,
        product_id uuid NOT NULL,
        title text NOT NULL,
        quantity integer NOT NULL CHECK (quantity > 0),
        unit_price_minor bigint NOT NULL CHECK (unit_price_minor >= 0),
        tax_class text NOT NULL CHECK (tax_class IN ('standard', 'reduced', 'zero')),
        line_total_minor bigint NOT NULL,
        discount_minor bigint NOT NULL CHECK (discount_minor BETWEEN 0 AND line_total_minor),
        tax_minor bigint NOT NULL CHECK (tax_minor >= 0),
        PRIMARY KEY (order_id, sku),
        CONSTRAINT line_adds_up CHECK (line_total_minor = unit_price_minor * quantity)
    )
    """,
    f"""
    CREATE TABLE order_shipments (
        order_id uuid NOT NULL REFERENCES orders,
        id uuid NOT NULL,
        carrier text NOT NULL,
        tracking_number text NOT NULL,
        reported text NOT NULL CHECK (reported IN ({_one_of(ShipmentState)})),
        state text NOT NULL CHECK (state IN ({_one_of(ShipmentState)})),
        changed_by text NOT NULL,
        PRIMARY KEY (order_id, id)
    )
    """,
    "COMMENT ON COLUMN order_shipments.reported IS 'how far shipping said it is; state follows once the order is paid'",
    """
    CREATE TABLE order_transitions (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        order_id uuid NOT NULL REFERENCES orders,
        machine text NOT NULL,
        shipment_id uuid,
        from_state text,
        to_state text NOT NULL,
        actor text NOT NULL,
        reason text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(),
        FOREIGN KEY (machine, from_state, to_state) REFERENCES order_moves,
        CHECK ((machine = 'shipment') = (shipment_id IS NOT NULL))
    )
    """,
    "COMMENT ON COLUMN order_transitions.machine IS 'order, payment, refund, shipment; status is the displayed one'",
    "CREATE INDEX order_transitions_of ON order_transitions (order_id, id)",
    """
    CREATE FUNCTION order_history() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            INSERT INTO order_transitions (order_id, machine, from_state, to_state, actor, reason)
            SELECT NEW.id, machine, from_state, to_state, NEW.changed_by, NEW.change_reason
            FROM (VALUES ('order', OLD.state, NEW.state), ('payment', OLD.payment_state, NEW.payment_state),
                         ('refund', OLD.refund_state, NEW.refund_state), ('status', OLD.status, NEW.status))
                 AS moves (machine, from_state, to_state)
            WHERE from_state <> to_state;
        ELSIF NEW.state = 'reserved' AND NEW.status = 'reserved' THEN
            INSERT INTO order_transitions (order_id, machine, from_state, to_state, actor, reason)
            SELECT NEW.id, machine, from_state, to_state, NEW.changed_by, reason
            FROM (VALUES ('order'), ('status')) AS machines (machine),
                 (VALUES (NULL, 'pending', NEW.change_reason), ('pending', 'reserved', 'stock held'))
                 AS moves (from_state, to_state, reason);
        ELSE
            RAISE EXCEPTION 'an order begins as reserved, not as %', NEW.status;
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER order_begins AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION order_history()",
    "CREATE TRIGGER order_moves AFTER UPDATE OF status, state, payment_state, refund_state ON orders FOR EACH ROW "
    "WHEN ((OLD.status, OLD.state, OLD.payment_state, OLD.refund_state) "
    "IS DISTINCT FROM (NEW.status, NEW.state, NEW.payment_state, NEW.refund_state)) EXECUTE FUNCTION order_history()",
    """
    CREATE FUNCTION order_shipment_history() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' AND NEW.state <> 'announced' THEN
            RAISE EXCEPTION 'a shipment begins as announced, not as %', NEW.state;
        ELSIF TG_OP = 'UPDATE' AND NEW.state <> OLD.state THEN
            INSERT INTO order_transitions (order_id, machine, shipment_id, from_state, to_state, actor, reason)
            VALUES (NEW.order_id, 'shipment', NEW.id, OLD.state, NEW.state, NEW.changed_by, NEW.reported);
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER order_shipment_moves AFTER INSERT OR UPDATE ON order_shipments FOR EACH ROW "
    "EXECUTE FUNCTION order_shipment_history()",
    """
    CREATE FUNCTION order_history_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the history of orders is append-only';
    END $$
    """,
    "CREATE TRIGGER order_history_is_final BEFORE UPDATE OR DELETE ON order_transitions "
    "FOR EACH ROW EXECUTE FUNCTION order_history_is_final()",
    """
    CREATE TABLE order_notes (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        order_id uuid NOT NULL REFERENCES orders,
        actor text NOT NULL,
        note text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX order_notes_of ON order_notes (order_id, id)",
)

RULES = (
    """
    CREATE TABLE tax_rates (
        country char(2) NOT NULL,
        tax_class text NOT NULL CHECK (tax_class IN ('standard', 'reduced', 'zero')),
        rate_bp integer NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
        PRIMARY KEY (country, tax_class)
    )
    """,
    "INSERT INTO tax_rates VALUES "  # noqa: S608 constants
    + ", ".join(
        f"('{country}', 'standard', {standard}), ('{country}', 'reduced', {reduced}), ('{country}', 'zero', 0)"
        for country, (standard, reduced) in STANDARD_AND_REDUCED_BP.items()
    ),
    "COMMENT ON TABLE tax_rates IS 'the rule as the law states it; pricing has its own copy, and a test compares them'",
    "CREATE VIEW audit.tax_rates AS SELECT country, tax_class, rate_bp FROM tax_rates",
    "CREATE VIEW audit.coupons AS SELECT code, rate_bp, amount_minor, coalesce(currency, '') AS currency, minimum_minor, "
    "valid_from, valid_until FROM coupons",
)

SAGAS = (
    """
    CREATE TABLE sagas (
        order_id uuid PRIMARY KEY,
        customer_id uuid NOT NULL,
        scope text NOT NULL,
        key text NOT NULL,
        step text NOT NULL CHECK (step IN ('reserving', 'releasing', 'paying', 'paid', 'withholding', 'compensating')),
        status text NOT NULL CHECK (status IN ('running', 'completed', 'refused', 'compensated', 'failed')),
        attempts integer NOT NULL DEFAULT 1,
        step_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        deadline_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        lease_until timestamptz,
        draft text NOT NULL,
        traceparent text,
        stock_settled boolean NOT NULL DEFAULT false,
        money_settled boolean NOT NULL DEFAULT false,
        detail text NOT NULL DEFAULT '',
        started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        ended_at timestamptz,
        CONSTRAINT saga_ended CHECK ((status = 'running') = (ended_at IS NULL))
    ) WITH (fillfactor = 70)
    """,
    "COMMENT ON COLUMN sagas.draft IS 'all that is needed to store the order after a crash; emptied once it is stored or refused'",
    "COMMENT ON COLUMN sagas.deadline_at IS 'when the present step must have ended'",
    "COMMENT ON COLUMN sagas.due_at IS 'when the resolver looks at it next'",
    "CREATE INDEX sagas_due ON sagas (due_at) WHERE status = 'running'",
    "CREATE INDEX sagas_failed ON sagas (started_at) WHERE status = 'failed'",
    """
    CREATE TABLE saga_steps (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        order_id uuid NOT NULL,
        step text NOT NULL,
        outcome text NOT NULL,
        attempts integer NOT NULL,
        detail text NOT NULL,
        entered_at timestamptz NOT NULL,
        left_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX saga_steps_of ON saga_steps (order_id, id)",
    """
    CREATE FUNCTION saga_history() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO saga_steps (order_id, step, outcome, attempts, detail, entered_at)
        VALUES (OLD.order_id, OLD.step, CASE WHEN NEW.step <> OLD.step THEN NEW.step ELSE NEW.status END,
                OLD.attempts, NEW.detail, OLD.step_at);
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER saga_moves AFTER UPDATE OF step ON sagas FOR EACH ROW "
    "WHEN (OLD.step IS DISTINCT FROM NEW.step) EXECUTE FUNCTION saga_history()",
    """
    CREATE TABLE saga_attempts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        order_id uuid NOT NULL,
        step text NOT NULL,
        number integer NOT NULL,
        outcome text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX saga_attempts_of ON saga_attempts (order_id, id)",
)

AUDIT = (
    """
    CREATE VIEW audit.orders AS
        SELECT id, number, customer_id, email, status, currency, subtotal_minor, discount_minor, tax_minor,
               shipping_minor, total_minor, refunded_minor, payment_method, coalesce(coupon, '') AS coupon,
               shipping_method, shipping_address::jsonb ->> 'country' AS shipping_country, idempotency_key, trace_id,
               placed_at, updated_at
        FROM orders
    """,
    "CREATE VIEW audit.order_lines AS SELECT order_id, sku, quantity, unit_price_minor, line_total_minor, discount_minor, "
    "tax_minor, tax_class, position FROM order_lines",
    """
    CREATE VIEW audit.order_transitions AS
        SELECT order_id, coalesce(from_state, '') AS from_status, to_state AS to_status, at, actor, reason
        FROM order_transitions WHERE machine = 'status'
    """,
    "COMMENT ON COLUMN audit.order_transitions.from_status IS 'empty for the first one of an order'",
    "CREATE VIEW audit.sagas AS SELECT order_id, step, status, attempts, deadline_at, started_at, ended_at FROM sagas",
)


def upgrade() -> None:
    library_tables.create_v1(op.execute)
    for statement in (*CARTS, *COUPONS, *ORDERS, *RULES, *SAGAS, *AUDIT):
        op.execute(statement)
    library_tables.grant_audit(op.execute)
