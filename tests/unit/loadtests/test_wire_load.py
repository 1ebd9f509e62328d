"""Load over raw connections: what is sent, and what is made of the answers."""

import asyncio
import contextlib

import pytest

from loadtests.benchmarks.wire_load import ask, check_all_ok, run_load, run_paced, summary

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextlib.asynccontextmanager
async def server(seen, answer=ANSWER):
    async def serve(reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                seen.append(head.split(b"\r\n")[0].decode())
                writer.write(answer)
        except asyncio.IncompleteReadError:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def test_an_ask_keeps_its_query_and_its_headers():
    wish = ask("http://127.0.0.1:8000/products?limit=20", {"Accept": "x"})
    assert wish.content == b"GET /products?limit=20 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nAccept: x\r\n\r\n"


def test_percentiles_are_of_the_sorted_times():
    load = summary([float(n) for n in range(100, 0, -1)], 2.0, {200: 100})
    assert (load.p50_ms, load.p95_ms, load.p99_ms, load.requests) == (51.0, 96.0, 100.0, 100)
    assert summary([7.0], 1.0, {200: 1}).p99_ms == 7.0


def test_an_answer_that_is_not_ok_is_no_measurement():
    check_all_ok(summary([1.0], 1.0, {200: 1}))
    with pytest.raises(RuntimeError, match="503"):
        check_all_ok(summary([1.0, 1.0], 1.0, {200: 1, 503: 1}))


async def test_asks_are_sent_in_turn_as_often_as_wanted():
    seen: list[str] = []
    async with server(seen) as url:
        load = await run_load([ask(f"{url}/{n}", {}) for n in "ab"], requests=7, connections=3)
    assert load.statuses == {200: 7}
    assert sorted(seen) == ["GET /a HTTP/1.1"] * 4 + ["GET /b HTTP/1.1"] * 3


async def test_a_paced_load_sends_what_is_due_over_few_connections():
    seen: list[str] = []
    async with server(seen) as url:
        load = await run_paced([ask(f"{url}/a", {})], per_s=200, seconds=0.1, connections=2)
    assert load.statuses == {200: 20}
    assert len(seen) == 20
