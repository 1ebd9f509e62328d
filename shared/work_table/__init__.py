"""Work that lives in tables: what is due is claimed, done outside of any transaction, and recorded in one of its own.

For work whose loss or doubling would cost money, because its row is written in the transaction that made it necessary.
What may be done twice and belongs to nobody's books is a job in Redis (`shared.jobs_queue`).
"""

from shared.work_table.engine import Verdict, WorkEngine
from shared.work_table.pace import Pace, WorkSettings
from shared.work_table.table import CallColumn, Claimed, WorkTable

__all__ = ["CallColumn", "Claimed", "Pace", "Verdict", "WorkEngine", "WorkSettings", "WorkTable"]
