import hashlib
import hmac

from scenarios.world.journals import PspRecord
from scenarios.world.webhooks import SHUFFLE_WINDOW_S, WebhookPlan, signature


def test_the_signature_covers_time_and_raw_body():
    body = b'{"id":"evt_1"}'
    expected = hmac.new(b"secret", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert signature("secret", body, at=1_700_000_000) == f"t=1700000000,v1={expected}"


def test_a_shuffled_order_is_told_again_by_the_same_seed():
    queued = [PspRecord(event_type="payment.captured", merchant_reference=f"o{i}") for i in range(50)]

    def waits(seed):
        plan = WebhookPlan(copies=3, delay_s=1.0, shuffle=True, seed=seed)
        return [plan.wait_s(it, copy) for it in queued for copy in (1, 2, 3)]

    assert waits(1) == waits(1)
    assert waits(1) != waits(2)
    assert waits(1) != sorted(waits(1))
    assert all(1.0 <= wait <= 1.0 + SHUFFLE_WINDOW_S for wait in waits(1))


def test_without_shuffle_every_copy_leaves_after_the_delay():
    plan = WebhookPlan(copies=3, delay_s=0.5)
    assert plan.wait_s(PspRecord(merchant_reference="o"), 2) == 0.5
