"""What can happen to a service's handlers: events of one kind that cannot be applied, until somebody mends it."""

import asyncio
from datetime import datetime
from typing import Annotated, Final

import asyncpg
import msgspec

from compose.operator_error import OperatorError
from scenarios.faults.fault import FaultValue, until
from scenarios.faults.sessions import plant_trigger, pull_trigger, superuser
from scenarios.fleet import Fleet
from shared.contracts import REGISTRY
from shared.dead_letters import REASON_HANDLER_FAILED, REASON_PARKED

FAULT_PREFIX: Final = "fault: "
"""How PostgreSQL's log tells this refusal from one of the shop's own."""
REDRIVE_S_MAX: Final = 60.0
CALM_S: Final = 0.5
"""An attempt that failed just before the mending buries its event just after it."""
NAME: Final = "fault_unprocessable"

_CURABLE: Final = """
    SELECT count(*) FROM dead_letters letter
    WHERE consumer = $1 AND redriven_at IS NULL AND created_at >= $3 AND reason = ANY($2::text[]) AND NOT EXISTS (
        SELECT FROM dead_letters poison
        WHERE poison.consumer = $1 AND poison.aggregate_id = letter.aggregate_id
        AND poison.redriven_at IS NULL AND poison.reason <> ALL($2::text[])
    )
"""

_FIRST: Final = """
    SELECT min(created_at) FROM dead_letters
    WHERE consumer = $1 AND redriven_at IS NULL AND strpos(detail, $2) > 0
"""


class Unprocessable(FaultValue, frozen=True, kw_only=True, tag="unprocessable"):
    """A service cannot apply the events of one type of every `one_in`-th aggregate, as a constraint nobody thought of
    would do it. Healed as an operator does: the cause is mended, then the dead letters are redriven.
    """

    event: str
    one_in: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 5

    async def bite(self, fleet: Fleet) -> tuple[bool, str]:
        self._require(fleet)
        async with superuser(fleet, self.target) as connection:
            await plant_trigger(
                connection,
                NAME,
                on="BEFORE INSERT ON inbox",
                body=f"""
                IF NEW.type = '{self.event}' AND mod(hashtext(NEW.aggregate_id)::bigint & 65535, {self.one_in}) = 0
                THEN RAISE EXCEPTION '{FAULT_PREFIX}% of % cannot be applied', NEW.type, NEW.aggregate_id;
                END IF;""",
            )
            subject = await connection.fetchval(
                "SELECT 'probe-' || number FROM generate_series(1, 10000) number "
                "WHERE mod(hashtext('probe-' || number)::bigint & 65535, $1) = 0 LIMIT 1",
                self.one_in,
            )
            try:
                await connection.execute(
                    "INSERT INTO inbox (consumer, event_id, type, aggregate_id, aggregate_version) "
                    "VALUES ('probe', gen_random_uuid(), $1, $2, 1)",
                    self.event,
                    subject,
                )
            except asyncpg.PostgresError as error:
                return str(error).startswith(FAULT_PREFIX), str(error)
        return False, f"{self.target} takes {self.event}"

    async def heal(self, fleet: Fleet) -> None:
        async with superuser(fleet, self.target) as connection:
            mended = await connection.fetchval("SELECT 1 FROM pg_trigger WHERE tgname = $1", NAME)
            await pull_trigger(connection, NAME, table="inbox")
        if mended is not None:
            await self._redrive(fleet)

    async def _redrive(self, fleet: Fleet) -> None:
        """Until nothing is left that can be cured; what is of the same aggregate as a poison waits for ever.

        Letters from before the fault's first one have other causes, which nobody has mended.
        """
        curable = [REASON_HANDLER_FAILED, REASON_PARKED]

        first: datetime | None = None

        async def none_is_left() -> bool:
            nonlocal first
            await asyncio.sleep(CALM_S)
            async with superuser(fleet, self.target) as connection:
                first = first or await connection.fetchval(_FIRST, self.target, FAULT_PREFIX)
                if first is None:
                    return True
                since = {"since": first.isoformat()}
                await fleet.call(self.target, "POST", "/internal/dead-letters/redrive", params=since)
                return await connection.fetchval(_CURABLE, self.target, curable, first) == 0

        if not await until(none_is_left, deadline_s=REDRIVE_S_MAX):
            raise OperatorError(
                "letters.left",
                f"Dead letters of {self.target} cannot be redriven.",
                mend="Look with: shopctl events dlq list.",
            )

    def _require(self, fleet: Fleet) -> None:
        consumed = fleet.subscriptions()
        if self.target not in consumed or self.event not in consumed[self.target]:
            raise OperatorError(
                "handlers.unknown",
                f"{self.target} handles no {self.event!r}.",
                mend=f"Choose from: {', '.join(consumed.get(self.target) or sorted(REGISTRY))}.",
            )
