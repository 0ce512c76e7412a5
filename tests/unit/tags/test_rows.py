from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.tags.compiled import compiled
from gateway.tags.rows import (
    WIDTH,
    narrowed,
    plus,
    put_row,
    row_at,
    scaled,
    sum_of,
    times,
    zero_row,
)


@compiled
def combined(rows: NDArray[Any], factor: float, into: NDArray[Any]) -> float:
    """Write (row 0 + factor · row 1) · row 2 · factor to row 1 of `into`; its sum."""
    kind = rows.dtype.type(factor)
    row = scaled(times(plus(row_at(rows, 0), kind, row_at(rows, 1)), row_at(rows, 2)), kind)
    put_row(into, 1, row)
    return float(sum_of(row))


@compiled
def emptied(rows: NDArray[np.float32], doubles: NDArray[np.float64]) -> None:
    """Write zeros to row 0 of `rows`, and to row 1 the first of `doubles`."""
    put_row(rows, 0, zero_row())
    put_row(rows, 1, narrowed(row_at(doubles, 0)))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rows_are_added_multiplied_and_summed_column_by_column(kind: type) -> None:
    rows: NDArray[Any] = np.random.default_rng(1).normal(size=(3, WIDTH)).astype(kind)
    into: NDArray[Any] = np.full((3, WIDTH), 7, dtype=kind)
    found = combined(rows, 0.3, into)
    wanted = (rows[0] + kind(0.3) * rows[1]) * rows[2] * kind(0.3)
    assert into[1] == pytest.approx(wanted, rel=1e-4)
    assert found == pytest.approx(wanted.sum(), rel=1e-4)
    assert (into[[0, 2]] == 7).all()


def test_a_row_of_doubles_becomes_one_of_singles() -> None:
    doubles = np.random.default_rng(2).normal(size=(1, WIDTH))
    rows = np.ones((3, WIDTH), dtype=np.float32)
    emptied(rows, doubles)
    assert not rows[0].any()
    assert rows[1] == pytest.approx(doubles[0], rel=1e-6)
    assert (rows[2] == 1).all()
