"""The sender's decisions, without I/O: which row goes next, when to go back, when to pause.

Events come in by methods, with the time as an argument; `next` says what to do. The rules:

- at most 64 unreceipted rows a lane in flight;
- go back to the mark after 5 s without progress (urgent: 2 s), then with one row at a time until a
  receipt comes (a receiver that is away must not be sent 64 rows every 5 s), and after each
  reconnection;
- nothing while the receiver's status says offline;
- urgent first, live next; backlog is owed one row in ten of what is sent while it has rows.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.epochs import Reach
from gateway.model import Lane

MAX_IN_FLIGHT = 64
PROGRESS_TIMEOUT_S = 5.0
URGENT_TIMEOUT_S = 2.0  # an SOS waits no longer than that for a hub that could not commit it
LIVE_RECEIPT_AGE_S = 5.0
OTHERS_PER_BACKLOG = 9  # nine rows of other lanes, then one of the backlog: a tenth
MOST_OWED = 10 * OTHERS_PER_BACKLOG


@dataclass(frozen=True, slots=True)
class Row:
    """One outbox row: `items` encoded, and packed or not.

    `seq` is its number in the source. That of a gap row is the last that it replaces, from
    `from_seq` on. `since`/`until` are capture times; 0 where the source keeps none.
    """

    lane: Lane
    seq: int
    kind: str
    items: bytes
    is_packed: bool = False
    from_seq: int = 0
    since: float = 0.0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Fetch:
    """Command: read up to `limit` rows of `lane` with a seq above `after`; answer `fetched`."""

    lane: Lane
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Send:
    """Command: publish `row`, saying that `first` is the lowest seq still held of its lane."""

    row: Row
    first: int


@dataclass(slots=True)
class _Flow:
    mark: int
    cursor: int  # the highest seq read from the source since the last going back
    highest: int  # the highest seq ever read from the source: no receipt reaches beyond
    timeout_s: float
    window: int = MAX_IN_FLIGHT
    progress_at: float = 0.0
    more: bool = True
    ready: deque[Row] = field(default_factory=deque)
    flying: deque[int] = field(default_factory=deque)

    def go_back(self, *, window: int) -> None:
        self.cursor = self.mark
        self.window = window
        self.more = True
        self.ready.clear()
        self.flying.clear()

    def has_room(self) -> bool:
        return len(self.flying) < self.window


class SenderFlow:
    """The state of one sender towards one receiver. `marks` are (lowest seq held − 1) by lane."""

    def __init__(self, *, marks: Mapping[Lane, int]) -> None:
        self.last_receipt_at = float("-inf")
        self._connected = False
        self._receiver_online = True
        self._receiver_instance = ""
        self.restart(marks=marks)

    def restart(self, *, marks: Mapping[Lane, int]) -> None:
        """Begin anew with what the source holds; connection and receiver stay as they are."""
        self._owed = 0
        self._lanes = {
            lane: _Flow(marks[lane], marks[lane], marks[lane], timeout_s=_timeout_s(lane))
            for lane in Lane
        }

    def connected(self) -> None:
        """A new connection to the broker: what was in flight on the old one may be lost."""
        self._connected = True
        self._go_back_everywhere()

    def disconnected(self) -> None:
        """Nothing is sent until `connected`; what the receiver's status was is forgotten."""
        self._connected = False
        self._receiver_online = True

    def receiver_status(self, *, online: bool, instance: str) -> None:
        """The receiver's retained status. Coming online, or another instance, means: go back."""
        came = online and not self._receiver_online
        other = online and instance != self._receiver_instance
        self._receiver_online = online
        if online:
            self._receiver_instance = instance
        if came or other:
            self._go_back_everywhere()

    def begins_after(self, numbers: Mapping[Lane, int]) -> None:
        """The source holds nothing up to `numbers`: what it had there is gone with its file."""
        for lane, flow in self._lanes.items():
            self._raise(flow, numbers[lane])

    def appended(self) -> None:
        """The source has new rows, in whichever lane."""
        for flow in self._lanes.values():
            flow.more = True

    def receipt(self, lane: Lane, reach: Reach, *, now: float) -> bool:
        """Take a receipt; true where all rows up to its end may now be deleted.

        A receipt of an epoch says nothing of the rows before it: while one of these is not
        receipted, it changes nothing, and comes again with the repetition of its rows.
        """
        self.last_receipt_at = now
        flow = self._lanes[lane]
        mark = min(reach.through, flow.highest)
        if flow.mark < reach.after or mark <= flow.mark:
            return False
        self._raise(flow, mark)
        flow.window = MAX_IN_FLIGHT
        flow.progress_at = now
        return True

    def tick(self, *, now: float) -> None:
        """Go back in each lane that made no progress for its time."""
        for flow in self._lanes.values():
            if flow.flying and now - flow.progress_at >= flow.timeout_s:
                flow.go_back(window=1)

    def next_tick_in(self, *, now: float) -> float | None:
        """Seconds until `tick` may have something to do; None while nothing is in flight."""
        ends = [f.progress_at + f.timeout_s for f in self._lanes.values() if f.flying]
        return max(0.0, min(ends) - now) if ends else None

    def next(self, *, now: float) -> Fetch | Send | None:
        """The next thing to do; None until another event."""
        if not (self._connected and self._receiver_online):
            return None
        for lane, flow in self._lanes.items():
            if flow.more and not flow.ready and flow.has_room():
                flow.more = False  # whatever is appended from now on sets it again
                return Fetch(lane=lane, after=flow.cursor, limit=flow.window - len(flow.flying))
        return self._send(now)

    def fetched(self, fetch: Fetch, rows: Sequence[Row]) -> None:
        """The answer to `fetch`; ignored where an event has moved the lane meanwhile."""
        flow = self._lanes[fetch.lane]
        if flow.cursor != fetch.after:
            flow.more = True
            return
        if len(rows) >= fetch.limit:
            flow.more = True
        if rows:
            flow.ready.extend(rows)
            flow.cursor = rows[-1].seq
            flow.highest = max(flow.highest, flow.cursor)

    @staticmethod
    def _raise(flow: _Flow, mark: int) -> None:
        flow.mark = max(flow.mark, mark)
        flow.cursor = max(flow.cursor, mark)
        flow.highest = max(flow.highest, mark)
        while flow.flying and flow.flying[0] <= mark:
            flow.flying.popleft()
        while flow.ready and flow.ready[0].seq <= mark:
            flow.ready.popleft()

    def _go_back_everywhere(self) -> None:
        for flow in self._lanes.values():
            flow.go_back(window=MAX_IN_FLIGHT)

    def _send(self, now: float) -> Send | None:
        lane = self._choose()
        if lane is None:
            return None
        flow = self._lanes[lane]
        row = flow.ready.popleft()
        if not flow.flying:
            flow.progress_at = now
        flow.flying.append(row.seq)
        return Send(row=row, first=flow.mark + 1)

    def _choose(self) -> Lane | None:
        can = {lane for lane, flow in self._lanes.items() if flow.ready and flow.has_room()}
        backlog_waits = Lane.BACKLOG in can
        if Lane.URGENT in can:
            chosen = Lane.URGENT
        elif Lane.LIVE in can and not (backlog_waits and self._owed >= OTHERS_PER_BACKLOG):
            chosen = Lane.LIVE
        elif backlog_waits:
            chosen = Lane.BACKLOG
        else:
            return None
        if chosen is Lane.BACKLOG:
            self._owed = max(0, self._owed - OTHERS_PER_BACKLOG)
        elif backlog_waits:
            self._owed = min(MOST_OWED, self._owed + 1)
        return chosen


def _timeout_s(lane: Lane) -> float:
    return URGENT_TIMEOUT_S if lane is Lane.URGENT else PROGRESS_TIMEOUT_S


def lane_for(*, last_receipt_at: float, now: float) -> Lane:
    """Where a row that is not urgent belongs: live while receipts come, else backlog.

    Both in monotonic seconds; `last_receipt_at` is minus infinity before the first receipt.
    """
    return Lane.LIVE if now - last_receipt_at < LIVE_RECEIPT_AGE_S else Lane.BACKLOG
