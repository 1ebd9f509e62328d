"""The composition root of the gateway."""

from litestar import Litestar

from shared import metrics
from shared.service import Resource, Runtime
from svc.gateway import routes
from svc.gateway.access_log import AccessLog
from svc.gateway.api import ROUTES
from svc.gateway.api_keys import VerifiedKey
from svc.gateway.fleet import Fleet
from svc.gateway.parts import HEALTHY, Parts
from svc.gateway.process_limits import ProcessLimits
from svc.gateway.proxy import Proxy
from svc.gateway.revocations import Revocations
from svc.gateway.settings import Settings
from svc.gateway.user_tokens import KeySet
from svc.gateway.watchers import Watchers

AUTH_LIMIT_S = 1.0
API_KEY_PATH = "/internal/api-keys/verify"
JWKS_PATH = "/.well-known/jwks.json"


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts

    async def fetch_keys() -> KeySet:
        return await runtime.client.request("auth", "GET", JWKS_PATH, response_type=KeySet, timeout_s=AUTH_LIMIT_S)

    revocations = Revocations(runtime.redis, settings.prefix)

    async def ask_auth(key: str) -> VerifiedKey:
        return await runtime.client.request(
            "auth",
            "POST",
            API_KEY_PATH,
            json={"key": key},
            response_type=VerifiedKey,
            timeout_s=AUTH_LIMIT_S,
            idempotent=True,
        )

    users = parts.user_tokens(fetch_keys, revocations)
    limits = parts.limits(runtime.redis, settings)
    table = routes.load(settings.services)
    upstreams = parts.upstreams(runtime.registry, runtime.client, settings)
    proxy = Proxy(upstreams)
    access_log = AccessLog(settings)
    resources: list[Resource] = [proxy, access_log, Watchers(users, revocations)]
    if settings.env != "test":
        resources.append(ProcessLimits())
    fleet = Fleet(runtime.registry, runtime.client, upstreams, routes=table, limits=limits, proxy=proxy)
    app = runtime.application(
        route_handlers=ROUTES,
        dependencies={"fleet": fleet},
        resources=resources,
        authenticated=False,
    )
    edge = parts.edge(
        app.asgi_handler,
        settings=settings,
        routes=table,
        proxy=proxy,
        users=users,
        api_keys=parts.api_keys(ask_auth, revocations),
        limits=limits,
        tokens=runtime.tokens,
        access_log=access_log,
        filter_headers=parts.forwarded_headers,
    )
    app.asgi_handler = edge
    metrics.watch("gateway_in_flight", lambda: edge.in_flight)
    return app
