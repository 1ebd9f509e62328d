"""Jobs in Redis (SAQ): work that may be done twice and belongs to nobody's books.

Mails, reports, warm-ups, rebuilds and reconciliation are jobs; money is not (`shared.work_table`). A job is idempotent,
bounded in time and attempts, comes back when its worker dies, and ends as a dead job that people list, retry or drop.
Redis may lose it: what must not be lost has a row in a table, and whoever keeps that row asks again.
"""

from shared.jobs_queue.board import JobBoard, JobRow, JobUnknown
from shared.jobs_queue.queue import JobKind, JobQueue
from shared.jobs_queue.worker import JobGivenUpError, JobWorker

__all__ = ["JobBoard", "JobGivenUpError", "JobKind", "JobQueue", "JobRow", "JobUnknown", "JobWorker"]
