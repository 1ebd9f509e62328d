"""The exchange-rate source: quotes that change when the operator says so, each one journalled.

A rate is a decimal string; what a rate was at a moment can be read from the journal.
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from scenarios.world.http_api import ApiError, Routes, answer, decoded, trace_id
from scenarios.world.journal_writer import JournalWriter
from scenarios.world.journals import EXCHANGE_JOURNAL, ExchangeRecord, iterate
from shared.currencies import Currency

DIGITS = Decimal("0.000001")
Rate = Annotated[str, msgspec.Meta(pattern=r"^\d{1,7}(\.\d{1,6})?(?![\s\S])")]

PER_EURO: dict[str, str] = {
    "EUR": "1",
    "USD": "1.086957",
    "GBP": "0.853",
    "CHF": "0.941",
    "JPY": "163.2",
    "PLN": "4.31",
    "KWD": "0.3334",
}


class RateChange(msgspec.Struct, frozen=True):
    """One euro in `currency` from now on."""

    currency: Currency
    per_euro: Rate


class Exchange:
    """Rates by currency, all against the euro."""

    def __init__(self, folder: Path) -> None:
        """Takes up the changed rates from the journal in `folder`. Raises JournalInUseError."""
        self.journal: JournalWriter[ExchangeRecord] = JournalWriter(folder / EXCHANGE_JOURNAL)
        self._per_euro = dict(PER_EURO)
        for record in iterate(self.journal.path, ExchangeRecord):
            if record.kind == "changed":
                self._per_euro[record.quote] = record.rate

    def routes(self) -> Routes:
        """The table for the HTTP server."""
        return [
            web.get("/v1/exchange-rates", self.quote),
            web.put("/control/exchange-rates", self.change),
        ]

    async def quote(self, request: web.Request) -> web.Response:
        """The rate from `base` to `quote` now, with an id by which the journal finds it again."""
        base, quote = request.query.get("base", "EUR"), request.query.get("quote", "")
        for currency in (base, quote):
            if currency not in self._per_euro:
                raise ApiError(422, "unknown_currency", f"no rate for {currency!r}")
        rate = (Decimal(self._per_euro[quote]) / Decimal(self._per_euro[base])).quantize(DIGITS)
        record = ExchangeRecord(kind="quoted", base=base, quote=quote, rate=str(rate), trace_id=trace_id(request))
        self.journal.append(record)
        quoted = {"id": f"rate_{record.n}", "base": base, "quote": quote, "rate": str(rate), "at": int(record.at)}
        return answer(quoted)

    async def change(self, request: web.Request) -> web.Response:
        """Set one rate; quotes already given are not touched."""
        change = await decoded(request, RateChange)
        if Decimal(change.per_euro) == 0:
            raise ApiError(400, "invalid_body", "a rate is more than zero")
        self.journal.append(ExchangeRecord(kind="changed", base="EUR", quote=change.currency, rate=change.per_euro))
        self._per_euro[change.currency] = change.per_euro
        return answer(change)

    def close(self) -> None:
        """Release the journal."""
        self.journal.close()
