"""Auth: who somebody is and how they prove it.

Owns users, sessions, refresh tokens, second factors, API keys, signing keys and the audit log.
Publishes user.registration_requested, .registration_repeated, .registered, .password_reset_requested,
.credentials_changed and .deleted; consumes nothing.

Access tokens live ten minutes at most and are signed with Ed25519 keys that only this service's database holds, sealed.
A refresh token works once; using it again ends its whole session. A revoked session is announced in Redis, where the
gateway looks every half second: that is the bound within which a logout takes effect.

Who registers or forgot a password is answered before anybody looks whether the address is known; a letter says how it
goes on. Its token is derived by who writes the letter (shared/one_time_tokens.py), so no event and no row holds one.

Known weaknesses: the audit log keeps client addresses of erased people, by their id alone; who has a mailbox and one
recovery code has the account.
"""
