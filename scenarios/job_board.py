"""The queues of jobs of a running fleet, as an operator or a judge sees them."""

from compose import stack as stack_definition
from compose.state import StackState
from shared.jobs_queue import JobBoard


def job_board(running: StackState) -> JobBoard:
    """The board over all services of the stack; enter it before use."""
    services = [service.name for service in stack_definition.load().audited]
    return JobBoard(running.urls["redis"], services=services)
