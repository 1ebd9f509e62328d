"""The AsyncAPI 3 document of the fleet's events, made of the event structs and of who declares them.

Pure; `shopctl events contract` prints it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from shared.contracts import EVENT_TOPICS, REGISTRY
from shared.contracts.envelope import Envelope, Event
from shared.declaration import Declaration

VERSION = "3.0.0"
KAFKA_BINDING = "0.5.0"
_SCHEMAS = "#/components/schemas/{name}"

Json = dict[str, Any]


def document(declarations: Mapping[str, Declaration]) -> Json:
    """Every topic and event, and which of the services (declarations by name) sends and receives it."""
    events = [REGISTRY[name] for name in sorted(REGISTRY)]
    envelopes = {event.type: Envelope[event] for event in events}
    references, schemas = msgspec.json.schema_components(list(envelopes.values()), ref_template=_SCHEMAS)
    by_type = dict(zip(envelopes, references, strict=True))
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "ShopStream events",
            "version": "1",
            "description": "The Kafka key of every message is the id of its aggregate.",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic.name, topic.partitions, events) for topic in EVENT_TOPICS},
        "operations": _operations(declarations),
        "components": {
            "messages": {event.type: _message(event, by_type[event.type]) for event in events},
            "schemas": schemas,
        },
    }


def _channel(topic: str, partitions: int, events: Iterable[type[Event]]) -> Json:
    return {
        "address": topic,
        "messages": {
            event.type: {"$ref": f"#/components/messages/{event.type}"} for event in events if event.topic.name == topic
        },
        "bindings": {"kafka": {"partitions": partitions, "bindingVersion": KAFKA_BINDING}},
    }


def _message(event: type[Event], payload: Json) -> Json:
    envelope = {"type": {"const": event.type}, "version": {"const": event.schema_version}}
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip().partition("\n")[0],
        "payload": {"allOf": [payload, {"type": "object", "properties": envelope}]},
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": KAFKA_BINDING}},
    }


def _operations(declarations: Mapping[str, Declaration]) -> Json:
    """One per service and topic, since an operation belongs to one channel."""
    found: Json = {}
    for service, declared in declarations.items():
        for action, types in (("send", declared.publishes), ("receive", declared.event_types(sorted(REGISTRY)))):
            by_topic: dict[str, list[str]] = {}
            for event_type in types:
                by_topic.setdefault(REGISTRY[event_type].topic.name, []).append(event_type)
            for topic, of_topic in by_topic.items():
                found[f"{service}.{action}.{topic}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic}"},
                    "tags": [{"name": service}],
                    "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in of_topic],
                }
    return found
