"""How schemathesis is set upon a service: by its own OpenAPI document, with all checks, as a new person every 2 s."""

import json
import os
from pathlib import Path
from typing import Any

from shared.identity import HEADER
from shared.openapi import TOKEN_SCHEME
from tests.attackers.tools import Ended, run

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
EXAMPLES = os.environ.get("SHOPSTREAM_ATTACK_EXAMPLES", "10")
SEED = os.environ.get("SHOPSTREAM_ATTACK_SEED", "1")
DEADLINE_S = 3_000.0
REPLACED = "positive_data_acceptance"
"""By a check in the hooks that knows the codes of refusals."""

CONFIGURATION = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503, 504]
"""
"""A service alone says truly that its neighbours are away, as its contract allows."""


def direct(document: dict[str, Any]) -> dict[str, Any]:
    """The document as it holds past the gateway, where a person is introduced by the internal token."""
    scheme = {"type": "apiKey", "in": "header", "name": HEADER}
    components = {**document.get("components", {}), "securitySchemes": {TOKEN_SCHEME: scheme}}
    return {**document, "components": components}


async def fuzz(document: dict[str, Any], url: str, directory: Path, **environment: str) -> Ended:
    """Attack `url` by the document. Exit code 0: nothing found; 1: found, the output names it."""
    (directory / "schemathesis.toml").write_text(CONFIGURATION)
    schema = directory / "openapi.json"
    schema.write_text(json.dumps(document))
    return await run(
        "schemathesis", "run", str(schema), "--url", url, "--checks", "all", "--exclude-checks", REPLACED,
        "--max-examples", EXAMPLES, "--seed", SEED, "--continue-on-failure", "--no-color",
        "--generation-database", "none",
        cwd=directory, deadline_s=DEADLINE_S, SCHEMATHESIS_HOOKS=str(HOOKS), **environment,
    )  # fmt: skip
