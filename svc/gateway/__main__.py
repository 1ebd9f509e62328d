"""`python -m svc.gateway`: this service alone, as containers run it."""

from shared.service import run

run("svc.gateway")
