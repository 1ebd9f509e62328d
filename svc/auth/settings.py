"""What the auth service is told at its start."""

from shared.settings import ServiceSettings

ACCESS_TTL_S_MAX = 600


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """Argon2id cost (19 MiB and two passes is OWASP's floor), lives of letters, tokens and keys, the login back-off.

    `throttle_account_free` wrong passwords per account, `throttle_address_free` per address, are free of waiting;
    each further one doubles the wait up to `throttle_wait_s_max`, which bounds how long an attacker can keep the
    honest owner out. Codes of a second factor are few and short: wrong ones wait longer and are remembered
    longer, a hundred a day at most.
    """

    service: str = "auth"
    registration_ttl_s: int = 24 * 3600
    password_reset_ttl_s: int = 30 * 60
    argon2_memory_kib: int = 19_456
    argon2_passes: int = 2
    hashes_at_once: int = 2
    access_ttl_s: int = 600
    refresh_ttl_s: int = 30 * 24 * 3600
    key_rotation_s: float = 7 * 24 * 3600
    key_announce_s: float = 2.0
    throttle_account_free: int = 5
    throttle_address_free: int = 50
    throttle_wait_s_max: float = 30.0
    throttle_forget_s: float = 900.0
    throttle_code_wait_s_max: float = 900.0
    throttle_code_forget_s: float = 24 * 3600.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.access_ttl_s <= ACCESS_TTL_S_MAX:
            raise ValueError(f"access tokens live between 1 and {ACCESS_TTL_S_MAX} s")
