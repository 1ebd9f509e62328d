"""What tests of the gateway do again and again: a gateway, fakes behind it, and a way to call it."""

import json
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from tests.support.fakes.echo_service import EchoService, echo
from tests.support.fakes.token_issuer import TokenIssuer
from tests.support.services import served


class Door:
    """A served gateway, its fakes by service name, and the issuer of its tokens."""

    def __init__(self, served_gateway: Any, fakes: dict[str, EchoService], issuer: TokenIssuer) -> None:
        self.gateway = served_gateway
        self.fakes = fakes
        self.issuer = issuer
        self.url = served_gateway.url

    async def call(self, method: str, target: str, *, token: str | None = None, **kwargs: Any):
        """The answer with `json` and `content` read; the target goes out exactly as given."""
        headers = dict(kwargs.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = URL(self.url + target, encoded=True)
        async with self.gateway.http.request(method, url, headers=headers, allow_redirects=False, **kwargs) as answer:
            return Answer(answer, await answer.read())


class Answer:
    def __init__(self, answer: aiohttp.ClientResponse, content: bytes) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.content = content
        self._answer = answer

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        return self.json["code"]


@asynccontextmanager
async def door(engines, prefix, *services: str, **settings: Any):
    """A gateway with one echoing instance of each service behind it, and of auth with a key set."""
    issuer = TokenIssuer()
    async with AsyncExitStack() as stack:
        fakes = {}
        for service in dict.fromkeys(("auth", *services)):
            fakes[service] = await stack.enter_async_context(echo(engines, prefix, service))
        fakes["auth"].documents.update(issuer.documents)
        gateway = await stack.enter_async_context(served(engines, "gateway", prefix=prefix, **settings))
        yield Door(gateway, fakes, issuer)
