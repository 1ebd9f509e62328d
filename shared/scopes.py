"""What an API key may be allowed: to read or to change one area of the shop.

An area is a service with public routes. `auth` is none: no key makes keys, reads sessions or changes an account.
"""

AREAS = ("analytics", "catalog", "inventory", "notifications", "orders", "payments", "search", "shipping")
SCOPES = frozenset(f"{area}:{act}" for area in AREAS for act in ("read", "write"))


def scope_of(area: str, *, reads: bool) -> str:
    """The scope that a request needs; of an area that is none, one that nobody has."""
    return f"{area}:{'read' if reads else 'write'}"
