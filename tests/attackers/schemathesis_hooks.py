"""Loaded by schemathesis in its own environment: who the attacker is, and the one check that it has too coarse."""
# pyright: basic, reportMissingImports=false

import os
from urllib.request import urlopen

import schemathesis

HEADER, SCHEME = os.environ["ATTACKER_HEADER"], os.environ.get("ATTACKER_SCHEME", "")


@schemathesis.auth(refresh_interval=2)
class Credentials:
    """A person of the test's desk, no older than two seconds."""

    def get(self, case, context):
        with urlopen(os.environ["ATTACKER_DESK"], timeout=60) as answer:  # noqa: S310 -- of this machine
            return answer.read().decode()

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers[HEADER] = SCHEME + data


@schemathesis.check
def valid_data_is_read(ctx, response, case):
    """In the place of positive_data_acceptance: what the contract allows is refused by a rule's own code alone.

    A contract cannot say that a cursor is one of ours, that a product exists, or that 1.0 is no whole number to us. The
    framework writes what may be left out of a query as what may be null, and a query has no null.
    """
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if any(value in (None, "null") for value in (case.query or {}).values()):
        return
    if response.json().get("code") == "invalid_body" and not _holds_whole_float(case.body):
        raise AssertionError(f"the contract allows what is not readable: {response.text}")


def _holds_whole_float(value):
    if isinstance(value, dict | list):
        return any(_holds_whole_float(one) for one in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()
