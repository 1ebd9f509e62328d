"""`docs/mutants.md`: how many mutants of the rules the unit tests kill, and why the others live.

Written by `nox -s mutants` from what mutmut left in `mutants/`. The modules and the reasons are in `docs/mutants.toml`,
where a mutant is named by its function and what it makes of which line, so that it keeps its name when others come.
"""

import ast
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
REASONS = ROOT / "docs" / "mutants.toml"
TABLE = ROOT / "docs" / "mutants.md"
KILLED_PERCENT_MIN = 80
SURVIVED, WITHOUT_A_TEST = 0, 33
"""What mutmut notes of a mutant that no test has killed."""
HEAD = f"""# Mutants of the rules

`nox -s mutants` changes every function of these modules in every way [mutmut](https://mutmut.readthedocs.io) knows, and
runs the unit tests that reach it, on no engine. In each module at least {KILLED_PERCENT_MIN} % must be killed. What a
refusal says (`raise …`) is not changed; properties and tables are not either, since mutmut changes functions only.
"""


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why some mutants may live, each as `function: line → what became of it`."""

    why: str
    mutants: tuple[str, ...]


class Reasons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The modules by what they are the rules of, and the reasons of all survivors by module."""

    rules: dict[str, tuple[str, ...]]
    survivors: dict[str, tuple[Reason, ...]] = {}

    @property
    def modules(self) -> dict[str, str]:
        """What each module is the rules of."""
        return {module: subject for subject, modules in self.rules.items() for module in modules}

    def named(self, module: str) -> list[str]:
        """The survivors of a module that have a reason."""
        return [mutant for reason in self.survivors.get(module, ()) for mutant in reason.mutants]


class Found(msgspec.Struct, frozen=True):
    """What became of a module's mutants; `survivors` as the reasons name them, several of the same once."""

    mutants: int
    killed: int
    survivors: tuple[str, ...]

    @property
    def percent(self) -> int:
        """Whole percent killed, rounded down."""
        return 100 * self.killed // self.mutants if self.mutants else 100


def reasons() -> Reasons:
    """What `docs/mutants.toml` says."""
    return msgspec.convert(tomllib.loads(REASONS.read_text()), Reasons)


def faults(known: Reasons, found: dict[str, Found]) -> list[str]:
    """Everything that is not as it should be, one line each."""
    said: list[str] = []
    for module, one in found.items():
        if one.percent < KILLED_PERCENT_MIN:
            said.append(f"{module}: {one.percent} % killed, {KILLED_PERCENT_MIN} % are wanted")
        said += [
            f"{module}: lives without a reason: {mutant}"
            for mutant in one.survivors
            if mutant not in known.named(module)
        ]
    for module in known.survivors:
        alive = found[module].survivors if module in found else ()
        said += [f"{module}: has a reason and does not live: {one}" for one in known.named(module) if one not in alive]
    return said


def page(known: Reasons, found: dict[str, Found]) -> str:
    """The page, as Markdown."""
    every = Found(sum(one.mutants for one in found.values()), sum(one.killed for one in found.values()), ())
    rows = [_row(known.modules[module], f"`{module}`", one) for module, one in found.items()]
    rows.append(_row("all", "", every))
    lines = [HEAD, "| rules of | module | mutants | killed | | survivors |", "|---|---|---|---|---|---|", *rows, ""]
    lines.append("## Why the survivors may live\n\nThe same change of equal lines of one function is listed once.\n")
    for module, given in known.survivors.items():
        lines.append(f"### `{module}`\n")
        for reason in given:
            lines += [f"{reason.why}:\n", *(f"- `` {mutant} ``" for mutant in reason.mutants), ""]
    return "\n".join(lines)


def _row(subject: str, module: str, one: Found) -> str:
    return f"| {subject} | {module} | {one.mutants} | {one.killed} | {one.percent} % | {one.mutants - one.killed} |"


def functions(module: str) -> dict[str, str]:
    """The source of every function and method of a module, by its name, as `allocate` or `Money.parse`."""
    text = (ROOT / module).read_text()
    return dict(_functions(ast.parse(text), text, ""))


def _functions(tree: ast.AST, text: str, prefix: str) -> Iterator[tuple[str, str]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, text, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, ast.get_source_segment(text, node) or ""


def _results(module: str) -> dict[str, int | None]:
    path = ROOT / "mutants" / f"{module}.meta"
    return json.loads(path.read_text())["exit_code_by_key"] if path.exists() else {}


def _found(module: str) -> Found:
    results = _results(module)
    untested = [name for name, code in results.items() if code is None]
    assert not untested, f"{module}: {len(untested)} mutants were not tried; run nox -s mutants again"
    alive = [name for name, code in results.items() if code in {SURVIVED, WITHOUT_A_TEST}]
    told = tuple(sorted({_told(name, Path(module)) for name in alive}))
    return Found(len(results), len(results) - len(alive), told)


def _told(name: str, path: Path) -> str:
    """A mutant in words that outlive its number."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415 -- only `nox -s mutants` has it

    changed = [line for line in get_diff_for_mutant(name, path=path).splitlines() if line[:3] not in {"---", "+++"}]
    was, became = (" ".join(line[1:].strip() for line in changed if line[:1] == sign) for sign in "-+")
    function = name.rpartition("__mutmut_")[0].rpartition(".")[2].removeprefix("x")
    function = function.strip("ǁ").replace("ǁ", ".") if "ǁ" in function else function.removeprefix("_")
    return f"{function}: {was} → {became or 'nothing'}"


def main() -> int:
    """Write the page, and say what is missing."""
    known = reasons()
    found = {module: one for module in known.modules if (one := _found(module)).mutants}
    if len(sys.argv) > 1:
        for module, one in found.items():
            sys.stdout.write("".join(f"{module}\t{mutant}\n" for mutant in one.survivors))
        return 0
    TABLE.write_text(page(known, found))
    wrong = faults(known, found)
    sys.stdout.write("".join(f"{line}\n" for line in wrong) or f"{TABLE.relative_to(ROOT)} is written.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
