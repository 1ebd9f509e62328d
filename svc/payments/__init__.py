"""Payments: what customers were charged and given back.

Owns payments, their attempts at the payment provider (PSP), authorisations, refunds, the payment methods that customers
keep, the ledger, the PSP's webhooks and the quotes given of exchange rates.
Publishes payment.processed, .failed, .refunded, .refund_failed, .refund_reversed, .duplicate_returned and .disputed.
Consumes order.created (a payment is owed), order.cancelled (nothing is owed any more), return.completed (what was paid
for goods that came back is owed back) and user.deleted (the person is forgotten).

One capture per payment, whatever is repeated, killed or told twice: an attempt is stored before the PSP is called, an
answer that never came is asked for by merchant reference, and answers, webhooks and look-ups all go through one
transition (`handlers.outcomes`) guarded by unique indexes.

A payment is captured at once, or where the amount is one that people look at, held first and captured or voided by
one decision: of staff, of the order's end, or of time.

A quote never changes, belongs to one customer and serves one payment: what was shown at its rate is charged at it.
"""
