"""CSV for spreadsheets."""

import csv
import io

import pytest

from gateway.api.table import csv_table


def read(table: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))


def test_japanese_survives_excel_because_the_table_says_that_it_is_utf_8() -> None:
    table = csv_table(["電柱", "kWh"], [["本町1", 1.5]])
    assert table.startswith(b"\xef\xbb\xbf")
    assert read(table) == [["電柱", "kWh"], ["本町1", "1.5"]]
    assert table.endswith(b"\r\n")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_a_spreadsheet_would_run_is_made_plain(first: str) -> None:
    assert read(csv_table(["a"], [[f"{first}cmd|'/c calc'!A1"]]))[1][0].startswith(f"'{first}")


def test_numbers_stay_numbers_and_nothing_is_nothing() -> None:
    assert read(csv_table(["a", "b", "c"], [[-1.5, 0, None]]))[1] == ["-1.5", "0", ""]


def test_commas_quotes_and_line_ends_stay_in_their_cell() -> None:
    assert read(csv_table(["a"], [['say "no", \n please']]))[1] == ['say "no", \n please']
