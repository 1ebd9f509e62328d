"""`python -m svc.catalog`: this service alone, as containers run it."""

from shared.service import run

run("svc.catalog")
