"""Guests: people without an account, known by a token alone.

Whoever holds the token has the cart and sees the orders; nobody else does, and without it nobody can. It is derived
from the fleet's secret and stored nowhere.
"""

from shared.errors import Kind, Refusal

GUEST = "guest"
"""The kind of a guest's principal, and what tokens are made for."""


class UnknownGuest(Refusal):
    """There is no guest token, or none that we gave out."""

    code = "unknown_guest"
    kind = Kind.UNAUTHENTICATED
