"""Shipping: what it costs to send goods, and where the parcels are.

Owns rate tables by zone, weight, size and carrier, quotes, boxes, postal codes, shipments and their labels at the
carrier, and what comes back.
Publishes shipment.created (labelled), .dispatched (handed over), .delivered, .lost, and return.received (goods are
back).
Consumes order.paid (parcels are to be sent), order.cancelled (they are not, unless the carrier has them),
inventory.reserved (at which warehouses the goods lie) and user.deleted (the person is forgotten).

No parcel leaves for an unpaid order: a shipment refers to the paid order that caused it, by constraint. A label or a
hand-over whose answer was lost is asked about or repeated under the same key, so that nothing is sent twice.
"""
