import pytest

from tests.bench.figure import Comparison, Figure, table

PEERS = Comparison(
    "on the same input",
    ("error, m", "a fix, µs"),
    {"ours": (3.5, 30.25), "ours, crowded": (None, 1234.0)},
)


def test_a_figure_stands_beside_its_ratio_to_what_it_is_compared_with() -> None:
    lines = table([Figure("step", 90.0, "ms", "limit", 60.0), Figure("memory", 12.0, "MB")])
    assert lines.splitlines()[1].split("  ")[-1].strip() == "1.50"
    assert lines.splitlines()[2].split() == ["memory", "12", "MB"]


def test_a_comparison_has_a_line_for_each_and_leaves_out_what_was_not_measured() -> None:
    lines = PEERS.table().splitlines()
    assert lines == [
        "on the same input  error, m  a fix, µs",
        "ours               3.5       30.2",
        "ours, crowded                1,234",
    ]


def test_a_comparison_for_json_names_every_value() -> None:
    assert PEERS.document() == {
        "title": "on the same input",
        "rows": {
            "ours": {"error, m": 3.5, "a fix, µs": 30.25},
            "ours, crowded": {"error, m": None, "a fix, µs": 1234.0},
        },
    }


def test_a_comparison_with_a_value_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Comparison("", ("a", "b"), {"one": (1.0,)}).document()
