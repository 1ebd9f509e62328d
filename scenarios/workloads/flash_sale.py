"""Ten thousand buyers want a hundred jackets: one buy-now request each, some impatient, some declined, some greedy.

Every attempt is in the history before its bytes leave. A buyer whose answer is lost asks again with the same key.
"""

import asyncio
import hashlib
import random
from collections.abc import Callable, Sequence

import aiohttp
import msgspec

from scenarios.history import PLACE_ORDER, HistoryWriter, OrderAnswer, OrderAttempt, WantedLine
from scenarios.workloads.open_model import EngineReport, play, raise_file_limit

IMPATIENT_TIMEOUT_S = 0.03
PATIENT_TIMEOUT_S = 12.0
ABANDON_AFTER_S = 0.02
ATTEMPTS_MAX = 6
BACK_OFF_S = (0.1, 0.3, 0.8, 1.5, 3.0)
NO_EFFECT_CODES = frozenset({"overloaded", "rate_limited", "too_many_requests", "circuit_open"})
"""5xx and 429 answers whose contract says that the request was not begun."""

ADDRESS = {
    "name": "A. Buyer",
    "line1": "1 Market Street",
    "city": "Dublin",
    "postal_code": "D01 F5P2",
    "country": "IE",
}


class Buyer(msgspec.Struct, frozen=True):
    customer_id: str
    access_token: str


class SalePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of one sale; shares are of all buyers. Everything random comes from `seed`."""

    seed: int
    sku: str
    units: int
    buyers: int
    over_s: float
    volley: int = 200
    impatient_share: float = 0.05
    abandon_share: float = 0.03
    declined_share: float = 0.04
    greedy_share: float = 0.02
    """Buyers who try several orders at once, with a key each, although the limit is two."""
    greedy_orders: int = 3
    greedy_first: bool = False
    """Whether the greedy are the quickest, as resellers' programs are."""


class _Character(msgspec.Struct, frozen=True):
    impatient: bool
    abandons: bool
    payment_method: str
    greedy: bool


class FlashSale:
    """Plays one sale against the gateway. `confirmed` counts the orders told to a client so far."""

    def __init__(self, plan: SalePlan, buyers: Sequence[Buyer], history: HistoryWriter, *, gateway_url: str) -> None:
        assert len(buyers) >= plan.buyers, "a buyer for every arrival"
        self.plan = plan
        self._buyers = buyers
        self._history = history
        self._url = f"{gateway_url}/api/v1/orders"
        self._http: aiohttp.ClientSession | None = None
        self._watchers: list[tuple[int, Callable[[], None]]] = []
        chance = random.Random(plan.seed)
        self._characters = [_character(plan, chance) for _ in range(plan.buyers)]
        if plan.greedy_first:
            self._characters.sort(key=lambda character: not character.greedy)
        self._arrivals = _arrivals(plan, chance)
        self.confirmed = 0

    def at_confirmed(self, count: int, callback: Callable[[], None]) -> None:
        """Call back once when this many orders are confirmed; a fault's cue."""
        self._watchers.append((count, callback))

    async def play(self) -> EngineReport:
        """The whole sale, to the last answer."""
        raise_file_limit()
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=10.0)
        async with aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        ) as self._http:
            return await play(self._arrivals, self._buy)

    async def _buy(self, index: int) -> None:
        buyer, character = self._buyers[index], self._characters[index]
        orders = self.plan.greedy_orders if character.greedy else 1
        keys = [f"{self.plan.sku}-{index}-{number}" for number in range(1, orders + 1)]
        async with asyncio.TaskGroup() as group:
            for key in keys:
                group.create_task(self._order(buyer, character, key))

    async def _order(self, buyer: Buyer, character: _Character, key: str) -> None:
        body = msgspec.json.encode(
            {
                "items": [{"sku": self.plan.sku, "quantity": 1}],
                "payment_method": character.payment_method,
                "shipping_address": ADDRESS,
            }
        )
        attempt = OrderAttempt(
            customer_id=buyer.customer_id,
            lines=(WantedLine(self.plan.sku, 1),),
            payment_method=character.payment_method,
            fingerprint=hashlib.sha256(body).hexdigest()[:16],
        )
        process = self._history.new_process()
        for number in range(ATTEMPTS_MAX):
            timeout_s = PATIENT_TIMEOUT_S
            if number == 0 and character.impatient:
                timeout_s = IMPATIENT_TIMEOUT_S
            if number == 0 and character.abandons:
                timeout_s = ABANDON_AFTER_S
            again, process = await self._attempt(buyer, attempt, key, body, process=process, timeout_s=timeout_s)
            if not again or character.abandons:
                return
            await asyncio.sleep(BACK_OFF_S[min(number, len(BACK_OFF_S) - 1)])

    async def _attempt(
        self, buyer: Buyer, attempt: OrderAttempt, key: str, body: bytes, *, process: int, timeout_s: float
    ) -> tuple[bool, int]:
        """One request. Tells whether to ask again, and as which process."""
        assert self._http is not None
        headers = {
            "Authorization": f"Bearer {buyer.access_token}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        }
        invocation = self._history.invoke(process, PLACE_ORDER, key=key, value=attempt)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._http.post(self._url, data=body, headers=headers) as answer,
            ):
                status = answer.status
                trace_id = answer.headers.get("X-Trace-Id", "")
                replayed = "Idempotency-Replayed" in answer.headers
                content = await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return True, self._history.info(invocation, error=type(error).__name__)
        if status in (200, 201):
            self._confirm()
            self._history.ok(invocation, value=_answer(status, content, replayed=replayed), trace_id=trace_id)
            return False, process
        code = _code(content)
        if status == 409 and code == "request_in_flight":
            self._history.fail(invocation, error=code, trace_id=trace_id)
            return True, process
        if status in (429, 503) and code in NO_EFFECT_CODES:
            self._history.fail(invocation, error=code, trace_id=trace_id)
            return True, process
        if status >= 500:
            return True, self._history.info(invocation, error=code or str(status), trace_id=trace_id)
        self._history.fail(
            invocation,
            error=code or str(status),
            value=OrderAnswer(status_code=status, replayed=replayed, answer_sha256=_digest(content)),
            trace_id=trace_id,
        )
        return False, process

    def _confirm(self) -> None:
        self.confirmed += 1
        due = [callback for count, callback in self._watchers if self.confirmed >= count]
        self._watchers = [watcher for watcher in self._watchers if self.confirmed < watcher[0]]
        for callback in due:
            callback()


class _Order(msgspec.Struct):
    id: str
    status: str
    total: dict[str, str]
    discount: dict[str, str] | None = None


class _Problem(msgspec.Struct):
    code: str = ""


def _answer(status: int, content: bytes, *, replayed: bool) -> OrderAnswer:
    order = msgspec.json.decode(content, type=_Order)
    return OrderAnswer(
        status_code=status,
        order_id=order.id,
        status=order.status,
        total_minor=_minor(order.total),
        discount_minor=_minor(order.discount) if order.discount else 0,
        currency=order.total["currency"],
        replayed=replayed,
        answer_sha256=_digest(content),
    )


def _minor(wire: dict[str, str]) -> int:
    """The sale's currency has two decimals."""
    whole, _, cents = wire["amount"].partition(".")
    return int(whole) * 100 + int(cents.ljust(2, "0"))


def _code(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=_Problem).code
    except msgspec.DecodeError:
        return ""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _character(plan: SalePlan, chance: random.Random) -> _Character:
    return _Character(
        impatient=chance.random() < plan.impatient_share,
        abandons=chance.random() < plan.abandon_share,
        payment_method="tok_declined" if chance.random() < plan.declined_share else "tok_visa",
        greedy=chance.random() < plan.greedy_share,
    )


def _arrivals(plan: SalePlan, chance: random.Random) -> list[float]:
    """A synchronised volley at the opening, then a constant rate with exponential gaps."""
    volley = min(plan.volley, plan.buyers)
    spread = sorted(chance.uniform(0.0, plan.over_s) for _ in range(plan.buyers - volley))
    return [0.0] * volley + spread
