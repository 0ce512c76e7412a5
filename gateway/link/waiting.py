"""Rows that came and are not committed yet, by lane; which of them the next commit takes.

Pure. A commit is to take a tenth of a second, so that an SOS never waits long behind the rows of an
outage: the budget of a batch follows from how long the last ones took. What is urgent goes in a
commit of its own; the others have every second commit, so they never starve. Of these, live rows go
first, and the backlog has what remains, never less than a tenth: as with the sender.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from gateway.link.envelope import Envelope
from gateway.model import Lane

MAX_QUEUED = 4_000  # rows of a lane: 60 gateways with all that they may have in flight
MAX_QUEUED_BYTES = 64_000_000  # of a lane
MAX_BATCH = 1_000
ROW_COST = 1_000  # an empty row costs as much as so many bytes of items
FIRST_BUDGET = 500_000
BUDGETS = (50_000, 8_000_000)
STEPS = (0.5, 1.5)  # how much the budget changes at once
BACKLOG_SHARE = 0.1
_SHARES: Mapping[Lane, float] = MappingProxyType(
    {Lane.URGENT: 0.5, Lane.LIVE: 1 - BACKLOG_SHARE, Lane.BACKLOG: 1.0}
)


class Waiting:
    """`commit_s` is how long a commit may take."""

    def __init__(self, *, commit_s: float) -> None:
        self._commit_s = commit_s
        self._budget = float(FIRST_BUDGET)
        self._lanes: dict[Lane, deque[Envelope]] = {lane: deque() for lane in Lane}
        self._bytes = dict.fromkeys(Lane, 0)
        self._urgent_had_its_turn = False

    def __bool__(self) -> bool:
        return any(self._lanes.values())

    def put(self, row: Envelope) -> bool:
        """False where its lane is full: the sender sends it again."""
        lane, size = self._lanes[row.lane], _size(row)
        if len(lane) >= MAX_QUEUED or self._bytes[row.lane] + size > MAX_QUEUED_BYTES:
            return False
        lane.append(row)
        self._bytes[row.lane] += size
        return True

    def take(self) -> list[Envelope]:
        """The rows of the next commit: each lane's in their order, the urgent ones first."""
        batch: list[Envelope] = []
        if self._lanes[Lane.URGENT] and not self._urgent_had_its_turn:
            self._urgent_had_its_turn = True
            self._move(Lane.URGENT, batch, 1.0, 0.0)
            return batch
        self._urgent_had_its_turn = False
        used = 0.0
        for lane, share in _SHARES.items():
            used = self._move(lane, batch, share, used)
        return batch

    def took(self, batch: Sequence[Envelope], *, seconds: float) -> None:
        """How long a commit took; what was small tells of the disk, not of the rows."""
        cost = float(sum(ROW_COST + _size(row) for row in batch))
        least, most = BUDGETS
        if cost < least:
            return
        step = min(max(self._commit_s / max(seconds, 1e-3), STEPS[0]), STEPS[1])
        if step < 1:
            self._budget = max(min(self._budget, cost) * step, least)
        elif cost >= self._budget / 2:
            self._budget = min(self._budget * step, most)

    def _move(self, lane: Lane, batch: list[Envelope], share: float, used: float) -> float:
        """Rows of `lane` join `batch` until `share` of it is used: one at least."""
        rows, before = self._lanes[lane], len(batch)
        while rows and (
            len(batch) == before or (used < share * self._budget and len(batch) < share * MAX_BATCH)
        ):
            row = rows.popleft()
            self._bytes[lane] -= _size(row)
            batch.append(row)
            used += ROW_COST + _size(row)
        return used


def _size(row: Envelope) -> int:
    return len(memoryview(row.items))
