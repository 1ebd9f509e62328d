"""`python -m svc.notifications`: this service alone, as containers run it."""

from shared.service import run

run("svc.notifications")
