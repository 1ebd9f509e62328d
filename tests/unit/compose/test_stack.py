import msgspec
import pytest

from compose import addresses, environment, secrets_file, stack
from compose.layout import Layout
from compose.operator_error import OperatorError


@pytest.fixture
def shipped(monkeypatch):
    monkeypatch.delenv("SHOPSTREAM_STACK_FILE", raising=False)
    return stack.load()


def test_the_shipped_stack_has_four_engines_the_world_and_ten_services(shipped):
    kinds = [component.kind for component in shipped.components]
    assert (kinds.count("engine"), kinds.count("world"), kinds.count("service")) == (4, 1, 10)
    assert [service.port for service in shipped.services] == list(range(10))


def test_a_service_entry_says_what_cannot_follow_from_its_name():
    entry = {"name": "gifts", "kind": "service", "port": 10}
    service = msgspec.convert(entry, stack.Component)
    assert (service.run, service.package, service.ports) == ("shared.service:run", "svc.gifts", ("gifts",))
    assert service.ready_url(9000) == "http://127.0.0.1:9010/health/ready"
    elsewhere = msgspec.convert({**entry, "argument": "gifts"}, stack.Component)
    assert elsewhere.package == "gifts"


@pytest.mark.parametrize("port", [None, -1, 30])
def test_a_service_needs_a_port_among_those_of_services(port):
    with pytest.raises(msgspec.ValidationError, match="needs a port"):
        msgspec.convert({"name": "gifts", "kind": "service", "port": port}, stack.Component)


def test_two_services_cannot_have_one_port():
    entries = [{"name": name, "kind": "service", "port": 3} for name in ("a", "b")]
    with pytest.raises(msgspec.ValidationError, match="have the same port 3"):
        msgspec.convert({"components": entries}, stack.Stack)


def test_every_service_declares_itself(shipped):
    for service in shipped.services:
        declared = service.declaration()
        assert bool(declared.routes) == bool(declared.part) == (service.name != "gateway")


def test_a_service_without_a_declaration_is_an_operators_matter():
    lost = msgspec.convert({"name": "lost", "kind": "service", "port": 3, "argument": "tests"}, stack.Component)
    with pytest.raises(OperatorError, match=r"service\.toml") as refusal:
        lost.declaration()
    assert refusal.value.code == "stack.no_declaration"


def test_every_service_but_the_gateway_has_a_database(shipped):
    assert [service.name for service in shipped.services if not service.database] == ["gateway"]


def test_a_service_brings_what_it_depends_on_and_nothing_else(shipped):
    assert [component.name for component in shipped.closure(["catalog"])] == ["postgres", "redis", "kafka", "catalog"]


def test_no_name_means_everything(shipped):
    assert shipped.closure([]) == shipped.components


def test_an_unknown_name_is_a_usage_error_that_lists_the_known_ones(shipped):
    with pytest.raises(OperatorError) as refusal:
        shipped.closure(["ordrs"])
    assert refusal.value.exit_code == 2
    assert "orders" in refusal.value.mend


def test_a_dependency_must_be_defined_before_its_dependant():
    late = {"components": [{"name": "a", "kind": "world", "depends_on": ["b"]}, {"name": "b", "kind": "engine"}]}
    with pytest.raises(msgspec.ValidationError, match="depends on b"):
        msgspec.convert(late, stack.Stack)


def test_a_probe_url_follows_the_instance_port(shipped):
    orders = shipped.get("orders")
    assert orders.ready_url(9000) == "http://127.0.0.1:9004/health/ready"
    assert orders.ready_url(9000, port=9030) == "http://127.0.0.1:9030/health/ready"


def test_scale_is_parsed_by_service(shipped):
    assert stack.parse_scale(["orders=2", "search=1"], shipped) == {"orders": 2, "search": 1}


@pytest.mark.parametrize("item", ["orders", "orders=0", "orders=x", "orders=99", "kafka=2"])
def test_a_scale_out_of_bounds_is_a_usage_error(shipped, item):
    with pytest.raises(OperatorError) as refusal:
        stack.parse_scale([item], shipped)
    assert refusal.value.exit_code == 2


def test_a_service_environment_has_its_own_database_and_the_shared_addresses(shipped, tmp_path):
    layout = Layout(tmp_path, tmp_path, 9000)
    secrets = secrets_file.with_databases(layout, ["orders"])
    engines = addresses.local(layout, secrets)
    given = environment.of_service(
        layout,
        secrets,
        engines,
        shipped.get("orders"),
        instance="orders-1",
        port=9004,
        extra={"SHOPSTREAM_ROLE": "api"},
    )
    password = secrets.database_passwords["orders"]
    assert given["SHOPSTREAM_DATABASE_URL"] == f"postgresql://orders:{password}@127.0.0.1:9100/orders"
    assert given["SHOPSTREAM_KAFKA_BOOTSTRAP"] == "127.0.0.1:9102"
    assert given["SHOPSTREAM_ROLE"] == "api"


def test_the_gateway_is_given_no_database(shipped, tmp_path):
    layout = Layout(tmp_path, tmp_path, 9000)
    secrets = secrets_file.load_or_make(layout)
    engines = addresses.local(layout, secrets)
    given = environment.of_service(
        layout, secrets, engines, shipped.get("gateway"), instance="gateway-1", port=9000, extra={}
    )
    assert given["SHOPSTREAM_DATABASE_URL"] == ""
