"""The composition root of the auth service."""

from litestar import Litestar

from shared.service import Runtime
from svc.auth import jobs
from svc.auth.api import ROUTES
from svc.auth.parts import HEALTHY, Parts
from svc.auth.second_factors import SecondFactors
from svc.auth.settings import Settings


def create_app(settings: Settings, parts: Parts = HEALTHY) -> Litestar:
    """Wire the service; nothing connects before the application starts."""
    runtime = Runtime(settings, parts)
    parts = runtime.parts
    ring = parts.key_ring(runtime.database, settings, runtime.clock)
    passwords = parts.passwords(settings)
    letters = jobs.LetterWriter(runtime.database)
    return runtime.application(
        route_handlers=ROUTES,
        dependencies={
            "database": runtime.database,
            "config": settings,
            "ring": ring,
            "passwords": passwords,
            "factors": SecondFactors(settings, runtime.clock),
            "tokens": parts.access_tokens(ring, runtime.clock),
            "parts": parts,
            "wake": letters.wake,
        },
        jobs=[
            letters,
            jobs.announcer(runtime.database, runtime.redis, settings, runtime.clock),
            jobs.rotator(runtime.database, ring),
            jobs.pruner(runtime.database, settings),
        ],
        resources=[ring, passwords],
    )
