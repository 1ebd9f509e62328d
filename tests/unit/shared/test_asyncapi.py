"""The generated AsyncAPI document: whole, consistent in itself, and true of the structs that are sent."""

import re

import msgspec
import pytest

from shared.contracts import EVENT_TOPICS, REGISTRY, Envelope, asyncapi
from tests.support.apps import DECLARED

DOCUMENT = asyncapi.document(DECLARED)
COMPONENT_KEY = re.compile(r"[a-zA-Z0-9.\-_]+")


def _references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _references(child)


def _at(reference):
    node = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_every_topic_and_every_event_is_listed():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == {topic.name for topic in EVENT_TOPICS}
    assert DOCUMENT["components"]["messages"].keys() == REGISTRY.keys()
    placed = {(topic, name) for topic, channel in DOCUMENT["channels"].items() for name in channel["messages"]}
    assert placed == {(event.topic.name, name) for name, event in REGISTRY.items()}


def test_every_reference_leads_somewhere():
    references = set(_references(DOCUMENT))
    assert len(references) > len(REGISTRY)
    assert all(_at(reference) for reference in references)


def test_the_names_of_components_are_what_the_specification_allows():
    for section in DOCUMENT["components"].values():
        assert all(COMPONENT_KEY.fullmatch(name) for name in section)


def test_an_operation_sends_or_receives_messages_of_its_own_channel():
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = operation["channel"]["$ref"]
        assert operation["messages"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def test_operations_are_what_the_services_declare():
    for action, of in (("send", lambda word: word.publishes), ("receive", lambda word: word.event_types(REGISTRY))):
        told = {
            (operation["tags"][0]["name"], message["$ref"].rpartition("/")[2])
            for operation in DOCUMENT["operations"].values()
            if operation["action"] == action
            for message in operation["messages"]
        }
        assert told == {(service, name) for service, word in DECLARED.items() for name in of(word)}


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_message_is_an_envelope_of_its_own_type_and_version_around_its_own_data(name):
    event = REGISTRY[name]
    envelope, own = DOCUMENT["components"]["messages"][name]["payload"]["allOf"]
    assert own["properties"] == {"type": {"const": name}, "version": {"const": event.schema_version}}
    fields = _at(envelope["$ref"])["properties"]
    assert fields.keys() == {field.encode_name for field in msgspec.structs.fields(Envelope)}
    data = _at(fields["data"]["$ref"])
    assert data["properties"].keys() == {field.encode_name for field in msgspec.structs.fields(event)}
    assert set(data["required"]) == {field.encode_name for field in msgspec.structs.fields(event) if field.required}
