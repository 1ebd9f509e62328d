"""A customer of the shop as Locust plays one: looks at things, and buys so that the judges can follow it.

Reads are only measured. Writes stand in the history of the run, before their bytes leave and once they are answered.
"""

import random
import time
from collections.abc import Collection
from typing import Any, Final
from uuid import uuid4

import gevent
import msgspec
from locust import FastHttpUser
from locust.env import Environment

from loadtests.customers.load import Load
from loadtests.stage import LoadStage
from scenarios.checkers.standing import CANCELLED_STATUSES, PAID_STATUSES
from scenarios.history import OrderAnswer, WantedLine
from scenarios.workloads.market import Person
from scenarios.workloads.requests import Answered, Judged, Request, cancel_order, judged, place_order

PATIENT_TIMEOUT_S: Final = 12.0
ATTEMPTS_MAX: Final = 5
BACK_OFF_S: Final = (0.1, 0.3, 0.8, 1.5)
LOOK_AGAIN_S: Final = 0.5
SETTLED: Final = PAID_STATUSES | CANCELLED_STATUSES
TOO_LATE: Final = frozenset({"order_already_shipped", "order_not_cancellable"})
"""What somebody hears whose change of mind comes when the parcel has left."""
DECLINED_SHARE: Final = 0.04
CANCEL_SHARE: Final = 0.04
DOUBLE_CLICK_SHARE: Final = 0.1
NO_ANSWER: Final = "no answer"
UNKNOWN: Final = Judged("info", again=True, error=NO_ANSWER)
Json = dict[str, Any]


class Customer(FastHttpUser):
    """Somebody of the stage's people, for whom nobody else stands in while there are enough of them.

    The target is the stage's: what the web page says of a host is not listened to.
    """

    abstract = True
    connection_timeout = PATIENT_TIMEOUT_S
    network_timeout = PATIENT_TIMEOUT_S
    max_redirects = 0

    def __init__(self, environment: Environment) -> None:
        self.host = self.stage.target
        super().__init__(environment)
        self._http: Any = self.client
        self._number = Load.current.next_person()
        self.chance = random.Random(f"{self.stage.name}-{self._number}")
        self._process = Load.current.records.new_process()

    @property
    def stage(self) -> LoadStage:
        return Load.current.stage

    @property
    def person(self) -> Person:
        """With the newest token."""
        return self.stage.people[self._number]

    def look(self, path: str, *, name: str = "", token: bool = False) -> Any:
        """GET something; None when it was not to be had. `name` groups what differs only by an id."""
        headers = {"Authorization": f"Bearer {self.person.access_token}"} if token else {}
        with self._http.request(
            "GET", f"/api/v1{path}", name=name or path.partition("?")[0], headers=headers, catch_response=True
        ) as answer:
            if answer.status_code == 200:
                answer.success()
                return msgspec.json.decode(answer.content or b"null")
            answer.failure(_reason(answer))
            return None

    def change_cart(self, method: str, path: str = "", body: Json | None = None) -> bool:
        """Something about the cart; outside the history, for orders name their goods."""
        with self._http.request(
            method,
            f"/api/v1/cart{path}",
            name=f"/cart{'/items' if path else ''}",
            data=msgspec.json.encode(body or {}),
            headers=self._headers(),
            catch_response=True,
        ) as answer:
            if answer.status_code in (200, 201):
                answer.success()
                return True
            answer.failure(_reason(answer))
            return False

    def some_lines(self, lines_max: int = 2) -> tuple[WantedLine, ...]:
        """Goods of the load's own, of which there are plenty."""
        skus = self.chance.sample(self.stage.skus, min(len(self.stage.skus), self.chance.randint(1, lines_max)))
        return tuple(WantedLine(sku, self.chance.randint(1, 2)) for sku in skus)

    def buy(self, lines: tuple[WantedLine, ...], *, expected: Collection[str] = ()) -> OrderAnswer | None:
        """Place an order and insist on an answer, with one key; some click twice, some cards are declined.

        `expected` are refusals by which the shop does what it should.
        """
        declined = self.chance.random() < DECLINED_SHARE
        request = place_order(
            self.person,
            key=str(uuid4()),
            lines=lines,
            payment_method="tok_declined" if declined else "tok_visa",
        )
        found = self.insist(request, name="/orders", expected=expected)
        if self.chance.random() < DOUBLE_CLICK_SHARE:
            found = self.insist(request, name="/orders (again)", expected=expected)
        return found.value if found.type == "ok" else None

    def watch(self, order: OrderAnswer, *, patience_s: float) -> None:
        """Look at the order until it is paid or never will be; some change their mind before."""
        if self.chance.random() < CANCEL_SHARE:
            self.insist(cancel_order(self.person, order.order_id), name="/orders/{id}/cancel", expected=TOO_LATE)
            return
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            shown = self.look(f"/orders/{order.order_id}", name="/orders/{id}", token=True)
            if shown is None or shown["status"] in SETTLED:
                return
            gevent.sleep(LOOK_AGAIN_S)

    def insist(self, request: Request, *, name: str, expected: Collection[str] = ()) -> Judged:
        """Ask until there is a definite answer, with the same key."""
        found = self._ask(request, name=name, expected=expected)
        for pause_s in BACK_OFF_S:
            if not found.again:
                break
            gevent.sleep(pause_s)
            found = self._ask(request, name=name, expected=expected)
        return found

    def _ask(self, request: Request, *, name: str, expected: Collection[str]) -> Judged:
        records = Load.current.records
        invocation = records.invoke(self._process, request.function, key=request.key, value=request.attempt)
        with self._http.request(
            request.method,
            f"/api/v1{request.path}",
            name=name,
            data=request.body,
            headers=self._headers(request.key),
            catch_response=True,
        ) as answer:
            answered = _answered(answer)
            found = judged(request, answered) if answered.status else UNKNOWN
            if found.type == "ok":
                records.ok(invocation, value=found.value, trace_id=answered.trace_id)
            elif found.type == "fail":
                records.fail(invocation, error=found.error, value=found.value, trace_id=answered.trace_id)
            else:
                self._process = records.info(invocation, error=found.error, trace_id=answered.trace_id)
            if 0 < answered.status < 400 or found.code in expected:
                answer.success()
            else:
                answer.failure(found.error)
        return found

    def _headers(self, key: str = "") -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.person.access_token}", "Content-Type": "application/json"}
        return headers | {"Idempotency-Key": key} if key else headers


def _answered(answer: Any) -> Answered:
    """Locust's answer as ours; status 0 is none at all."""
    headers: Any = answer.headers or {}
    return Answered(
        status=answer.status_code,
        content=answer.content or b"",
        replayed=headers.get("Idempotency-Replayed") == "true",
        trace_id=headers.get("X-Trace-Id", ""),
    )


def _reason(answer: Any) -> str:
    """The stable code of a refusal, by which Locust counts failures."""
    return _answered(answer).code or str(answer.status_code) if answer.status_code else NO_ANSWER
