"""Which columns of shipments tell of a person."""

from shared.contracts.values import ERASED_EMAIL
from shared.erasure import erased_address

STATEMENTS = (
    f"""
    UPDATE shipments SET email = '{ERASED_EMAIL}', address = {erased_address("address")}
    FROM erased_people WHERE customer_id = user_id AND email <> '{ERASED_EMAIL}'
        AND (status NOT IN ('created', 'labelled') OR (direction = 'return' AND status = 'labelled'))
    """,  # noqa: S608 constants
    """
    UPDATE quotes SET postal_code = '' FROM erased_people WHERE customer_id = user_id AND postal_code <> ''
    """,
)
"""A parcel in house keeps its address until the carrier has it, one that comes back until its label is printed."""
