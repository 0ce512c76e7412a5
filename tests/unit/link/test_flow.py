from gateway.epochs import Reach
from gateway.link.flow import (
    LIVE_RECEIPT_AGE_S,
    MAX_IN_FLIGHT,
    PROGRESS_TIMEOUT_S,
    URGENT_TIMEOUT_S,
    Fetch,
    Row,
    Send,
    SenderFlow,
    lane_for,
)
from gateway.model import Lane


class Sent:
    """A flow over lanes that hold `held` rows each; `rows` collects what it sends."""

    def __init__(self, **held: int) -> None:
        self.held = {lane: held.get(lane.value, 0) for lane in Lane}
        self.flow = SenderFlow(marks=dict.fromkeys(Lane, 0))
        self.flow.connected()

    def pump(self, *, now: float = 0.0, most: int = 1_000) -> list[tuple[Lane, int]]:
        sent: list[tuple[Lane, int]] = []
        self.flow.tick(now=now)
        while len(sent) < most and (command := self.flow.next(now=now)) is not None:
            match command:
                case Fetch(lane=lane, after=after, limit=limit):
                    last = min(self.held[lane], after + limit)
                    seqs = range(after + 1, last + 1)
                    rows = [Row(lane=lane, seq=seq, kind="press", items=b"[]") for seq in seqs]
                    self.flow.fetched(command, rows)
                case Send(row=row):
                    sent.append((row.lane, row.seq))
        return sent

    def receipt(self, lane: Lane, mark: int, *, now: float = 0.0) -> bool:
        return self.flow.receipt(lane, Reach(0, mark), now=now)


def live(*seqs: int) -> list[tuple[Lane, int]]:
    return [(Lane.LIVE, seq) for seq in seqs]


def test_at_most_64_rows_of_a_lane_are_in_flight() -> None:
    sent = Sent(live=100, backlog=100)
    rows = sent.pump()
    assert rows.count((Lane.LIVE, MAX_IN_FLIGHT)) == 1
    assert len(rows) == 2 * MAX_IN_FLIGHT


def test_a_receipt_makes_room_for_as_many_rows() -> None:
    sent = Sent(live=100)
    sent.pump()
    assert sent.receipt(Lane.LIVE, 3)
    assert sent.pump() == live(65, 66, 67)


def test_urgent_rows_go_before_all_others() -> None:
    sent = Sent(urgent=5, live=5, backlog=5)
    assert [lane for lane, _ in sent.pump()][:5] == [Lane.URGENT] * 5


def test_an_urgent_row_does_not_wait_for_what_the_backlog_is_owed() -> None:
    sent = Sent(urgent=30, live=30, backlog=30)
    assert [lane for lane, _ in sent.pump()][:30] == [Lane.URGENT] * 30


def test_the_backlog_gets_a_tenth_beside_a_full_live_lane() -> None:
    sent = Sent(live=60, backlog=60)
    first_fifty = [lane for lane, _ in sent.pump(most=50)]
    assert first_fifty.count(Lane.BACKLOG) == 5


def test_the_backlog_gets_its_tenth_of_urgent_rows_after_them() -> None:
    sent = Sent(urgent=45, live=60, backlog=60)
    rows = [lane for lane, _ in sent.pump(most=50)]
    assert rows[45:] == [Lane.BACKLOG] * 5


def test_the_backlog_gets_all_where_nothing_else_waits() -> None:
    assert len(Sent(backlog=20).pump()) == 20


def test_without_progress_for_5_s_it_goes_back_with_one_row_until_a_receipt_comes() -> None:
    sent = Sent(live=10)
    sent.pump()
    assert sent.pump(now=PROGRESS_TIMEOUT_S - 0.1) == []
    assert sent.pump(now=PROGRESS_TIMEOUT_S) == live(1)
    assert sent.pump(now=2 * PROGRESS_TIMEOUT_S) == live(1)
    sent.receipt(Lane.LIVE, 1, now=11.0)
    assert sent.pump(now=11.0) == live(*range(2, 11))


def test_an_urgent_row_is_sent_again_sooner() -> None:
    sent = Sent(urgent=1, live=1)
    sent.pump()
    assert sent.pump(now=URGENT_TIMEOUT_S) == [(Lane.URGENT, 1)]


def test_a_receipt_that_is_progress_starts_the_5_s_anew() -> None:
    sent = Sent(live=10)
    sent.pump()
    sent.receipt(Lane.LIVE, 4, now=4.0)
    assert sent.pump(now=8.9) == []
    assert sent.flow.next_tick_in(now=8.0) == 1.0
    assert sent.pump(now=9.0) == live(5)


def test_a_new_connection_sends_again_from_the_mark() -> None:
    sent = Sent(live=4)
    sent.pump()
    sent.receipt(Lane.LIVE, 2)
    sent.flow.disconnected()
    assert sent.pump() == []
    sent.flow.connected()
    assert sent.pump() == live(3, 4)


def test_nothing_is_sent_to_a_receiver_that_is_offline() -> None:
    sent = Sent(live=2)
    sent.flow.receiver_status(online=False, instance="")
    assert sent.pump() == []
    sent.flow.receiver_status(online=True, instance="a")
    assert sent.pump() == live(1, 2)


def test_a_receiver_that_restarted_unseen_is_sent_again_what_was_in_flight() -> None:
    sent = Sent(live=2)
    sent.flow.receiver_status(online=True, instance="a")
    sent.pump()
    sent.flow.receiver_status(online=True, instance="a")
    assert sent.pump() == []
    sent.flow.receiver_status(online=True, instance="b")
    assert sent.pump() == live(1, 2)


def test_a_lost_connection_forgets_that_the_receiver_was_offline() -> None:
    sent = Sent(live=1)
    sent.flow.receiver_status(online=False, instance="")
    sent.flow.disconnected()
    sent.flow.connected()
    assert sent.pump() == live(1)


def test_an_old_receipt_deletes_nothing_but_shows_that_the_receiver_lives() -> None:
    sent = Sent(live=5)
    sent.pump()
    sent.receipt(Lane.LIVE, 4, now=1.0)
    assert not sent.receipt(Lane.LIVE, 2, now=2.0)
    assert sent.flow.last_receipt_at == 2.0


def test_a_receipt_does_not_stand_for_the_rows_of_an_epoch_before_its_own() -> None:
    """Row 1 was lost on its way; row 2, of the next epoch, was not."""
    sent = Sent(live=2)
    sent.pump()
    assert not sent.flow.receipt(Lane.LIVE, Reach(after=1, through=2), now=0.0)
    assert sent.pump(now=PROGRESS_TIMEOUT_S) == live(1)


def test_a_receipt_reaches_no_further_than_what_was_read() -> None:
    sent = Sent(live=5)
    assert sent.pump() == live(1, 2, 3, 4, 5)
    assert sent.receipt(Lane.LIVE, 500)
    sent.held[Lane.LIVE] = 6
    sent.flow.appended()
    assert sent.pump() == live(6)


def test_each_row_says_what_is_the_lowest_seq_still_held() -> None:
    sent = Sent(live=70)
    sent.pump()
    sent.receipt(Lane.LIVE, 9)
    command = sent.flow.next(now=0.0)
    assert isinstance(command, Fetch)
    row = Row(lane=Lane.LIVE, seq=65, kind="press", items=b"[]")
    sent.flow.fetched(command, [row])
    assert sent.flow.next(now=0.0) == Send(row=row, first=10)


def test_a_row_appended_while_the_source_is_read_is_not_forgotten() -> None:
    flow = Sent().flow
    fetch = flow.next(now=0.0)
    assert isinstance(fetch, Fetch)
    flow.appended()
    flow.fetched(fetch, [])
    assert flow.next(now=0.0) == fetch


def test_a_lane_that_a_receipt_moved_while_it_was_read_is_read_again() -> None:
    sent = Sent(live=3)
    sent.pump()
    sent.flow.connected()
    fetch = sent.flow.next(now=0.0)
    while isinstance(fetch, Fetch) and fetch.lane is not Lane.LIVE:
        sent.flow.fetched(fetch, [])
        fetch = sent.flow.next(now=0.0)
    assert isinstance(fetch, Fetch)
    sent.receipt(Lane.LIVE, 2)
    sent.flow.fetched(fetch, [])
    assert sent.pump() == live(3)


def test_rows_are_live_while_the_last_receipt_is_younger_than_5_s() -> None:
    assert lane_for(last_receipt_at=float("-inf"), now=0.0) is Lane.BACKLOG
    assert lane_for(last_receipt_at=10.0, now=10.0 + LIVE_RECEIPT_AGE_S - 0.1) is Lane.LIVE
    assert lane_for(last_receipt_at=10.0, now=10.0 + LIVE_RECEIPT_AGE_S) is Lane.BACKLOG
