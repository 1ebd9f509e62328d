import json
from itertools import chain, islice
from types import SimpleNamespace

import pytest

from scenarios.world import journals
from scenarios.world.journal_writer import JournalInUseError, JournalWriter
from scenarios.world.journals import (
    JournalDamagedError,
    Marks,
    PspRecord,
    SmtpRecord,
    last_n,
    marks,
    read,
    read_journals,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "psp.jsonl"


def written(path, count):
    writer = JournalWriter(path)
    writer.append_many([PspRecord(kind="capture", payment_id=f"p{i}", amount_minor=i) for i in range(count)])
    writer.close()


def test_records_are_numbered_from_one_without_gaps_across_writers(path):
    written(path, 3)
    written(path, 2)
    assert [record.n for record in read(path, PspRecord)] == [1, 2, 3, 4, 5]


def test_an_append_is_on_disk_when_it_returns(path):
    writer = JournalWriter(path)
    writer.append(PspRecord(kind="capture", payment_id="p"))
    line = json.loads(path.read_text())
    writer.close()
    assert line["n"] == 1
    assert line["kind"] == "capture"
    assert isinstance(line["at"], float)


def test_a_torn_last_line_is_left_out_and_cut_by_the_next_writer(path):
    written(path, 2)
    with path.open("ab") as file:
        file.write(b'{"n":3,"kind":"capt')
    assert [record.n for record in read(path, PspRecord)] == [1, 2]
    written(path, 1)
    assert [record.n for record in read(path, PspRecord)] == [1, 2, 3]


def test_a_journal_that_is_only_a_torn_line_is_empty(path):
    path.write_bytes(b'{"n":1,"ki')
    assert read(path, PspRecord) == []
    assert last_n(path) == 0
    written(path, 1)
    assert last_n(path) == 1


def test_a_damaged_line_in_the_middle_is_an_error_with_its_number(path):
    written(path, 1)
    with path.open("ab") as file:
        file.write(b"{broken\n")
    written_after = b'{"n":3,"at":1.0,"kind":"capture"}\n'
    with path.open("ab") as file:
        file.write(written_after)
    with pytest.raises(JournalDamagedError) as caught:
        read(path, PspRecord)
    assert caught.value.line == 2


def test_two_writers_of_one_journal_are_refused(path):
    writer = JournalWriter(path)
    with pytest.raises(JournalInUseError):
        JournalWriter(path)
    writer.close()
    JournalWriter(path).close()


def test_the_last_number_is_found_behind_lines_longer_than_a_block(path):
    writer = JournalWriter(path)
    for _ in range(3):
        writer.append(PspRecord(kind="refused", detail="x" * 100_000))
    writer.close()
    assert last_n(path) == 3


def test_a_run_reads_only_what_came_after_its_marks(tmp_path):
    written(tmp_path / "psp.jsonl", 4)
    before = marks(tmp_path)
    assert before == Marks(psp=4)
    written(tmp_path / "psp.jsonl", 2)
    since = read_journals(tmp_path, before)
    assert [record.n for record in since.psp] == [5, 6]
    assert since.tap == []


def test_mail_lines_use_the_words_from_and_to(tmp_path):
    writer = JournalWriter(tmp_path / "smtp.jsonl")
    writer.append(SmtpRecord(kind="accepted", sender="a@x", recipients=["b@x"]))
    writer.close()
    line = json.loads((tmp_path / "smtp.jsonl").read_text())
    assert (line["from"], line["to"]) == ("a@x", ["b@x"])
    assert read(tmp_path / "smtp.jsonl", SmtpRecord)[0].recipients == ["b@x"]


def test_a_followed_journal_gives_each_record_once_and_whole_whenever_it_is_written(path, monkeypatch):
    written(path, 3)
    line = b'{"n":4,"at":1.0,"kind":"capture"}\n'
    pieces = iter([line[:12], line[12:] + line.replace(b"4", b"5", 1)])

    def meanwhile(_: float) -> None:
        with path.open("ab") as file:
            file.write(next(pieces))

    monkeypatch.setattr(journals, "time", SimpleNamespace(sleep=meanwhile))
    following = chain.from_iterable(journals.follow(path, PspRecord))
    assert [record.n for record in islice(following, 5)] == [1, 2, 3, 4, 5]


def test_a_journal_is_followed_from_before_it_exists_and_over_a_new_beginning(path, monkeypatch):
    counts = iter((2, 1))

    def anew(_: float) -> None:
        path.unlink(missing_ok=True)
        written(path, next(counts))

    monkeypatch.setattr(journals, "time", SimpleNamespace(sleep=anew))
    following = chain.from_iterable(journals.follow(path, PspRecord))
    assert [record.n for record in islice(following, 3)] == [1, 2, 1]


def test_a_torn_line_of_a_followed_journal_is_left_out_when_the_next_writer_cuts_it(path, monkeypatch):
    written(path, 2)
    path.write_bytes(path.read_bytes() + b'{"n":3,"kind":"refu')
    monkeypatch.setattr(journals, "time", SimpleNamespace(sleep=lambda _: written(path, 1)))
    following = chain.from_iterable(journals.follow(path, PspRecord))
    assert [(record.n, record.kind) for record in islice(following, 3)] == [(n, "capture") for n in (1, 2, 3)]


def test_the_first_that_is_given_of_a_followed_journal_is_all_it_holds(path):
    assert next(journals.follow(path, PspRecord)) == []
    written(path, 3)
    assert [record.n for record in next(journals.follow(path, PspRecord))] == [1, 2, 3]


def test_a_damaged_line_ends_the_following_with_its_number(path):
    written(path, 2)
    following = journals.follow(path, PspRecord)
    assert [record.n for record in next(following)] == [1, 2]
    path.write_bytes(path.read_bytes() + b"{broken\n")
    with pytest.raises(JournalDamagedError) as caught:
        next(following)
    assert caught.value.line == 3
