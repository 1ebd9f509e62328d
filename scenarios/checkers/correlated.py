"""INV-27: the trace id that a customer was told is that of the order and of the event that tells of it."""

from scenarios.checkers.result import Checker, Finding, Findings
from scenarios.evidence.bundle import Evidence
from scenarios.history import PLACE_ORDER

CREATED = "order.created"


def examine(evidence: Evidence) -> Finding:
    """A key may have been asked with several times: the order belongs to one of those requests."""
    findings = Findings(evidence)
    traces: dict[str, set[str]] = {}
    ids: dict[str, str] = {}
    for operation in evidence.operations:
        if operation.invoke.function != PLACE_ORDER:
            continue
        key = operation.invoke.key
        traces.setdefault(key, set()).add(operation.trace_id)
        if operation.outcome == "ok" and operation.answer.order_id:
            ids[key] = operation.answer.order_id
    told = {
        event.aggregate_id: event.trace_id
        for event in evidence.journals.tap
        if event.type == CREATED and event.trace_id
    }
    for key, order_id in ids.items():
        order = evidence.orders.get(order_id)
        if order is None or "" in traces[key]:
            findings.observe("orders of which a client has no trace id")
            continue
        findings.check()
        for what, trace_id in (("order", order.trace_id), ("event", told.get(order_id, order.trace_id))):
            if trace_id not in traces[key]:
                message = f"the {what} of {order_id} has a trace that no client was told"
                findings.violation("trace_lost", message, order_id=order_id)
    return findings.result()


CHECKER = Checker(
    id="INV-27",
    name="correlated",
    statement="one trace id from the client's answer to the order and its event",
    witness="client history × orders × tap",
    needs=("orders.orders",),
    examine=examine,
)
