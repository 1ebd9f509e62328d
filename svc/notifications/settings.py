"""What the notifications service is told at its start."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings, frozen=True, kw_only=True):
    """`sender_address` stands in From; `send_interval_s`: how often due deliveries are looked for unwoken.

    `webhook_retry_first_s`: after how long a seller's endpoint is asked a second time; doubled each further time.
    `webhook_loopback` lets sellers' endpoints be on this machine, for a simulated world and never else.
    """

    service: str = "notifications"
    sender_address: str = "orders@shopstream.example"
    send_interval_s: float = 2.0
    webhook_retry_first_s: float = 5.0
    webhook_loopback: bool = False
