"""Everything is recorded; who is erased gets no more reports."""

from typing import Any

from shared.contracts import REGISTRY, Envelope
from shared.contracts.auth import UserDeleted
from shared.erasure import Erasure
from shared.kafka_consumer import Subscription
from shared.unit_of_work import UnitOfWork
from svc.analytics.handlers import Recorder


def subscription(recorder: Recorder, erasure: Erasure) -> Subscription:
    """Every event of every contract."""

    async def record_and_forget(uow: UnitOfWork, envelope: Envelope[Any]) -> None:
        await recorder.record(uow, envelope)
        await erasure.forget(uow, envelope)

    return {**dict.fromkeys(REGISTRY.values(), recorder.record), UserDeleted: record_and_forget}
