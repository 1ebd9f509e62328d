"""`python -m svc.inventory`: this service alone, as containers run it."""

from shared.service import run

run("svc.inventory")
