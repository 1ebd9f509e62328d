"""Planted: what is left to refund is read by everybody at the same moment."""

from scenarios.defects.card import DefectCard
from scenarios.defects.double_charge.refund_check_then_act import TWINS

__all__ = ["CARD", "TWINS"]

CARD = DefectCard(
    id="refunds-checked-first",
    title="A crowd of refunds pays back more than was paid",
    parts=("payments.request_refund", "payments.apply_refund_outcome"),
    root_cause="What is left is read without a lock; all who read at the same moment find the whole payment there.",
    caught_by=("INV-23.refund-race",),
    exposed_by="Refunds of one order at the same moment.",
    symptoms="An order was paid back many times over; each refund alone was within its bound.",
    fix="Set the money aside in one conditional update, under the payment's lock.",
    origin="CWE-362; OWASP API6:2023.",
)
