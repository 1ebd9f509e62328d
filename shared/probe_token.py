"""How the supervisor and the operator prove themselves where strangers reach the same port: the gateway's.

Needs nothing but the standard library: the supervisor asks while everything boots.
"""

import hashlib
import hmac


def probe_token(internal_secret: str) -> str:
    """The bearer token for `/health/ready` and `/metrics` of the gateway; it opens nothing else."""
    return hmac.new(internal_secret.encode(), b"shopstream-probe", hashlib.sha256).hexdigest()
