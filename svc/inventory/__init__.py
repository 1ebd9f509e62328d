"""Inventory: the truth about stock.

Owns warehouses, stock per (warehouse, SKU), reservations and the movements whose sum is the stock.
Publishes inventory.reserved, .rejected, .released, .committed, stock.adjusted and stock.low.
Consumes order.created (pins the hold), order.paid (commits it), order.cancelled (releases it), product.upserted
(whose SKUs goods may be booked in for) and return.received (sold goods are on the shelf again).

A hold ends in exactly one of commit, release, expire. No unit is held twice: the row of a SKU is locked for a whole
batch of waiting buyers, and the constraint reserved <= on_hand stands beneath it, widened for a SKU that may be sold
ahead.
"""
