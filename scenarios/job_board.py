"""The queues of jobs of a running fleet, as an operator or a judge sees them."""

from compose import stack as stack_definition
from compose.layout import Layout
from shared.jobs_queue import JobBoard


def job_board(layout: Layout) -> JobBoard:
    """The board over all services of the stack; enter it before use."""
    services = [service.name for service in stack_definition.load().audited]
    return JobBoard(f"redis://127.0.0.1:{layout.port('redis')}/0", services=services)
