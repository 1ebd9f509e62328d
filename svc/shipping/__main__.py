"""`python -m svc.shipping`: this service alone, as containers run it."""

from shared.service import run

run("svc.shipping")
