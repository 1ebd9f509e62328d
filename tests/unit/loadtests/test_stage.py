"""Load goes to this machine, unless an operator says otherwise; what a process is told stays private."""

import stat
from pathlib import Path

import msgspec
import pytest

from compose.operator_error import OperatorError
from loadtests.stage import LoadStage, check_target, is_loopback, read_stage, write_stage
from loadtests.suite import Crowd
from scenarios.workloads.market import Person


def stage(**changes: object) -> LoadStage:
    made = LoadStage(
        name="1-abc",
        target="http://127.0.0.1:8000",
        elsewhere=False,
        processes=1,
        for_s=5.0,
        requests_max=100,
        crowd=(Crowd(0.0, 1),),
        rate=1.0,
        people=(Person("u1", "secret"),),
        skus=("A",),
        words=("mug",),
        category="household",
    )
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:80", "http://127.5.5.5", "https://127.0.0.1/x"]
)
def test_this_machine_is_known_by_its_addresses(url: str):
    assert is_loopback(url)
    check_target(url, elsewhere=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example", "http://10.0.0.5:8000", "http://0.0.0.0", "http://127.0.0.1@evil.example",
        "http://localhost.evil.example", "http://[::ffff:10.0.0.1]", "127.0.0.1", "",
    ],
)  # fmt: skip
def test_anything_else_is_refused_unless_an_operator_leads_workers(url: str):
    with pytest.raises(OperatorError) as refused:
        check_target(url, elsewhere=False)
    assert (refused.value.code, refused.value.exit_code) == ("load.not_here", 2)
    check_target(url, elsewhere=True)


def test_a_process_refuses_a_stage_that_leads_elsewhere():
    with pytest.raises(OperatorError):
        read_stage(msgspec.json.encode(stage(target="http://shop.example")))
    assert read_stage(msgspec.json.encode(stage(target="http://shop.example", elsewhere=True))).elsewhere


def test_a_stage_is_read_back_and_by_nobody_else(tmp_path: Path):
    path = tmp_path / "stage.json"
    write_stage(stage(), path)
    assert read_stage(path.read_bytes()) == stage()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
