"""What a service says about its events is what its code does, and no event goes unheard without a reason."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from shared.contracts import EVENT_TOPICS, REGISTRY
from tests.support.apps import DECLARED, SERVICES, consumed, subscribed

ROOT = Path(__file__).parents[2]
RECORDER = "analytics"
_TYPE = re.compile(r"(?<![\w.])([a-z]*)\.([a-z_]+)\b")
_SENTENCE_END = re.compile(r"\.(?:\s|$)")

# Events that only the recorder takes, each with the reason why it is published all the same.
COUNTED_ONLY = {
    "stock.low": "for whoever orders again, who reads the list of low shelves",
    "order.completed": "the end of the funnel",
    "notification.sent": "what customers were told, for the delivery report",
    "notification.failed": "the same",
}

# Services that hear their own events, each with the reason.
HEARS_ITSELF = {"catalog": "cached pages go by them when the process that changed the product died before it said so"}


def _public() -> set[str]:
    """The events that ARCHITECTURE.md names as public."""
    sentence = re.search(r"events are public: (.*?)\.\s+All", (ROOT / "ARCHITECTURE.md").read_text(), re.DOTALL)
    assert sentence is not None
    return set(re.findall(r"`([a-z.]+)`", sentence.group(1)))


def _said(service: str, verb: str) -> set[str]:
    """The event types the service's docstring names after `publishes` or `consumes`."""
    return _named_after(verb, import_module(f"svc.{service}").__doc__ or "")


def _named_after(verb: str, docstring: str) -> set[str]:
    match = re.search(rf"\b{verb}\b\s+(.*)", docstring.replace("\n", " "), re.IGNORECASE)
    assert match is not None, f"it does not say what it {verb}"
    rest = re.split(r"\bconsumes\b", match.group(1), flags=re.IGNORECASE)[0]
    end = _SENTENCE_END.search(rest)
    clause = rest[: end.start()] if end else rest
    if clause.startswith("everything"):
        return set(REGISTRY)
    found: set[str] = set()
    subject = ""
    for named, event in _TYPE.findall(clause):
        subject = named or subject
        found.add(f"{subject}.{event}")
    assert found or clause.startswith("nothing"), f"{verb} {clause!r}"
    return found


def _published(service: str) -> set[str]:
    """The event types of the service's own topic that its code refers to."""
    return _referred_to(service, [path.read_text() for path in (ROOT / "svc" / service).rglob("*.py")])


def _referred_to(service: str, sources: list[str]) -> set[str]:
    own = {event.__name__: event.type for event in REGISTRY.values() if event.topic.name.startswith(f"{service}.")}
    names = {node.id for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return {kind for name, kind in own.items() if name in names}


def test_what_is_said_and_what_is_done_are_told_apart():
    said = "Parcels. Publishes shipment.created,\n`.lost`; consumes order.paid."
    done = ["uow.publish(ShipmentCreated(), aggregate_id=1)", "OrderPaid"]
    assert _named_after("publishes", said) == {"shipment.created", "shipment.lost"}
    assert _named_after("consumes", said) == {"order.paid"}
    assert _referred_to("shipping", done) == {"shipment.created"}
    for silent in ("Parcels.", "Publishes a lot."):
        with pytest.raises(AssertionError):
            _named_after("publishes", silent)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_publishes_what_its_docstring_says(service):
    assert _said(service, "publishes") == _published(service)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_consumes_what_its_docstring_says(service):
    assert _said(service, "consumes") == consumed(service)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_declares_what_it_subscribed_and_publishes(service):
    assert await subscribed(service) == consumed(service)
    assert set(DECLARED[service].publishes) == _published(service)


def test_every_event_of_the_contracts_is_published_by_somebody():
    assert set(REGISTRY) == {event for service in SERVICES for event in _published(service)}


def test_every_event_is_heard_by_somebody_or_named_as_public_or_as_counted_only():
    heard = {event for service in SERVICES if service != RECORDER for event in consumed(service)}
    assert set(REGISTRY) - heard - _public() == set(COUNTED_ONLY)


def test_the_public_events_are_seven_and_exist():
    assert len(_public()) == 7
    assert _public() <= set(REGISTRY)


def test_a_service_consumes_its_own_events_for_a_reason_only():
    hearing = {
        service
        for service in SERVICES
        if service != RECORDER and f"{service}.events" in {REGISTRY[event].topic.name for event in consumed(service)}
    }
    assert hearing == set(HEARS_ITSELF)


def test_every_event_travels_on_a_topic_that_is_created():
    assert {event.topic for event in REGISTRY.values()} == set(EVENT_TOPICS)
