"""Shipping: what it costs to send goods, and where the parcels are.

Owns rate tables by zone and weight, shipments and their labels at the carrier.
Publishes shipment.created (labelled), shipment.dispatched (handed over) and shipment.delivered.
Consumes order.paid (a parcel is to be sent), order.cancelled (it is not, unless the carrier has it) and user.deleted
(the person is forgotten).

No parcel leaves for an unpaid order: a shipment refers to the paid order that caused it, by constraint. A label or a
hand-over whose answer was lost is asked about or repeated under the same key, so that nothing is sent twice.
"""
