"""`python -m svc.auth`: this service alone, as containers run it."""

from shared.service import run

run("svc.auth")
