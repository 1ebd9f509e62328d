"""Notifications: what people are told, once.

Owns templates and deliveries. Publishes notification.sent and notification.failed.
Consumes user.registration_requested, .registration_repeated, .registered, .password_reset_requested,
.credentials_changed and .deleted, order.created, .paid, .shipped, .cancelled and .refunded,
payment.duplicate_returned and report.ready.

One delivery per (event, template, recipient), by constraint. A delivery that was being sent when its process died is
sent again under the same Message-ID, because SMTP cannot say whether the first copy was taken.
"""
