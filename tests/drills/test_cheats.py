"""No cheat is worth anything: done to a running fleet, each is refused, and the refusal names the invariant."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from scenarios.drilling import record
from scenarios.drilling.draw import causes
from scenarios.drilling.scoring import POINTS, WRONG_COSTS
from scenarios.drills import scenario
from tests.support.drill_cheats import REPAIRS as SCRIPTED
from tests.support.operator import Operator
from tests.support.played_cheats import REPAIRS, REPLAYS, Cheat, Scene
from tests.support.responding import drill

pytestmark = [pytest.mark.drills, pytest.mark.timeout(900)]
INCIDENT = "flash-sale"
CAUSE = "read-then-write"


@pytest.fixture(scope="module")
def scene(operator: Operator) -> Iterator[Scene]:
    """A broken sale whose cause is found, and whose damage nobody has undone."""
    with drill(operator, INCIDENT, CAUSE, level=2) as started:
        assert operator.told("drill", "submit", "--service", "inventory", "--cause", CAUSE)["right"]
        made = Scene(operator, started["run"])
        assert made.oversold
        yield made
        assert operator.told("drill", "status")["phases"]["repair"] is None


def by_name(value: object) -> str:
    return getattr(value, "__name__", str(value)).replace("_", " ")


def test_every_scripted_cheat_is_played() -> None:
    assert {by_name(cheat) for cheat, _ in SCRIPTED} <= {by_name(cheat) for cheat, _ in REPAIRS}


@pytest.mark.parametrize(("cheat", "invariant"), REPAIRS, ids=by_name)
def test_what_is_no_repair_is_refused_by_the_invariant_that_sees_it(scene: Scene, cheat: Cheat, invariant: str) -> None:
    with cheat(scene):
        status = scene.operator.told("drill", "status")
    assert status["phases"]["repair"] is None
    assert invariant in {reason.partition(":")[0] for reason in status["refused"]["repair"]}


@pytest.mark.parametrize(("cheat", "invariant"), REPLAYS, ids=by_name)
def test_a_shop_that_sells_to_nobody_stops_no_harm_and_proves_nothing(
    scene: Scene, cheat: Callable[[Scene], None], invariant: str
) -> None:
    proving = scene.operator.begun("drill", "prove", "--as-it-stands", "--json")
    assert proving.stderr is not None
    for line in proving.stderr:
        if "the load begins" in line:
            break
    cheat(scene)
    told, _ = proving.communicate()
    judged = scene.operator.decoded(told)
    assert judged["outcome"] != "PASS"
    assert invariant in {refusal["invariant"] for refusal in judged["refusals"]}
    assert scene.operator.told("drill", "status")["phases"]["mitigate"] is None


def test_who_takes_the_defect_out_by_hand_while_the_load_is_played_again_is_seen(scene: Scene) -> None:
    proving = scene.operator.begun("drill", "prove", "--as-it-stands")
    assert proving.stderr is not None
    for line in proving.stderr:
        if "preparing the load" in line:
            break
    overlay = scene.operator.layout.overlay_file
    planted = overlay.read_bytes()
    overlay.write_text("{}")
    assert scene.operator.shopctl("restart", "inventory").returncode == 0
    overlay.write_bytes(planted)
    told, said = proving.communicate()
    assert (proving.returncode, "does not run with what the drill has planted" in said) == (70, True), told + said
    assert CAUSE not in said
    assert scene.operator.told("drill", "status")["phases"]["mitigate"] is None


def test_while_one_command_judges_no_other_answers(scene: Scene) -> None:
    """Else answers given meanwhile were forgotten, the wrong ones too."""
    proving = scene.operator.begun("drill", "prove", "--as-it-stands")
    assert proving.stderr is not None
    assert "anew" in proving.stderr.readline()
    wrong = scene.operator.told("drill", "status")["wrong"]
    said = scene.operator.shopctl("drill", "submit", "--cause", "counter-as-truth")
    assert (said.returncode, "under way" in said.stderr) == (2, True)
    proving.kill()
    proving.communicate()
    assert scene.operator.told("drill", "status")["wrong"] == wrong


def test_there_is_one_drill_one_seed_and_one_record(scene: Scene) -> None:
    operator = scene.operator
    assert operator.shopctl("drill", "start", INCIDENT).returncode == 2
    assert operator.shopctl("drill", "prove", "--seed", "2").returncode == 2
    assert operator.shopctl("scenario", "run", INCIDENT, "--quick", "--defect", CAUSE).returncode != 0
    (sealed,) = operator.layout.drills.glob(f"*/{record.FILE}")
    whole = sealed.read_text()
    later = sealed.parent.with_name("29990101T000000Z-flash-sale")
    later.mkdir()
    try:
        sealed.write_text(whole[:-20] + whole[-10:])
        assert operator.shopctl("drill", "status").returncode == 3
        sealed.write_text(whole)
        (later / record.FILE).write_text(whole)
        assert operator.shopctl("drill", "status").returncode == 3
    finally:
        sealed.write_text(whole)
        (later / record.FILE).unlink()
        later.rmdir()


def test_a_supervisor_that_was_killed_changes_nothing(scene: Scene) -> None:
    operator = scene.operator
    proving = operator.begun("drill", "prove", "--as-it-stands")
    assert proving.stderr is not None
    for line in proving.stderr:
        if "the load begins" in line:
            break
    operator.kill_supervisor()
    proving.communicate()
    assert proving.returncode != 0
    assert operator.shopctl("up", "--scale", "inventory=2").returncode == 0
    status = operator.told("drill", "status")
    assert (status["phases"]["mitigate"], status["phases"]["repair"]) == (None, None)
    assert "INV-02" in {reason.partition(":")[0] for reason in status["refused"]["repair"]}


def test_who_names_all_causes_one_after_another_has_nothing_of_it(operator: Operator) -> None:
    with drill(operator, INCIDENT, CAUSE, level=2):
        others = [cause for cause in causes(scenario(INCIDENT)) if cause not in {CAUSE, "healthy"}][:4]
        said = [operator.told("drill", "submit", "--cause", cause)["right"] for cause in (*others, CAUSE)]
        score: Any = operator.told("drill", "status")["score"]
    assert said == [False] * len(others) + [True]
    assert score["total"] == max(0, POINTS["detect"] - len(others) * WRONG_COSTS)
