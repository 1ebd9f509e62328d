"""Planted: how much of a thing a customer has is counted before the lock, for a hoarder to pass."""

from scenarios.defects.card import DefectCard, Twins
from scenarios.defects.flash_sale.limit_counted_before import twin

CARD = DefectCard(
    id="limits-counted-before",
    title="A crowd of orders passes the limit of a customer",
    parts=("inventory.reserve",),
    root_cause="What a customer has is counted before the lock and not again under it.",
    caught_by=("INV-23.hoarding",),
    exposed_by="One customer who places many orders at the same moment.",
    symptoms="A scarce thing is sold out in a minute, to four customers.",
    fix="Count inside the lock that serialises the SKU.",
    origin="OWASP API6:2023, scalping; CWE-367.",
)

TWINS: Twins = {"inventory.reserve": twin}
