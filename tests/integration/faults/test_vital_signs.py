"""The vital signs of a real fleet: who works, who does not answer, and the board that draws them."""

import asyncio

import pytest
from textual.widgets import Label

from cli.top.board import Board, Table
from compose.operator_error import OperatorError
from scenarios.faults.processes import Pause
from scenarios.vital_signs import Observer
from tests.integration.faults.conftest import healthy

pytestmark = pytest.mark.timeout(360)
SEEN_S_MAX = 60


async def test_what_customers_ask_is_seen_at_the_gateway_and_behind_it(fleet):
    async with fleet:
        observer = Observer(fleet)
        first = await observer.glance()
        assert all(one.answers and one.requests_s is None for one in first.processes)
        for _ in range(20):
            async with fleet.http.get(f"{fleet.gateway_url}/api/v1/auth/me") as answer:
                assert answer.status == 401
        seen = await observer.glance()
    assert seen.door.requests_s > 0
    assert seen.door.p99_s > 0
    (orders,) = seen.of("orders")
    assert orders.connections_max > 0
    assert orders.lag is not None


async def test_a_process_that_stands_still_does_not_answer_and_its_rates_begin_anew(fleet):
    async with fleet:
        observer = Observer(fleet)
        await observer.glance()
        stopped = await Pause("payments-1").inject(fleet)
        (payments,) = (await observer.glance()).of("payments")
        assert not payments.answers
        await stopped.heal()
        await healthy(fleet)
        (payments,) = (await observer.glance()).of("payments")
        assert payments.answers


async def test_the_board_draws_the_fleet_and_obeys_its_keys(fleet):
    board = Board(fleet, every_s=0.2)
    async with board.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: board.query_one("#processes", Table).row_count == 7)
        await until(pilot, lambda: str(board.query_one("#invariants", Table).get_row_at(0)[-1]) == "holds")
        await pilot.press("s", "p")
        await until(pilot, lambda: said(board).endswith("sorted by requests/s   paused"))
        await pilot.press("q")
    assert board.ended_by is None


async def test_the_board_ends_with_a_reason_when_the_fleet_is_gone(fleet, monkeypatch):
    async def gone():
        raise OperatorError("stack.down", "No supervisor answers.", mend="shopctl up")

    board = Board(fleet, every_s=0.2)
    async with board.run_test() as pilot:
        await until(pilot, lambda: board.query_one("#processes", Table).row_count == 7)
        monkeypatch.setattr(fleet, "processes", gone)
        async with asyncio.timeout(SEEN_S_MAX):
            while board.ended_by is None:
                await asyncio.sleep(0.05)
    assert board.ended_by.code == "stack.down"


def said(board: Board) -> str:
    return str(board.query_one("#door", Label).content)


async def until(pilot, seen) -> None:
    async with asyncio.timeout(SEEN_S_MAX):
        while not seen():
            await pilot.pause(0.05)
