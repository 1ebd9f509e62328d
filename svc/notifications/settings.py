"""What the notifications service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`sender_address` stands in From; `send_interval_s`: how often unsent deliveries are looked for unwoken."""

    service: str = "notifications"
    sender_address: str = "orders@shopstream.example"
    send_interval_s: float = 0.5
