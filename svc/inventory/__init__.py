"""Inventory: the truth about stock.

Owns warehouses, stock per (warehouse, SKU), reservations and the movements whose sum is the stock.
Publishes inventory.reserved, .rejected, .released, .committed and stock.adjusted.
Consumes order.created (pins the hold), order.paid (commits it), order.cancelled (releases it) and product.upserted
(whose SKUs goods may be booked in for).

A hold ends in exactly one of commit, release, expire. No unit is held twice: the row of a SKU is locked for a whole
batch of waiting buyers, and the constraint reserved <= on_hand stands beneath it.
"""
