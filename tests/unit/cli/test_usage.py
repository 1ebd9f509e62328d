"""What an operator may get wrong in a command line: two lines, the second with the way out, and exit code 2."""

import pytest

from tests.support.command_tree import LEAVES

BEYOND_THE_ENDS = [
    "scenario matrix flash-sale --runs 0",
    "scenario matrix flash-sale --runs 1001",
    "scenario matrix flash-sale --runs -1",
    "fault inject pause kafka --for 0",
    "fault inject pause kafka --for 3601",
    "fault inject pause kafka --for nan",
    "events tail --lines 0",
    "events tail --lines 10001",
    "events dlq list --limit 0",
    "mail list --limit 0",
    "mail list --limit 1001",
    "logs --lines 0",
    "logs --lines 100001",
    "up --scale inventory=0",
    "up --scale inventory=-1",
    "up --scale inventory=999",
]
NO_NUMBER = [
    "scenario run flash-sale --seed x",
    "scenario run flash-sale --seed 1.5",
    "scenario matrix flash-sale --runs many",
    "seed --seed x",
    "demo --seed x",
    "demo --port-base x",
    "up --port-base x",
    "up --scale inventory=two",
    "mail show first",
]
NOT_THERE = {
    "scenario show white-monday": "Choose one of: flash-sale, ",
    "scenario run white-monday": "Choose one of: flash-sale, ",
    "scenario matrix white-monday": "Choose one of: flash-sale, ",
    "scenario run flash-sale --defect typo": "Choose one of: read-then-write, ",
    "scenario run flash-sale --set typo=1": "Choose one of: units, buyers, ",
    "scenario run flash-sale --set buyers=0": "buyers is int 1..50000: people who want one.",
    "scenario run flash-sale --set buyers=50001": "buyers is int 1..50000: ",
    "scenario run flash-sale --quick --set over_s=nan": "over_s is float 0.5..600: ",
    "scenario run flash-sale --set greedy_first=perhaps": "greedy_first is true or false: ",
    "scenario run flash-sale --set buyers": "Write --set NAME=VALUE; ",
    "scenario matrix flash-sale --defect read-then-write --defect typo": "Choose one of: read-then-write, ",
    "scenario matrix flash-sale double-charge --defect read-then-write": "Name the scenario too.",
    "invariants --watch --only INV-11": "Known: INV-02, INV-07.",
    "invariants --only INV-99": "Known: INV-01, ",
    "invariants --only INV-02 --only nothing": "Known: INV-01, ",
    "events dlq redrive frob": "Choose one of: auth, ",
    "up --only catalog,frob": "Choose from: postgres, ",
    "up --scale frob=2": "Choose from: gateway, ",
    "up --profile cloud": "See: shopctl up --help",
    "up --profile elsewhere": "See: shopctl up --help",
    "up --profile external": "Name all four: export SHOPSTREAM_POSTGRES_URL=",
    "logs frob": "There are: ",
    "test frob": "Choose of: unit, integration, ",
    "test unit frob": "Choose of: unit, integration, ",
    "seed --size xl": "See: shopctl seed --help",
    "repair frob": "See: shopctl repair --help",
    "frob": "See: shopctl --help",
}


@pytest.mark.parametrize("line", [*BEYOND_THE_ENDS, *NO_NUMBER])
def test_a_number_that_is_none_or_out_of_range_is_refused_by_its_option(shopctl, line: str) -> None:
    said = shopctl(*line.split())
    assert (said.code, said.out, len(said.lines)) == (2, "", 2)
    option = line.split()[-2].removeprefix("--")
    assert (option in said.lines[0]) or ("number" in said.lines[0]) or ("inventory can run 1 to" in said.lines[0])


@pytest.mark.parametrize("line", NOT_THERE)
def test_what_there_is_not_is_refused_with_what_there_is(shopctl, line: str) -> None:
    said = shopctl(*line.split())
    assert (said.code, said.out, len(said.lines)) == (2, "", 2)
    wrong = next(word for word in reversed(line.replace(",", " ").replace("=", " ").split()) if not word.isdigit())
    assert wrong in said.lines[0]
    assert said.lines[1].startswith(NOT_THERE[line])


def test_a_fault_nobody_knows_is_refused_with_those_there_are(shopctl) -> None:
    said = shopctl("fault", "inject", "melt", "kafka")
    assert (said.code, len(said.lines)) == (2, 2)
    assert said.lines[0] == "There is no fault 'melt'."
    assert said.lines[1].startswith("Choose from: kill, kill-relay, kill-at, pause, restart, latency,")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("fault inject latency orders:postgres --set latency_ms", "'latency_ms' is not name=value"),
        ("fault inject latency orders:postgres --set latency_ms=much", "latency cannot be made so"),
        ("fault inject latency orders:postgres --set slowness=1", "latency cannot be made so"),
        ("fault inject kill", "kill cannot be made so"),
    ],
)
def test_a_fault_that_cannot_be_made_is_refused_with_what_can_be_set(shopctl, line: str, told: str) -> None:
    said = shopctl(*line.split())
    assert (said.code, len(said.lines)) == (2, 2)
    assert told in said.lines[0]


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_an_unknown_option_leads_to_the_help_of_its_own_command(shopctl, path: tuple[str, ...]) -> None:
    said = shopctl(*path, "--frob")
    assert (said.code, len(said.lines)) == (2, 2)
    assert said.lines[0].startswith("No such option: --frob")
    assert said.lines[1] == f"See: shopctl {' '.join(path)} --help"


@pytest.mark.parametrize(
    "path", [path for path, command in LEAVES.items() if any(one.required for one in command.params)], ids=" ".join
)
def test_a_missing_argument_is_named(shopctl, path: tuple[str, ...]) -> None:
    said = shopctl(*path)
    assert (said.code, said.out, len(said.lines)) == (2, "", 2)
    assert "Missing argument" in said.lines[0]
    assert said.lines[1] == f"See: shopctl {' '.join(path)} --help"


@pytest.mark.parametrize("line", ["down frob", "scenario list frob", "doctor frob", "scenario recheck a b"])
def test_an_argument_too_many_is_refused(shopctl, line: str) -> None:
    said = shopctl(*line.split())
    assert (said.code, len(said.lines)) == (2, 2)


@pytest.mark.parametrize("group", ["scenario", "events", "events dlq", "fault", "mail", "repair"])
def test_a_group_alone_shows_what_it_has(shopctl, group: str) -> None:
    said = shopctl(*group.split())
    assert said.code == 2
    members = {path[len(group.split())] for path in LEAVES if path[: len(group.split())] == tuple(group.split())}
    assert all(f"  {member}" in said.err for member in members)


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [("SHOPSTREAM_PORT_BASE", "many", "up"), ("SHOPSTREAM_PROFILE", "cloud", "up")],
)
def test_a_wrong_variable_is_a_usage_error_too(
    shopctl, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, line: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = shopctl(line)
    assert (said.code, len(said.lines)) == (2, 2)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_has_help_with_an_example(shopctl, path: tuple[str, ...]) -> None:
    said = shopctl(*path, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"shopctl {' '.join(path)}" in said.out.split("Examples:")[1]


def test_the_version_is_one_line(shopctl) -> None:
    said = shopctl("--version")
    assert (said.code, said.err) == (0, "")
    assert said.out.removeprefix("shopctl ").strip().replace(".", "").isdigit()
