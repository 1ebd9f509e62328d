"""Catalog: what the shop sells, and at what price.

Owns categories (a tree by materialised path), products with their variants, and prices per currency.
Publishes product.upserted, product.deleted and price.changed. Consumes inventory.reserved, .rejected, .released,
.committed and stock.adjusted for its badge, and its own product.upserted, .deleted and price.changed, by which cached
pages go.

Whether a product is featured, what it costs the shop and whether it is approved are staff fields: they have a route of
their own and appear in no public answer and no event.
"""
