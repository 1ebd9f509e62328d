"""Which columns of orders and carts tell of a person."""

from shared.contracts.values import ERASED_EMAIL
from shared.erasure import erased_address

STATEMENTS = (
    f"""
    UPDATE orders SET email = '{ERASED_EMAIL}',
        shipping_address = ({erased_address("shipping_address::jsonb")})::text
    FROM erased_people WHERE customer_id = user_id AND email <> '{ERASED_EMAIL}'
        AND status IN ('delivered', 'completed', 'cancelled', 'payment_failed', 'refunded')
    """,  # noqa: S608 constants
    "DELETE FROM cart_lines USING erased_people WHERE customer_id = user_id",
    "DELETE FROM carts USING erased_people WHERE customer_id = user_id",
)
"""An order under way keeps its address and its mails until it has ended."""
