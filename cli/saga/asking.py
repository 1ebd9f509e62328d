"""What the commands of this group ask the orders service, as staff would."""

from uuid import UUID

from compose.operator_error import OperatorError
from scenarios.fleet import Fleet, FleetRefusedError, Json

SERVICE = "orders"
PATH = "/api/v1/orders/sagas"
PAGE = 100
ENDED = "saga_ended"
COLUMNS = ("order", "step", "status", "attempts", "in this step since", "should have ended", "not undone", "detail")


async def every_stuck(fleet: Fleet) -> list[Json]:
    """All stuck sagas, oldest first. Raises `OperatorError`."""
    found: list[Json] = []
    cursor: str | None = ""
    while cursor is not None:
        after = {"cursor": cursor} if cursor else {}
        page = await fleet.call(SERVICE, "GET", PATH, params={"limit": PAGE, **after})
        found += page["items"]
        cursor = page["next_cursor"]
    return found


async def resumed(fleet: Fleet, order: UUID | None) -> list[Json]:
    """The saga of one order, or every stuck one, told to go on; one that ended meanwhile needs nothing.

    Raises `OperatorError` (saga.unknown, when the one that was named has ended or never was).
    """
    wanted = [str(order)] if order is not None else [saga["order_id"] for saga in await every_stuck(fleet)]
    done: list[Json] = []
    for one in wanted:
        try:
            done.append(await fleet.call(SERVICE, "POST", f"{PATH}/{one}/resume"))
        except FleetRefusedError as refusal:
            if refusal.problem != ENDED:
                raise
            if order is not None:
                raise OperatorError(
                    "saga.unknown",
                    f"There is no saga of {one} that could go on: it has ended, or never was.",
                    mend="shopctl order tells its story.",
                ) from refusal
    return done


def table_row(saga: Json) -> tuple[object, ...]:
    """One line of the table."""
    settled = {"stock": saga["stock_settled"], "money": saga["money_settled"]}
    undone = ", ".join(what for what, done in settled.items() if not done) if saga["step"] == "compensating" else ""
    return (
        saga["order_id"], saga["step"], saga["status"], saga["attempts"], _seconds(saga["step_at"]),
        _seconds(saga["deadline_at"]), undone, saga["detail"],
    )  # fmt: skip


def _seconds(moment: str) -> str:
    """A moment without fractions of a second."""
    return moment[:19].replace("T", " ")
