"""Analytics: what happened in the shop, countable.

Owns an append-only copy of every event and the projections folded from it (orders, daily revenue).
Publishes nothing. Consumes everything.

A projection is a function of the set of events: order of arrival does not matter, and a rebuild gives equal rows. It
is made beside the rows in use, in bounded steps, and shown all at once: readers never wait and never see a part.
"""
