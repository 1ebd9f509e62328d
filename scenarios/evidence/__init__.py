"""What judges look at: audit rows, journals, the client history and the facts of a run.

Pure data and its storage; reading it from a running fleet is the business of `scenarios.snapshots`.
"""

from scenarios.evidence.bundle import NO_JOURNALS, Evidence, PspAccount, Purchase
from scenarios.evidence.facts import (
    Chart,
    CouponLimit,
    Course,
    FaultFired,
    PurchaseLimit,
    RunFacts,
    SupplyStep,
    Threshold,
    WorkloadFacts,
)
from scenarios.evidence.residue import Residue, residue_of
from scenarios.evidence.scope import in_scope
from scenarios.evidence.storage import (
    EvidenceUnreadableError,
    load_evidence,
    load_facts,
    save_evidence,
    save_facts,
)
from scenarios.evidence.views import ROW_TYPES, AuditTables, View, views_of

__all__ = [
    "NO_JOURNALS",
    "ROW_TYPES",
    "AuditTables",
    "Chart",
    "CouponLimit",
    "Course",
    "Evidence",
    "EvidenceUnreadableError",
    "FaultFired",
    "PspAccount",
    "Purchase",
    "PurchaseLimit",
    "Residue",
    "RunFacts",
    "SupplyStep",
    "Threshold",
    "View",
    "WorkloadFacts",
    "in_scope",
    "load_evidence",
    "load_facts",
    "residue_of",
    "save_evidence",
    "save_facts",
    "views_of",
]
