"""Orders: what customers want, what it costs, and how far it has come.

Owns carts, coupons, pricing, orders and the saga that leads each order to an end.
Publishes order.created, .paid, .shipped, .completed, .cancelled, .refunded and return.completed.
Consumes payment.processed, .failed, .refunded, .refund_failed, .refund_reversed, .disputed, shipment.created,
.dispatched, .delivered, .lost, return.received, inventory.rejected, .released and user.deleted; the facts may come in
any order.

An order exists only once its stock is held. One (customer, key) names one order, whatever is repeated or killed.
Totals are computed here alone; nothing a client says about a price is read. An order in another currency than the
catalog's is priced at one quote of payments', which it is pinned to and no other order ever is.
"""
