"""`python -m svc.search`: this service alone, as containers run it."""

from shared.service import run

run("svc.search")
