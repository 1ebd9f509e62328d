import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv_lines import csv_line

COMPUTED = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def _read(line):
    (row,) = csv.reader(io.StringIO(line.decode(), newline=""))
    return row


@pytest.mark.parametrize("first", COMPUTED)
def test_a_text_that_a_spreadsheet_would_compute_is_a_text(first):
    for text in (f"{first}1+1", f"  {first}cmd|' /C calc'!A0"):
        assert _read(csv_line([text])) == [f"'{text}"]


def test_numbers_days_and_nothing_are_written_as_they_are():
    assert csv_line([-3, Decimal("-12.30"), date(2026, 1, 2), None]) == b'-3,-12.30,"2026-01-02",""\r\n'


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), min_size=1))
def test_whatever_is_written_is_read_again_and_begins_no_formula(cells):
    read = _read(csv_line(cells))
    assert [told.removeprefix("'") for told in read] == [cell.removeprefix("'") for cell in cells]
    assert not any(told.lstrip(" ").startswith(COMPUTED) for told in read)
