"""Analytics: what happened in the shop, countable.

Owns an append-only copy of every event, in one partition per day, and the figures folded from it.
Publishes report.ready. Consumes everything.

Figures are a function of the set of events: order of arrival does not matter, and a rebuild gives equal rows. It is
made beside the rows in use, in bounded steps, and shown all at once: readers never wait and never see a part. What
events of forgotten days said is the base from which it begins.
"""
