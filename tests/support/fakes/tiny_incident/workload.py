"""Somebody pays each bill twice at the provider, as a client does whose first answer was lost."""

from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

import aiohttp
import msgspec
from msgspec import Meta

from scenarios.cues import Cues
from scenarios.evidence import WorkloadFacts
from scenarios.fleet import Fleet
from scenarios.history import HistoryWriter
from scenarios.workloads.workload import LoadReport

PAY = "pay"
HALF_PAID = "half_paid"


class BillParameters(msgspec.Struct, frozen=True, kw_only=True):
    bills: Annotated[int, Meta(ge=1, le=100, description="bills to pay")] = 4
    same_key: Annotated[bool, Meta(description="whether the second try uses the key of the first")] = True


@dataclass(frozen=True)
class Stage:
    parameters: BillParameters
    bills: str
    """What the references of this run's bills begin with."""
    psp_url: str


class PayBills:
    async def prepare(self, fleet: Fleet, parameters: BillParameters, *, seed: int) -> Stage:
        return Stage(parameters, f"bill-{seed}-{uuid4().hex[:8]}", fleet.url("psp"))

    async def play(self, stage: Stage, history: HistoryWriter, cues: Cues) -> LoadReport:
        bills = stage.parameters.bills
        async with aiohttp.ClientSession() as http:
            for bill in range(bills):
                await self._pay(http, stage, history, bill)
                cues.done((bill + 1) / bills)
                if 2 * (bill + 1) >= bills:
                    cues.signal(HALF_PAID)
        return LoadReport(figures={"bills": bills})

    def facts(self, stage: Stage, report: LoadReport) -> WorkloadFacts:
        del stage, report
        return WorkloadFacts()

    async def _pay(self, http: aiohttp.ClientSession, stage: Stage, history: HistoryWriter, bill: int) -> None:
        process = history.new_process()
        reference = f"{stage.bills}-{bill}"
        body = {
            "merchant_reference": reference,
            "amount_minor": 100,
            "currency": "EUR",
            "payment_method": "tok_visa",
        }
        for attempt in (1, 2):
            key = reference if stage.parameters.same_key else f"{reference}-{attempt}"
            invocation = history.invoke(process, PAY, key=key, value={"bill": reference})
            async with http.post(f"{stage.psp_url}/v1/payments", json=body, headers={"Idempotency-Key": key}) as answer:
                history.ok(invocation, value={"status_code": answer.status})
