"""Auth: who somebody is and how they prove it.

Owns users, sessions, refresh tokens and signing keys. Publishes user.registered and user.deleted; consumes nothing.

Access tokens live ten minutes at most and are signed with Ed25519 keys that only this service's database holds, sealed.
A refresh token works once; using it again ends its whole session. A revoked session is announced in Redis, where the
gateway looks every half second: that is the bound within which a logout takes effect.

Known weaknesses: no e-mail verification, reset, TOTP or API keys yet; registering a taken address says so (409).
"""
