"""`python -m svc.analytics`: this service alone, as containers run it."""

from shared.service import run

run("svc.analytics")
