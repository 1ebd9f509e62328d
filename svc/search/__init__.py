"""Search: finds products by words, filters and prefixes.

Owns the product index (versioned names behind one alias) and, in its own database, the documents it was made from, what
was last seen of the stock, who bought what lately, and words that found nothing. Publishes nothing. Consumes
product.upserted, product.deleted and price.changed; inventory.reserved, inventory.rejected, inventory.released,
inventory.committed and stock.adjusted, by which SKUs are looked at; order.paid and order.cancelled, by which products
are popular.

The index is never the truth: an older event never overwrites a newer document, a lost index is filled again from the
documents, and a rebuild takes everything anew from the catalog. No text of a caller becomes query syntax.
"""
