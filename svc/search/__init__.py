"""Search: finds products by words, filters and prefixes.

Owns the product index (versioned names behind one alias) and, in its own database, the documents it was made from.
Publishes nothing. Consumes product.upserted, product.deleted and price.changed.

The index is never the truth: an older event never overwrites a newer document, a lost index is filled again from the
documents, and a rebuild takes everything anew from the catalog. No text of a caller becomes query syntax.
"""
