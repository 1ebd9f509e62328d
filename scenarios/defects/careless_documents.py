"""What the twins of the order of events share: a document overwritten by an event, whatever version it had."""

from shared.contracts import Envelope
from shared.contracts.catalog import ProductUpserted
from shared.unit_of_work import Connection, UnitOfWork
from svc.search import handlers


async def overwrite(connection: Connection, envelope: Envelope[ProductUpserted]) -> None:
    """Let the event win."""
    await connection.execute("DELETE FROM documents WHERE product_id = $1", envelope.data.product_id)
    await handlers.keep_product(UnitOfWork(connection), envelope)
