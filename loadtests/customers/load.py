"""One process of a load: gets its stage, sends its records, keeps its bounds, and writes what was measured.

Processes on this machine read the stage from a file and write records into a pipe. One on another host asks the master
for the stage and sends its records to it.
"""

import os
import socket
import time
from pathlib import Path
from typing import Any, Final

import gevent
import locust
from gevent.event import AsyncResult
from locust.env import Environment
from locust.runners import STATE_INIT, STATE_RUNNING, STATE_SPAWNING, MasterRunner, WorkerRunner

from loadtests.measured import write_measured
from loadtests.records import sourced_writer, to_pipe
from loadtests.stage import LoadStage, read_stage

STAGE_WANTED: Final = "stage_wanted"
STAGE: Final = "stage"
RECORDS: Final = "records"
STAGE_WITHIN_S: Final = 30.0
SEND_EVERY_S: Final = 0.2
READ_EVERY_S: Final = 5.0
LOOK_EVERY_S: Final = 0.25
LAST_WORD_S: Final = 1.0
"""What workers get to tell of the last answers."""
PAGE_STAYS_S: Final = 10.0
NOT_BEGUN: Final = (STATE_INIT,)
UNDER_WAY: Final = (STATE_SPAWNING, STATE_RUNNING)


class Load:
    """What the customers of this process share; there is one per process, made when Locust begins."""

    current: "Load"

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._stage: AsyncResult[LoadStage] = AsyncResult()
        self._unsent: list[bytes] = []
        self._pipe = options(environment).records_fd
        send = self._unsent.append if self._pipe < 0 else to_pipe(self._pipe)
        self.records = sourced_writer(f"{socket.gethostname()}-{os.getpid()}", send)
        self._people = 0

    @property
    def stage(self) -> LoadStage:
        """Waits for it on another host."""
        stage = self._stage.get(timeout=STAGE_WITHIN_S)
        assert stage is not None, "a stage is set only once it is there"
        return stage

    @property
    def runner(self) -> Any:
        """Locust's own, which says little of its types."""
        return self._environment.runner

    def next_person(self) -> int:
        """A number that no other customer of this load has; each process counts in its own lane."""
        number = self._people * self.stage.processes + max(0, self.runner.worker_index)
        self._people += 1
        return number % len(self.stage.people)

    def begin(self) -> None:
        """Take or ask for the stage, and look after what the role of this process wants looked after."""
        path: str = options(self._environment).stage
        if not path:
            self.runner.register_message(STAGE, self._take_stage)
            self.runner.send_message(STAGE_WANTED)
            gevent.spawn(self._keep_sending)
            return
        self._read(Path(path))
        gevent.spawn(self._keep_reading, Path(path))
        leads = isinstance(self.runner, MasterRunner)
        if leads:
            self.runner.register_message(STAGE_WANTED, self._give_stage)
            self.runner.register_message(RECORDS, self._pass_on)
        if not isinstance(self.runner, WorkerRunner):
            gevent.spawn(self._lead)

    def end(self) -> None:
        """Whoever leads writes what all of them measured."""
        if isinstance(self.runner, WorkerRunner):
            self._send()
        elif path := options(self._environment).measured:
            write_measured(self._environment, Path(path))

    def _read(self, path: Path) -> None:
        self._stage.set(read_stage(path.read_bytes()))

    def _keep_reading(self, path: Path) -> None:
        """A stage that was written anew is taken, and told to those who have no file."""
        leads = isinstance(self.runner, MasterRunner)
        read = path.stat().st_mtime_ns
        while path.exists():
            gevent.sleep(READ_EVERY_S)
            if path.exists() and (now := path.stat().st_mtime_ns) != read:
                read = now
                self._read(path)
                if leads:
                    self.runner.send_message(STAGE, path.read_text())

    def _take_stage(self, msg: Any, **_: object) -> None:
        self._stage.set(read_stage(msg.data))

    def _give_stage(self, msg: Any, **_: object) -> None:
        content = Path(options(self._environment).stage).read_text()
        self.runner.send_message(STAGE, content, client_id=msg.node_id)

    def _pass_on(self, msg: Any, **_: object) -> None:
        for line in msg.data:
            os.write(self._pipe, line)

    def _lead(self) -> None:
        """People come and go as planned, and all end when the time, the requests or the page's user say so.

        Locust's own time limit would leave before workers have told of the last answers.
        """
        while self.runner.state in NOT_BEGUN:
            gevent.sleep(LOOK_EVERY_S)
        began = time.monotonic()
        waiting = list(self.stage.crowd[1:])
        while self.runner.state in UNDER_WAY and self.runner.stats.total.num_requests < self.stage.requests_max:
            passed_s = time.monotonic() - began
            if passed_s >= self.stage.for_s:
                break
            if waiting and passed_s >= waiting[0].at_s and self.runner.state == STATE_RUNNING:
                self.runner.start(waiting.pop(0).users, self.stage.rate)
            gevent.sleep(LOOK_EVERY_S)
        self.runner.stop()
        gevent.sleep(LAST_WORD_S)
        if self._environment.web_ui is not None:
            gevent.sleep(PAGE_STAYS_S)
            self._environment.web_ui.stop()
        self.runner.quit()

    def _keep_sending(self) -> None:
        while True:
            gevent.sleep(SEND_EVERY_S)
            self._send()

    def _send(self) -> None:
        if self._unsent:
            lines, self._unsent[:] = list(self._unsent), []
            self.runner.send_message(RECORDS, lines)


def options(environment: Environment) -> Any:
    """The command line, with what `add_options` added to it."""
    assert environment.parsed_options is not None
    return environment.parsed_options


def add_options(parser: Any) -> None:
    """Plain texts and numbers: the master tells its workers all options."""
    parser.add_argument("--stage", default="", include_in_web_ui=False)
    parser.add_argument("--measured", default="", include_in_web_ui=False)
    parser.add_argument("--records-fd", type=int, default=-1, include_in_web_ui=False)


def begin(environment: Environment, **_: object) -> None:
    Load.current = Load(environment)
    Load.current.begin()


def end(**_: object) -> None:
    Load.current.end()


_events: Any = locust.events
_events.init_command_line_parser.add_listener(add_options)
_events.init.add_listener(begin)
_events.quitting.add_listener(end)
