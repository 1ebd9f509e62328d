"""Auth as the gateway sees it: a key set, and tokens that may be wrong in any way a test asks for."""

import time
import uuid
from typing import Any

from joserfc import jwt
from joserfc.jwk import OKPKey

JWKS_PATH = "/.well-known/jwks.json"


class TokenIssuer:
    """Holds one Ed25519 key; publish `documents` on an EchoService named auth."""

    def __init__(self, kid: str = "test-key") -> None:
        self.key = OKPKey.generate_key("Ed25519", {"kid": kid})
        self.kid = kid

    @property
    def documents(self) -> dict[str, Any]:
        public = self.key.as_dict(private=False)
        return {JWKS_PATH: {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "Ed25519"}]}}

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": "shopstream", "aud": "shopstream-api", "sub": str(uuid.uuid4()), "sid": str(uuid.uuid4()),
            "roles": ["customer"], "email": "a@example.com", "iat": now, "exp": now + 600, **changes,
        }  # fmt: skip
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        header = {"alg": "Ed25519", "typ": "at+jwt", "kid": self.kid, **(header or {})}
        return jwt.encode(header, self.claims(**claims), key or self.key, algorithms=[header["alg"]])
