"""Measured figures, beside what they are to be compared with."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; `against` names a limit or a peer of the same run, in the same unit."""

    name: str
    value: float
    unit: str
    against: str = ""
    other: float = 0.0

    def document(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {"ratio": self.ratio}

    @property
    def ratio(self) -> float | None:
        """`value` over what it is compared with."""
        return self.value / self.other if self.other else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several that did the same work: of each, by its name, a value for every column.

    Columns name their units. None is a value that was not measured.
    """

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float | None, ...]]

    def document(self) -> dict[str, object]:
        """For JSON."""
        rows = {
            name: dict(zip(self.columns, values, strict=True)) for name, values in self.rows.items()
        }
        return {"title": self.title, "rows": rows}

    def table(self) -> str:
        """Aligned columns."""
        rows = [(self.title, *self.columns)]
        for name, values in self.rows.items():
            rows.append((name, *("" if value is None else _number(value) for value in values)))
        return _aligned(rows)


def seconds(work: Callable[[], object], *, rounds: int = 5) -> float:
    """The median time of `work`, after one round that does not count."""
    work()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return median(times)


def table(figures: Sequence[Figure]) -> str:
    """Aligned columns."""
    rows = [("figure", "value", "unit", "compared with", "ratio")]
    for one in figures:
        other = f"{one.against}: {_number(one.other)}" if one.against else ""
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        rows.append((one.name, _number(one.value), one.unit, other, ratio))
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
