"""What a doctor says: of each part, whether it is well, and what to do where it is not."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """How a part is."""

    WELL = "well"
    WORRYING = "worrying"
    ILL = "ill"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line on one part."""

    part: str
    mark: Mark
    what: str
    remedy: str = ""


def well(part: str, what: str) -> Verdict:
    """Nothing needs to be done."""
    return Verdict(part, Mark.WELL, what)


def worrying(part: str, what: str, remedy: str) -> Verdict:
    """It works, and something about it should be seen to."""
    return Verdict(part, Mark.WORRYING, what, remedy)


def ill(part: str, what: str, remedy: str) -> Verdict:
    """It does not work."""
    return Verdict(part, Mark.ILL, what, remedy)


def duration(seconds: float) -> str:
    """A length of time for people: 40 s, 12 min, 5 h, 3 d."""
    for unit, size_s, until_s in (("s", 1, 120), ("min", 60, 7_200), ("h", 3_600, 172_800)):
        if seconds < until_s:
            return f"{seconds / size_s:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"
