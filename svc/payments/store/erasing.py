"""Which columns of payments tell of a person."""

from shared.contracts.values import ERASED_EMAIL

STATEMENTS = (
    f"""
    UPDATE payments SET email = '{ERASED_EMAIL}'
    FROM erased_people WHERE customer_id = user_id AND email <> '{ERASED_EMAIL}'
        AND status IN ('captured', 'failed', 'cancelled')
    """,  # noqa: S608 constants
    "DELETE FROM payment_methods USING erased_people WHERE customer_id = user_id",
)
