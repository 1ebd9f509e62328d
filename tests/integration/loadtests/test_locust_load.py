"""Locust itself, in processes of its own, against a tiny shop: what it does is recorded, measured and bounded."""

import asyncio
import dataclasses
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from loadtests.catalogue import suite
from loadtests.locust_load import LOCUST_PAGE, LoadRun, LocustLoad, Manner, free_port, locust_command
from loadtests.stage import LoadStage
from loadtests.suite import LoadParameters
from scenarios.cues import Cues
from scenarios.history import HistoryWriter, paired, read_history
from scenarios.workloads.market import Person
from scenarios.workloads.workload import LoadReport
from tests.support.tiny_shop import TinyShop, tiny_shop

CHECKOUT = suite("checkout")
HERE = Manner()


def prepared(shop: TinyShop, **changes: object) -> LoadRun:
    parameters = msgspec.structs.replace(LoadParameters(users=6, rate=6, for_s=5), **changes)
    stage = LoadStage(
        name="1-TINY",
        target=shop.url,
        elsewhere=False,
        processes=parameters.processes,
        for_s=parameters.for_s,
        requests_max=parameters.requests_max,
        crowd=CHECKOUT.crowd(parameters),
        rate=parameters.rate,
        people=tuple(Person(f"user-{n}", f"token-{n}") for n in range(12)),
        skus=("A", "B", "C"),
        words=("mug",),
        category="household",
    )

    async def renewed_people() -> tuple[Person, ...]:
        return stage.people

    return LoadRun(parameters=parameters, stage=stage, opened_at=0.0, renewed_people=renewed_people)


async def played(run: LoadRun, directory: Path, manner: Manner = HERE) -> tuple[LoadReport, list[str]]:
    """What the load reports, and the keys of the orders in the history."""
    path = directory / "history.jsonl"
    with HistoryWriter(path) as history:
        report = await LocustLoad(CHECKOUT, manner).play(run, history, Cues())
    operations = list(paired(read_history(path)))
    assert {it.outcome for it in operations} <= {"ok", "info"}
    return report, [it.invoke.key for it in operations if it.invoke.function == "place_order"]


def locusts() -> list[int]:
    """The living ones; what has ended and is not yet waited for is none."""
    found: list[int] = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "locust" in " ".join(child.cmdline()):
                found.append(child.pid)
    return found


async def test_what_two_processes_do_is_in_one_history_and_measured(tmp_path: Path) -> None:
    async with tiny_shop() as shop:
        report, keys = await played(prepared(shop, processes=2), tmp_path)
        assert report.problems == ()
        assert report.figures["workers"] == 2
        assert set(keys) == set(shop.orders)
        assert report.figures["POST /orders: requests"] >= 1
        assert report.figures["errors_share"] == 0
        assert {chart.title for chart in report.charts} >= {"Requests", "Simulated people"}
        assert "<html" in (tmp_path / LOCUST_PAGE).read_text()
        assert "locust" not in sys.modules
        assert locusts() == []


async def test_a_worker_without_a_file_is_told_by_the_master_and_sends_its_records(tmp_path: Path) -> None:
    async with tiny_shop() as shop:
        port = free_port()
        manner = Manner(bind="127.0.0.1", port=port, workers=1)
        worker = await asyncio.create_subprocess_exec(
            *locust_command(CHECKOUT), "--worker", "--master-host=127.0.0.1", f"--master-port={port}",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        report, keys = await played(prepared(shop), tmp_path, manner)
        await worker.wait()
        assert report.problems == ()
        assert shop.orders
        assert set(keys) == set(shop.orders)


async def test_a_load_ends_after_so_many_requests_whatever_its_time(tmp_path: Path) -> None:
    async with tiny_shop() as shop:
        async with asyncio.timeout(60):
            report, _ = await played(prepared(shop, for_s=600, requests_max=20), tmp_path)
        assert report.figures["requests"] >= 20
        assert report.problems == ()


async def test_nothing_is_left_of_a_load_that_is_broken_off(tmp_path: Path) -> None:
    async with tiny_shop() as shop:
        playing = asyncio.create_task(played(prepared(shop, for_s=600, processes=2), tmp_path))
        async with asyncio.timeout(60):
            while not shop.orders:
                await asyncio.sleep(0.1)
        assert len(locusts()) == 3
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        assert locusts() == []


async def test_a_locust_that_does_not_get_under_way_makes_the_run_invalid(tmp_path: Path) -> None:
    async with tiny_shop() as shop:
        run = prepared(shop)
        elsewhere = msgspec.structs.replace(run.stage, target="http://shop.example")
        with HistoryWriter(tmp_path / "history.jsonl") as history:
            load = LocustLoad(CHECKOUT, HERE)
            report = await load.play(dataclasses.replace(run, stage=elsewhere), history, Cues())
        assert report.problems
        assert shop.asked == {}
