"""Reports of people's own: saved once they are understood, and deleted."""

from uuid import UUID

from shared.errors import Kind, Refusal
from shared.ids import new_id
from shared.unit_of_work import Connection, UnitOfWork
from svc.analytics.domain.definitions import Definition, understood
from svc.analytics.store import saved
from svc.analytics.store.saved import SavedReport


class ReportNameTaken(Refusal):
    code = "report_name_taken"
    kind = Kind.CONFLICT


class ReportNotFound(Refusal):
    code = "report_not_found"
    kind = Kind.NOT_FOUND


async def save_report(uow: UnitOfWork, *, name: str, definition: Definition, made_by: str) -> SavedReport:
    """Save the report. Raises `ReportNameTaken`, `InvalidReport`, `InvalidExpression`."""
    understood(definition)
    report = await saved.insert(uow.connection, new_id(), name=name, definition=definition, made_by=made_by)
    if report is None:
        raise ReportNameTaken(f"another report is called “{name}”")
    return report


async def saved_report(connection: Connection, report_id: UUID) -> SavedReport:
    """The report with this id. Raises `ReportNotFound`."""
    report = await saved.find(connection, report_id)
    if report is None:
        raise ReportNotFound("there is no such report")
    return report


async def delete_report(uow: UnitOfWork, report_id: UUID) -> None:
    """Delete the report, and mail it no more. Raises `ReportNotFound`."""
    if not await saved.delete(uow.connection, report_id):
        raise ReportNotFound("there is no such report")
