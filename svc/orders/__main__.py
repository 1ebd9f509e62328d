"""`python -m svc.orders`: this service alone, as containers run it."""

from shared.service import run

run("svc.orders")
