import os
import socket

import pytest

from compose import ports
from compose.operator_error import OperatorError

GATEWAY = {"gateway": 0}


@pytest.fixture
def taken_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_no_two_names_share_an_offset():
    assert len(set(ports.OFFSETS.values())) == len(ports.OFFSETS)
    assert max(ports.OFFSETS.values()) <= ports.HIGHEST_OFFSET < ports.BASE_STEP
    assert not {*ports.EXTRA_INSTANCE_OFFSETS, *ports.SERVICE_OFFSETS} & set(ports.OFFSETS.values())
    assert not set(ports.EXTRA_INSTANCE_OFFSETS) & set(ports.SERVICE_OFFSETS)


def test_a_listening_port_is_not_free(taken_port):
    assert not ports.is_free(taken_port)


def test_the_holder_of_a_port_is_found_by_pid(taken_port):
    holder = ports.holder_of(taken_port)
    assert holder is not None
    assert holder[0] == os.getpid()


def test_an_asked_base_that_is_taken_is_refused_with_port_and_pid(taken_port):
    base = taken_port
    with pytest.raises(OperatorError) as refusal:
        ports.choose_base(base, GATEWAY)
    assert refusal.value.code == "port.taken"
    assert str(taken_port) in refusal.value.what
    assert str(os.getpid()) in refusal.value.what
    assert "--port-base" in refusal.value.mend


def test_a_base_out_of_range_is_a_usage_error():
    with pytest.raises(OperatorError) as refusal:
        ports.choose_base(65_530, GATEWAY)
    assert (refusal.value.code, refusal.value.exit_code) == ("port.range", 2)


def test_without_an_asked_base_the_next_free_one_is_chosen():
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ports.is_free(ports.DEFAULT_BASE):
            server.bind(("127.0.0.1", ports.DEFAULT_BASE))
            server.listen()
        chosen = ports.choose_base(None, GATEWAY)
    assert chosen > ports.DEFAULT_BASE
    assert (chosen - ports.DEFAULT_BASE) % ports.BASE_STEP == 0
