import pytest

from compose.growing_file import GrowingFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "growing"


def grown(path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_each_line_is_given_once_and_only_when_it_is_whole(path):
    file = GrowingFile(path)
    assert file.new_lines() == []
    grown(path, b"a\n\nb")
    assert file.new_lines() == [b"a", b""]
    assert file.new_lines() == []
    grown(path, b"c\n")
    assert (file.new_lines(), file.lines_given) == ([b"bc"], 3)


def test_a_file_that_got_shorter_is_read_and_counted_from_its_beginning(path):
    file = GrowingFile(path)
    grown(path, b"a\nb\n")
    assert file.new_lines() == [b"a", b"b"]
    path.write_bytes(b"c\n")
    assert (file.new_lines(), file.lines_given) == ([b"c"], 1)


@pytest.mark.parametrize("bytes_max", [1, 2, 3, 5, 8])
def test_a_step_ends_at_the_end_of_a_line_however_long(path, bytes_max):
    grown(path, b"a\nlonger\nb\n")
    file = GrowingFile(path, bytes_max=bytes_max)
    steps = [file.new_lines() for _ in range(4)]
    assert [line for step in steps for line in step] == [b"a", b"longer", b"b"]
    assert steps[0] != [b"a", b"longer", b"b"]


def test_what_lies_before_the_offset_is_left_out(path):
    grown(path, b"a\nb\n")
    assert GrowingFile(path, offset=2).new_lines() == [b"b"]
