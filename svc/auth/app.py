"""The composition root of the auth service."""

from litestar import Litestar

from shared.service import Runtime
from svc.auth import jobs
from svc.auth.api import ROUTES
from svc.auth.handlers import refresh
from svc.auth.keys import KeyRing
from svc.auth.passwords import Passwords
from svc.auth.settings import Settings
from svc.auth.tokens import AccessTokens


def create_app(settings: Settings) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings)
    ring = KeyRing(runtime.database, settings, runtime.clock)
    passwords = Passwords(settings)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={
            "database": runtime.database,
            "config": settings,
            "ring": ring,
            "passwords": passwords,
            "tokens": AccessTokens(ring, runtime.clock),
            "exchange": runtime.seam("auth.refresh", refresh),
        },
        jobs=[
            jobs.announcer(runtime.database, runtime.redis, settings, runtime.clock),
            jobs.rotator(runtime.database, ring),
            jobs.pruner(runtime.database, settings),
        ],
        resources=[ring, passwords],
    )
