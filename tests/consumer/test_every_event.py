"""Every event that a service declares it consumes, against all that a broker and a dying process do to it.

Nothing is listed here: services and events come from the declarations, payloads from the event structs. All cells of a
service are played on one running consumer; each test reads what went wrong in its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import uvloop
from structlog.testing import capture_logs

from shared.contracts import REGISTRY, Envelope, Event
from shared.contracts.auth import UserDeleted
from shared.crash_points import Point, name_of
from shared.declaration import EVERYTHING
from shared.kafka_producer import Message
from tests.support.apps import DECLARED, SERVICES, consumed
from tests.support.builders.samples import OLDER_DATA, Case
from tests.support.consuming import Bench, Effects, bench_of, rewritten
from tests.support.event_stories import OUTCOMES, story_of
from tests.support.forked import was_killed
from tests.support.services import until

TOLD_BY_THE_SERVICE = ("outbox",)
"""What it tells, and in which version, follows the order in which it heard."""
CRASHES: dict[str, Point] = {"crash before commit": "before-commit", "crash after commit": "after-commit"}

Change = Callable[[Envelope[Event]], Iterable[Message | Envelope[Event]]]


class Cells:
    """The cells of one event of one service. Each fails, or does not."""

    def __init__(self, bench: Bench, event_type: str) -> None:
        self.bench, self.type = bench, event_type
        self.story = story_of(bench.service.name, event_type, consumed(bench.service.name))
        self.once: Effects = ()

    async def one(self) -> tuple[Case, list[Envelope[Event]]]:
        """Somebody new, and what is told about them up to the event, which is the last."""
        case = await self.bench.case(self.type)
        until_now = self.story[: self.story.index(self.type) + 1]
        return case, [case.envelope(it, version) for version, it in enumerate(until_now, start=1)]

    async def effects_of(self, *changes: Change) -> tuple[Effects, Envelope[Event]]:
        """What telling it changes, when it is told as each of `changes` says."""
        case, (*before_it, event) = await self.one()
        await self.bench.tell(*before_it)
        before = await self.bench.rows()
        for change in changes:
            await self.bench.tell(*change(event))
        return await self.bench.effects(case, before), event

    async def is_as_once(self, *changes: Change) -> None:
        effects, _ = await self.effects_of(*changes)
        assert effects == self.once
        assert await self.bench.new_letters() == []

    async def is_set_aside(self, change: Change, *reasons: str) -> None:
        """It changes nothing, becomes these letters, and what is told of others goes on."""
        effects, event = await self.effects_of(change)
        assert effects == ()
        letters = await self.bench.new_letters()
        assert [reason for reason, _ in letters] == list(reasons)
        assert {aggregate for reason, aggregate in letters if reason != "undecodable"} == {event.aggregate_id}
        await self.is_as_once(lambda event: [event])

    async def control(self) -> None:
        self.once, _ = await self.effects_of(lambda event: [event])
        assert await self.bench.new_letters() == []
        assert self.once, "the sample changes nothing; tests/support/event_stories.py says what must be there before"

    async def duplicate(self) -> None:
        await self.is_as_once(lambda event: [event, event], lambda event: [event])

    async def reordered(self) -> None:
        """It comes before what it follows, or after what follows it; alone in its story, after a newer one."""
        story = self.story if len(self.story) > 1 else (self.type, self.type)
        numbers = range(len(story))
        mine = story.index(self.type)
        moved = [*numbers[1:], 0] if mine == 0 else [mine, *numbers[:mine], *numbers[mine + 1 :]]
        shown = OUTCOMES.get(self.bench.service.name, "")
        ends = []
        for order in (numbers, moved):
            case = await self.bench.case(self.type)
            wordings = [""] * len(story) if len(self.story) > 1 else ["", " changed"]
            told = [case.envelope(it, n + 1, wording=wordings[n]) for n, it in enumerate(story)]
            before = await self.bench.rows(shown)
            for n in order:
                await self.bench.tell(told[n])
            await self._tidied()
            effects = await self.bench.effects(case, before, shown)
            ends.append([it for it in effects if it[1] not in TOLD_BY_THE_SERVICE])
        assert await self.bench.new_letters() == []
        assert ends[0] == ends[1]

    async def _tidied(self) -> None:
        """What came too late about an erased person is forgotten with the next one who is."""
        if UserDeleted.type in self.story:
            bystander = await self.bench.case(self.type)
            await self.bench.tell(bystander.envelope(UserDeleted.type, 1))

    async def older_version(self) -> None:
        """As a release before told it: without what is optional now, and by each earlier schema."""
        event_type = REGISTRY[self.type]
        optional = [it.name for it in msgspec.structs.fields(event_type) if not it.required]
        await self.is_as_once(lambda event: [rewritten(event, without=optional)])
        for version in range(1, event_type.schema_version):
            then = OLDER_DATA[self.type, version]
            await self.is_as_once(lambda event, version=version, then=then: [rewritten(event, then, version=version)])

    async def newer_version(self) -> None:
        """A field more is nothing; another schema waits for a reader that knows it."""
        next_version = REGISTRY[self.type].schema_version + 1
        await self.is_as_once(lambda event: [rewritten(event, told_since={"a": [1]})])
        await self.is_set_aside(lambda event: [rewritten(event, version=next_version)], "newer_version")

    async def poison(self) -> None:
        needed = [it.name for it in msgspec.structs.fields(REGISTRY[self.type]) if it.required]

        def poisoned(event: Envelope[Event]) -> list[Message | Envelope[Event]]:
            broken = rewritten(event, without=needed[-1:])
            junk = Message(broken.topic, broken.key, b"\x00 no event")
            behind = msgspec.structs.replace(event, id=Case(event.aggregate_id).id("behind"))
            return [broken, behind, junk]

        await self.is_set_aside(poisoned, "invalid_data", "parked", "undecodable")


CONDITIONS: dict[str, Callable[[Cells], Any]] = {
    "duplicate": Cells.duplicate,
    "reordered": Cells.reordered,
    "older version": Cells.older_version,
    "newer version": Cells.newer_version,
    "poison": Cells.poison,
}


class Outcome(dict[tuple[str, str], BaseException | None]):
    """Event and condition → what failed."""

    async def note(self, event_type: str, condition: str, cell: Any) -> None:
        try:
            self[event_type, condition] = await cell
        except Exception as error:  # noqa: BLE001 raised in the cell's own test
            self[event_type, condition] = error


async def _play(bench: Bench) -> Outcome:
    outcome = Outcome()
    every = [Cells(bench, event_type) for event_type in sorted(consumed(bench.service.name))]
    async with bench.consuming():
        for cells in every:
            await outcome.note(cells.type, "control", cells.control())
            for condition, play in CONDITIONS.items():
                await outcome.note(cells.type, condition, play(cells))
    for condition, point in CRASHES.items():
        for cells in every:
            await outcome.note(cells.type, condition, _crash(bench, cells, point))
    return outcome


async def _crash(bench: Bench, cells: Cells, point: Point) -> None:
    """The process that applies the event dies there; the next one finds it applied, or applies it."""
    async with bench.mortal(name_of(cells.type, point)) as process:
        case, (*before_it, event) = await cells.one()
        await bench.publish(*before_it)
        for told in before_it:
            await until(lambda told=told: bench.is_applied(told.id))
        before = await bench.rows()
        await bench.publish(event)
        assert await was_killed(process)
        assert await bench.is_applied(event.id) is (point == "after-commit")
    async with bench.consuming():
        await bench.caught_up()
        assert await bench.effects(case, before) == cells.once
        assert await bench.new_letters() == []


@dataclass
class Plays:
    """Outcomes by service, each played when the first test asks."""

    engines: Any
    played: dict[str, Outcome]

    def of(self, service: str) -> Outcome:
        if service not in self.played:
            with capture_logs():
                self.played[service] = uvloop.run(self._play(service))
        return self.played[service]

    async def _play(self, service: str) -> Outcome:
        async with bench_of(self.engines, service, f"every-{service}.") as bench:
            return await _play(bench)


@pytest.fixture(scope="module")
def plays(engines):
    return Plays(engines, {})


def _marks(service: str) -> list[pytest.MarkDecorator]:
    """Who consumes everything takes a minute for each event: not every day; the catalog's time is to be measured."""
    rarely = DECLARED[service].consumes == (EVERYTHING,) or service == "catalog"
    return [pytest.mark.service(service), *([pytest.mark.matrices] if rarely else [])]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("condition", [*CONDITIONS, *CRASHES])
@pytest.mark.parametrize(
    ("service", "event_type"),
    [
        pytest.param(service, event_type, marks=_marks(service), id=f"{service}-{event_type}")
        for service in SERVICES
        for event_type in sorted(consumed(service))
    ],
)
def test_whatever_happens_on_the_way_an_event_has_its_effect_once_and_in_order(plays, service, event_type, condition):
    outcome = plays.of(service)
    for failed in (outcome[event_type, "control"], outcome[event_type, condition]):
        if failed is not None:
            raise failed
