"""Long work is taken up where it was stopped, by its choice; nothing that was played is lost or played again."""

from pathlib import Path

import msgspec

from scenarios.resumable import PLAYED, Journal, open_directory, write_result

RESULT = "result.json"


class Chosen(msgspec.Struct, frozen=True):
    runs: int


class Ran(msgspec.Struct, frozen=True):
    seed: int
    failed: tuple[str, ...] = ()


def test_unfinished_work_of_the_same_choice_is_taken_up_and_no_other(tmp_path: Path) -> None:
    first = open_directory(tmp_path, Chosen(4), result=RESULT)
    assert open_directory(tmp_path, Chosen(4), result=RESULT) == first
    assert open_directory(tmp_path, Chosen(5), result=RESULT) != first
    write_result(first / RESULT, {})
    assert open_directory(tmp_path, Chosen(4), result=RESULT) != first


def test_what_was_played_survives_its_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Ran)
    for seed in (1, 2):
        journal.append(Ran(seed, ("INV-01",)))
    assert Journal(tmp_path, Ran).played == journal.played == [Ran(1, ("INV-01",)), Ran(2, ("INV-01",))]


def test_a_line_that_was_cut_off_is_none_and_the_next_one_begins_anew(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Ran)
    for seed in (1, 2):
        journal.append(Ran(seed))
    path = tmp_path / PLAYED
    path.write_bytes(path.read_bytes()[:-3])
    again = Journal(tmp_path, Ran)
    assert again.played == [Ran(1)]
    again.append(Ran(3))
    assert Journal(tmp_path, Ran).played == [Ran(1), Ran(3)]


def test_a_result_is_whole_and_alone(tmp_path: Path) -> None:
    write_result(tmp_path / RESULT, {"holds": True})
    assert (tmp_path / RESULT).read_text().endswith("}\n")
    assert [path.name for path in tmp_path.iterdir()] == [RESULT]
