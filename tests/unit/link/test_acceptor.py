import msgspec
from msgspec.structs import replace

from gateway.epochs import Before
from gateway.link.acceptor import EPOCHS_REMEMBERED, SKIPPED, Acceptor, RowsLost, Twin, Verdict
from gateway.link.envelope import Envelope, Kind, Stream, decode_items, encode_items
from gateway.model import Gap, Lane, Rejected

STREAM = Stream("gw-07", "e1", Lane.LIVE)


def row(seq: int, *, first: int = 1, epoch: str = "e1", gap: Gap | None = None) -> Envelope:
    return Envelope(
        sender="gw-07",
        epoch=epoch,
        lane=Lane.LIVE,
        seq=seq,
        first=first,
        sent=100.0,
        kind=Kind.PRESS if gap is None else Kind.GAP,
        items=msgspec.Raw(encode_items([] if gap is None else [gap])),
    )


def dropped(from_seq: int, to_seq: int) -> Gap:
    return Gap(since=1.0, until=2.0, reason="outbox_full", from_seq=from_seq, to_seq=to_seq)


def test_only_the_next_row_is_accepted() -> None:
    acceptor = Acceptor({STREAM: 4})
    assert acceptor.offer(row(6)) is Verdict.IGNORED
    assert acceptor.offer(row(5)) is Verdict.ACCEPTED
    assert acceptor.offer(row(6)) is Verdict.ACCEPTED
    assert [each.seq for each in acceptor.batch.rows] == [5, 6]
    assert acceptor.batch.marks == {STREAM: 6}


def test_a_duplicate_is_receipted_again_and_not_taken_again() -> None:
    acceptor = Acceptor({STREAM: 4})
    assert acceptor.offer(row(3)) is Verdict.DUPLICATE
    assert acceptor.batch.rows == []
    assert acceptor.confirm() == {STREAM: 4}


def test_a_batch_that_was_not_committed_leaves_the_mark() -> None:
    acceptor = Acceptor({STREAM: 4})
    acceptor.offer(row(5))
    acceptor.roll_back()
    assert acceptor.batch.rows == []
    assert acceptor.offer(row(5)) is Verdict.ACCEPTED
    assert acceptor.confirm() == {STREAM: 5}


def test_a_gap_row_is_next_where_its_span_holds_the_next_seq() -> None:
    acceptor = Acceptor({STREAM: 4})
    assert acceptor.offer(row(9, gap=dropped(6, 9))) is Verdict.IGNORED
    assert acceptor.offer(row(9, gap=dropped(3, 9))) is Verdict.ACCEPTED
    assert acceptor.offer(row(9, gap=dropped(3, 9))) is Verdict.DUPLICATE
    assert acceptor.offer(row(10)) is Verdict.ACCEPTED


def test_a_gap_row_that_contradicts_itself_is_rejected() -> None:
    acceptor = Acceptor({STREAM: 4})
    assert acceptor.offer(row(5, gap=dropped(9, 5))) == Rejected("malformed_gap")


def test_a_receiver_without_marks_begins_where_the_sender_holds_its_first_row() -> None:
    acceptor = Acceptor({})
    assert acceptor.offer(row(8, first=7)) is Verdict.IGNORED
    assert acceptor.offer(row(7, first=7)) is Verdict.ACCEPTED
    assert [(each.kind, each.seq) for each in acceptor.batch.rows] == [
        (Kind.GAP, 6),
        (Kind.PRESS, 7),
    ]


def test_a_receiver_that_has_heard_all_from_the_start_takes_no_gap() -> None:
    acceptor = Acceptor({})
    acceptor.offer(row(1))
    assert [each.kind for each in acceptor.batch.rows] == [Kind.PRESS]


def test_a_receiver_restored_from_a_backup_takes_a_gap_for_what_it_forgot() -> None:
    acceptor = Acceptor({STREAM: 4})
    assert acceptor.offer(row(7, first=7)) is Verdict.ACCEPTED
    gap, press = acceptor.batch.rows
    assert decode_items(gap) == [Gap(since=0.0, until=100.0, reason=SKIPPED, from_seq=5, to_seq=6)]
    assert (gap.seq, press.seq) == (6, 7)


def test_lanes_and_epochs_count_for_themselves() -> None:
    acceptor = Acceptor({STREAM: 4})
    urgent = msgspec.structs.replace(row(1), lane=Lane.URGENT)
    assert acceptor.offer(urgent) is Verdict.ACCEPTED
    assert acceptor.offer(row(1, epoch="e2")) is Verdict.ACCEPTED
    assert acceptor.offer(row(5)) is Verdict.ACCEPTED


def test_a_new_epoch_of_the_same_store_is_nothing_to_tell() -> None:
    acceptor = Acceptor({STREAM: 4})
    acceptor.offer(replace(row(1, epoch="e2"), after=Before("e1", 4)))
    assert (acceptor.events, [each.seq for each in acceptor.batch.rows]) == ([], [1])


def test_a_new_store_of_a_known_sender_is_told_once() -> None:
    acceptor = Acceptor({STREAM: 4})
    acceptor.offer(row(5))
    assert acceptor.events == []
    acceptor.offer(replace(row(1, epoch="e2"), fresh=True))
    acceptor.offer(replace(row(2, epoch="e2"), fresh=True))
    assert acceptor.events == [RowsLost("gw-07", epoch="e2")]


def test_what_a_restored_receiver_lacks_of_an_epoch_before_is_a_gap() -> None:
    acceptor = Acceptor({STREAM: 4})
    new = replace(row(1, epoch="e2"), after=Before("e1", 9))
    assert acceptor.offer(new) is Verdict.ACCEPTED
    gap, press = acceptor.batch.rows
    assert decode_items(gap) == [Gap(since=0.0, until=100.0, reason=SKIPPED, from_seq=5, to_seq=9)]
    assert (gap.epoch, gap.seq, press.epoch, press.seq) == ("e1", 9, "e2", 1)
    assert acceptor.events == [RowsLost("gw-07", epoch="e2")]
    acceptor.confirm()
    acceptor.offer(replace(row(2, epoch="e2"), after=Before("e1", 9)))
    assert len(acceptor.events) == 1


def test_epochs_of_long_ago_are_forgotten() -> None:
    acceptor = Acceptor({STREAM: 4})
    for number in range(2 * EPOCHS_REMEMBERED):
        acceptor.offer(row(1, epoch=f"n{number}"))
        acceptor.confirm()
    assert acceptor.offer(row(5)) is Verdict.IGNORED
    assert acceptor.offer(row(2, epoch=f"n{2 * EPOCHS_REMEMBERED - 1}")) is Verdict.ACCEPTED


def test_a_row_waits_for_those_of_the_epoch_before_that_are_still_held() -> None:
    acceptor = Acceptor({STREAM: 3})
    new = replace(row(1, epoch="e2"), after=Before("e1", 4), held=True)
    assert acceptor.offer(new) is Verdict.IGNORED
    assert acceptor.offer(row(4)) is Verdict.ACCEPTED
    assert acceptor.offer(new) is Verdict.ACCEPTED


def test_a_receiver_that_keeps_no_marks_lacks_nothing() -> None:
    acceptor = Acceptor(None)
    acceptor.offer(row(9, first=9, epoch="e1"))
    acceptor.confirm()
    acceptor.offer(replace(row(1, epoch="e2"), after=Before("e1", 12)))
    assert (acceptor.events, [each.seq for each in acceptor.batch.rows]) == ([], [1])


def test_an_unknown_sender_is_no_new_epoch() -> None:
    acceptor = Acceptor({})
    acceptor.offer(row(1))
    assert acceptor.events == []


def test_rows_of_two_runs_in_turn_are_twins_and_told_once() -> None:
    acceptor = Acceptor({})
    for seq in range(1, 6):
        acceptor.offer(row(seq, epoch="e1"))
        acceptor.offer(row(seq, epoch="e2"))
    twins = [event for event in acceptor.events if isinstance(event, Twin)]
    assert len(twins) == 1
    assert set(twins[0].runs) == {"e1", "e2"}
    assert len(acceptor.batch.rows) == 10


def test_rows_of_two_epochs_in_turn_from_one_run_are_no_twin() -> None:
    acceptor = Acceptor({})
    for seq in range(1, 6):
        acceptor.offer(replace(row(seq, epoch="e1"), run="e2"))
        acceptor.offer(row(seq, epoch="e2"))
    assert not any(isinstance(event, Twin) for event in acceptor.events)


def test_one_late_row_of_the_run_before_is_no_twin() -> None:
    acceptor = Acceptor({})
    for epoch, seq in [("e1", 1), ("e2", 1), ("e1", 2), ("e2", 2), ("e2", 3)]:
        acceptor.offer(row(seq, epoch=epoch))
    assert not any(isinstance(event, Twin) for event in acceptor.events)


def test_lanes_that_come_mixed_after_a_restart_are_no_twin() -> None:
    acceptor = Acceptor({})
    for lane in Lane:
        acceptor.offer(replace(row(1, epoch="e1"), lane=lane))
        acceptor.offer(replace(row(1, epoch="e2"), lane=lane))
    for lane in Lane:
        acceptor.offer(replace(row(2, epoch="e2"), lane=lane))
    assert not any(isinstance(event, Twin) for event in acceptor.events)
