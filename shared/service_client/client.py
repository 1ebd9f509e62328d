"""The calls themselves: choosing an instance, attempting, and telling the failures apart."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any, TypeVar

import aiohttp
import msgspec
from redis.asyncio import Redis

from shared import deadline, metrics, tracing
from shared.bounded_map import BoundedMap
from shared.circuit_breaker import BreakerPolicy, CircuitBreaker
from shared.errors import RemoteRefusal, RemoteTimeoutError, RemoteUnavailableError
from shared.identity import HEADER as TOKEN_HEADER
from shared.identity import InternalTokens, Principal, service_principal
from shared.retry import RetryBudget, retrying
from shared.service_client.call import IDEMPOTENT_METHODS, Call
from shared.service_client.transport import new_session, read_bounded, refusal_of
from shared.service_registry import Instance, Registry
from shared.settings import ServiceSettings

CALL_LIMIT_S = 2.0
ATTEMPTS = 3
IN_FLIGHT_PER_SERVICE_MAX = 128
DECODERS_MAX = 256

_JSON = "application/json"

T = TypeVar("T")


class _Target:
    """What this process knows about one service it calls."""

    __slots__ = ("breaker", "budget", "in_flight", "outstanding")

    def __init__(self, breaker: CircuitBreaker) -> None:
        self.breaker = breaker
        self.budget = RetryBudget()
        self.in_flight = 0
        self.outstanding: dict[str, int] = {}


class ServiceClient:
    """Calls services by name. `open` inside the running loop, `close` at the end."""

    def __init__(
        self,
        settings: ServiceSettings,
        registry: Registry,
        tokens: InternalTokens,
        redis: "Redis",
        *,
        breaker_policy: BreakerPolicy | None = None,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._tokens = tokens
        self._redis = redis
        self._policy = breaker_policy
        self._self = service_principal(settings.service)
        self._targets: dict[str, _Target] = {}
        self._decoders: BoundedMap[Any, msgspec.json.Decoder[Any]] = BoundedMap(DECODERS_MAX)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Create the connection pool; connects to nothing yet."""
        self._session = new_session()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(  # noqa: PLR0913 - one call, all keyword-only but its address
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        response_type: type[T] | None = None,
        principal: Principal | None = None,
        idempotent: bool | None = None,
        timeout_s: float = CALL_LIMIT_S,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Call `method path` at one instance and decode the answer (None without response_type).

        `path` is already URL-encoded; `idempotent` defaults to what the method says. timeout_s bounds all
        attempts together and shrinks to the request's deadline. Raises RemoteRefusal on 4xx,
        RemoteTimeoutError when the outcome is unknown for lack of time, RemoteUnavailableError otherwise,
        CircuitOpenError without calling, DeadlineExceeded when there is no time to even start.
        """
        deadline.check()
        target = self._target(service)
        if target.in_flight >= IN_FLIGHT_PER_SERVICE_MAX:
            raise RemoteUnavailableError(f"too many calls to {service} at once", effect_possible=False)
        repeatable = method in IDEMPOTENT_METHODS if idempotent is None else idempotent
        call = Call(
            service=service,
            method=method,
            path=path,
            body=None if json is None else msgspec.json.encode(json),
            params=params,
            token=self._tokens.mint(principal if principal is not None else self._self, service),
            headers=headers,
            repeatable=repeatable,
        )
        target.in_flight += 1
        try:
            with deadline.within(timeout_s):
                content = await retrying(
                    lambda: self._attempt(target, call), attempts=ATTEMPTS, on=call.may_repeat, budget=target.budget
                )
        except RemoteUnavailableError as error:
            if call.arrived and not error.effect_possible:
                raise RemoteUnavailableError(f"an earlier attempt may have arrived; the last: {error}") from error
            raise
        finally:
            target.in_flight -= 1
        if response_type is None:
            return None  # pyright: ignore[reportReturnType] - without a type there is nothing to return
        return self._decode(service, content, response_type)

    async def choose(self, service: str, *, avoid: str | None = None) -> Instance:
        """Return the less loaded of two random instances; raises RemoteUnavailableError when there is none."""
        instances = await self._registry.reachable(service)
        if not instances:
            raise RemoteUnavailableError(f"no instance of {service} is ready", effect_possible=False)
        if len(instances) == 1:
            return instances[0]
        usable = [one for one in instances if one.name != avoid] if avoid is not None else instances
        if len(usable) == 1:
            return usable[0]
        first, second = random.sample(usable, 2)
        outstanding = self._target(service).outstanding
        first_load = first.load + outstanding.get(first.name, 0)
        second_load = second.load + outstanding.get(second.name, 0)
        return first if first_load <= second_load else second

    def breaker(self, service: str) -> CircuitBreaker:
        """The breaker that guards a service, for the edge that forwards requests itself."""
        return self._target(service).breaker

    async def _attempt(self, target: _Target, call: Call) -> bytes:
        # Before the breaker: that nobody is registered says nothing of how the service answers, and passes at once.
        instance = await self.choose(call.service, avoid=call.failed_instance)
        probing = await target.breaker.enter()
        try:
            content = await self._send(target, call, instance)
        except RemoteRefusal:
            metrics.observe_remote_call(call.service, "refused")
            await target.breaker.leave("ok", probing=probing)
            raise
        except (RemoteUnavailableError, RemoteTimeoutError) as error:
            late = isinstance(error, RemoteTimeoutError)
            metrics.observe_remote_call(call.service, "timeout" if late else "failed")
            arrived = late or error.effect_possible
            call.arrived |= arrived
            await target.breaker.leave("failed", probing=probing, caller=call.caller if arrived else "")
            raise
        except BaseException:
            await target.breaker.leave("unknown", probing=probing)
            raise
        metrics.observe_remote_call(call.service, "ok")
        await target.breaker.leave("ok", probing=probing)
        return content

    async def _send(self, target: _Target, call: Call, instance: Instance) -> bytes:
        outstanding = target.outstanding
        outstanding[instance.name] = outstanding.get(instance.name, 0) + 1
        try:
            with tracing.span(f"{call.method} {call.service}", kind="client", instance=instance.name) as span:
                status, content = await self._exchange(instance, call)
                span.set_attribute("http.status", status)
        finally:
            left = outstanding[instance.name] - 1
            if left:
                outstanding[instance.name] = left
            else:
                del outstanding[instance.name]
        if 200 <= status < 300:
            return content
        if 400 <= status < 500:
            raise refusal_of(status, content)
        call.failed_instance = instance.name
        call.failed_status = status
        if status == 504:
            raise RemoteTimeoutError(f"{call.service} ran out of time")
        raise RemoteUnavailableError(f"{call.service} answered {status}")

    async def _exchange(self, instance: Instance, call: Call) -> tuple[int, bytes]:
        assert self._session is not None, "open() comes before the first call"
        headers = {TOKEN_HEADER: call.token}
        if call.headers:
            headers.update(call.headers)
        if call.body is not None:
            headers["Content-Type"] = _JSON
        tracing.inject(headers)
        current = deadline.current()
        assert current is not None, "request() sets a deadline"
        headers[deadline.HEADER] = current.header_value()
        try:
            async with (
                asyncio.timeout(current.remaining_s),
                self._session.request(
                    call.method,
                    instance.url + call.path,
                    data=call.body,
                    params=call.params,
                    headers=headers,
                    allow_redirects=False,
                ) as response,
            ):
                return response.status, await read_bounded(response)
        except aiohttp.ClientConnectorError as error:
            self._lost(instance, call)
            raise RemoteUnavailableError(f"{instance.name} refused the connection", effect_possible=False) from error
        except aiohttp.ConnectionTimeoutError as error:
            self._lost(instance, call)
            raise RemoteUnavailableError(f"{instance.name} took no connection", effect_possible=False) from error
        except TimeoutError as error:
            raise RemoteTimeoutError(f"{call.service} did not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            self._lost(instance, call)
            raise RemoteUnavailableError(f"the connection to {instance.name} died") from error

    def _lost(self, instance: Instance, call: Call) -> None:
        call.failed_instance = instance.name
        self._registry.suspect(instance.service, instance.name)

    def _target(self, service: str) -> _Target:
        target = self._targets.get(service)
        if target is None:
            breaker = CircuitBreaker(self._redis, f"{service}", prefix=self._settings.prefix, policy=self._policy)
            target = self._targets[service] = _Target(breaker)
            metrics.watch("breaker_refuses", breaker.refuses, target=service)
        return target

    def _decode(self, service: str, content: bytes, wanted: type[T]) -> T:
        decoder = self._decoders.get(wanted)
        if decoder is None:
            decoder = msgspec.json.Decoder(wanted)
            self._decoders.put(wanted, decoder)
        try:
            return decoder.decode(content)
        except msgspec.MsgspecError as error:
            raise RemoteUnavailableError(f"{service} gave an answer that cannot be read: {error}") from error
