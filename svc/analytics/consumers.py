"""Everything is recorded."""

from shared.contracts import REGISTRY
from shared.kafka_consumer import Subscription
from svc.analytics.handlers import Recorder


def subscription(recorder: Recorder) -> Subscription:
    """Every event of every contract."""
    return dict.fromkeys(REGISTRY.values(), recorder.record)
