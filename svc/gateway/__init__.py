"""Gateway: the one door of the shop.

Owns routes, user-token verification, rate limits, load shedding and the choice of an instance; it has no database,
publishes nothing and consumes nothing.

What a request meets, in this order (edge.py): trace, Host allow-list, path rules, CORS, route, shedding, user token,
rate limit, breaker, instance, upstream. Nothing outside /api/v1/ and the key set is ever forwarded, no identity header
of a client's ever reaches a service, and no header of a client's ever chooses a service.

Known weaknesses: a revoked session is refused within a second only while Redis answers (else when its token expires,
ten minutes at most); while Redis is away every class but `auth` goes unlimited.
"""
