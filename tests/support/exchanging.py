"""Rates of the simulated exchange, and what a running payments service makes of them for customers."""

from typing import Any

import aiohttp
import asyncpg

from scenarios.world.app import World
from tests.support.services import Served


async def set_rate(world: World, currency: str, per_euro: str) -> None:
    """Let one euro be worth so much from now on."""
    change = {"currency": currency, "per_euro": per_euro}
    async with aiohttp.request("PUT", f"{world.psp_url}/control/exchange-rates", json=change) as answer:
        assert answer.status == 200, await answer.text()


async def expire_quotes(payments: Served) -> None:
    """Let the time of every quote be over."""
    connection = await asyncpg.connect(payments.settings.database_url)
    try:
        await connection.execute(
            "SET session_replication_role = replica; "  # without the trigger that keeps a quote as it is
            "UPDATE conversion_quotes SET quoted_at = quoted_at - interval '1 hour', "
            "expires_at = quoted_at - interval '1 second'"
        )
    finally:
        await connection.close()


async def quote(payments: Served, customer_id: Any, source: str, target: str) -> tuple[int, Any]:
    """Status and body of one promise."""
    wish = {"customer_id": str(customer_id), "from_currency": source, "to_currency": target}
    return await payments.call("POST", "/internal/quotes", json=wish)
