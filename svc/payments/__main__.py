"""`python -m svc.payments`: this service alone, as containers run it."""

from shared.service import run

run("svc.payments")
