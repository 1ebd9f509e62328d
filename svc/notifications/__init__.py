"""Notifications: what people are told, once.

Owns templates, preferences, deliveries (mail, SMS, push, webhooks to sellers) and the in-app feed. Publishes
notification.sent and notification.failed.
Consumes user.registration_requested, .registration_repeated, .registered, .password_reset_requested,
.credentials_changed and .deleted, order.created, .paid, .shipped, .cancelled and .refunded,
payment.duplicate_returned and report.ready.

One delivery per (event, template, recipient, channel), by constraint. A delivery that was being sent when its process
died is sent again: a mail under the same Message-ID, because SMTP cannot say whether the first copy was taken; an SMS
or push message under the same reference, by which its gateway knows it.
"""
