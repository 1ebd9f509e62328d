import asyncio

from shared.lanes import Lanes


class Pieces:
    """A table of work without a table."""

    def __init__(self, count):
        self.waiting = list(range(count))
        self.running = self.running_max = 0
        self.served = []
        self.gate = asyncio.Event()

    async def claim(self, rows_max):
        taken, self.waiting = self.waiting[:rows_max], self.waiting[rows_max:]
        return taken

    async def serve(self, piece):
        self.running += 1
        self.running_max = max(self.running_max, self.running)
        await self.gate.wait()
        self.running -= 1
        self.served.append(piece)
        if piece == 3:
            raise RuntimeError("a lane may fail")


async def test_no_more_is_claimed_than_there_are_free_lanes():
    pieces = Pieces(10)
    lanes = Lanes("test", claim=pieces.claim, serve=pieces.serve, lanes_max=4)
    assert await lanes.work() == 4
    waiting = asyncio.create_task(lanes.work())
    await asyncio.sleep(0)
    assert len(pieces.waiting) == 6
    pieces.gate.set()
    while await waiting:
        waiting = asyncio.create_task(lanes.work())
    await lanes.close()
    assert (sorted(pieces.served), pieces.running_max) == (list(range(10)), 4)


async def test_closing_cuts_off_what_takes_too_long(monkeypatch):
    monkeypatch.setattr("shared.lanes.STOP_GRACE_S", 0.01)
    pieces = Pieces(2)
    lanes = Lanes("test", claim=pieces.claim, serve=pieces.serve, lanes_max=4)
    await lanes.work()
    await lanes.close()
    assert pieces.served == []
