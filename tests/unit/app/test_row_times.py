"""Rows of gateways whose clocks are wrong, were set, or never were, by the hub's clock."""

import msgspec
import pytest

from gateway.app.row_times import MOST_HOLES, TIMELESS
from gateway.app.skews import BEHIND_FOR_S
from gateway.epochs import CaptureClock
from gateway.link.envelope import Envelope, Item, Kind, Stream, encode_items
from gateway.model import Alert, Gap, Lane, Press, Reading, Window
from gateway.store import alerts, sightings
from gateway.store.sightings import StoredGap, StoredWindow
from tests.unit.app.town import BUTTON, NOW, SENT, Street

HOUR_S = 3_600.0
BOOTED = 1_000.0  # by a clock that was not set


class Sent:
    """Rows of gw-01 as they come to the street's hub, by a gateway's clock `ahead_s` of true."""

    def __init__(self, town: Street) -> None:
        self.town = town
        self.seqs: dict[str, int] = {}

    def row(
        self,
        item: Item,
        *,
        epoch: str = "e1",
        run: str = "",
        ahead_s: float = 0.0,
        shift_s: float = 0.0,
        clock: CaptureClock = CaptureClock.NOW,
        way_s: float = 0.01,
    ) -> Envelope:
        self.seqs[epoch] = self.seqs.get(epoch, 0) + 1
        kinds = {Window: Kind.SIGHTINGS, Press: Kind.PRESS, Gap: Kind.GAP}
        return Envelope(
            sender="gw-01",
            epoch=epoch,
            lane=Lane.BACKLOG,
            seq=self.seqs[epoch],
            first=1,
            sent=self.town.clock.utc() + ahead_s - way_s,
            kind=kinds[type(item)],
            run=run,
            shift_s=shift_s,
            clock=clock,
            items=msgspec.Raw(encode_items([item])),
        )

    async def take(self, *rows: Envelope) -> None:
        marks = {Stream(one.sender, one.epoch, one.lane): one.seq for one in rows}
        await self.town.intake.commit(rows, marks)

    async def windows(self) -> list[StoredWindow]:
        return await self.town.database.read(sightings.windows_between, 0, 2**40)

    async def seconds(self) -> list[int]:
        return [one.second for one in await self.windows()]

    async def gaps(self) -> list[StoredGap]:
        return await self.town.database.read(sightings.gaps_between, 0.0, 1e12)

    async def alerts(self) -> list[Alert]:
        return await self.town.database.read(alerts.unended)


@pytest.fixture
def sent(town: Street) -> Sent:
    return Sent(town)


def window(second: float, *readings: Reading, synced: bool = True) -> Window:
    return Window(int(second), ("r-1",), readings, synced)


async def test_a_gateway_that_booted_in_1970_is_right_from_its_first_row(sent: Sent) -> None:
    """Its clock was never set; it is as far behind as its rows say."""
    behind_s = BOOTED - NOW
    unset = [window(BOOTED - n, synced=False) for n in (3, 2, 1)]
    await sent.take(*(sent.row(one, ahead_s=behind_s) for one in unset))
    assert await sent.seconds() == [NOW - 3, NOW - 2, NOW - 1]
    assert all(one.skew_s == pytest.approx(behind_s, abs=0.1) for one in await sent.windows())
    assert not any(one.window.synced for one in await sent.windows())
    assert await sent.gaps() == []


async def test_what_was_captured_before_the_clock_was_set_is_moved_by_the_shift(
    sent: Sent,
) -> None:
    shift_s = NOW - BOOTED
    before = sent.row(window(BOOTED - 60, synced=False), epoch="e1", run="e2", shift_s=shift_s)
    await sent.take(before, sent.row(window(NOW - 1), epoch="e2"))
    assert await sent.seconds() == [NOW - 60, NOW - 1]
    assert [one.skew_s for one in await sent.windows()] == [-shift_s, 0.0]
    assert await sent.alerts() == []


async def test_shift_and_skew_are_both_taken_where_the_gateway_is_still_wrong(sent: Sent) -> None:
    row = sent.row(window(BOOTED), run="e2", shift_s=NOW - BOOTED - HOUR_S, ahead_s=-HOUR_S)
    await sent.take(row)
    assert await sent.seconds() == [NOW]


async def test_what_an_earlier_boot_knew_is_not_moved_by_what_its_clock_is_now(sent: Sent) -> None:
    past = {"epoch": "e1", "run": "e2", "ahead_s": -HOUR_S, "clock": CaptureClock.PAST}
    await sent.take(sent.row(window(NOW - 600), **past))
    await sent.take(sent.row(window(BOOTED), shift_s=NOW - 300 - BOOTED, **past))
    assert await sent.seconds() == [NOW - 600, NOW - 300]


@pytest.mark.parametrize("ahead_s", [-HOUR_S, -12.0, -2.0, 2.0, 12.0, HOUR_S])
async def test_a_clock_that_is_off_is_corrected_and_its_windows_follow_each_other(
    sent: Sent, ahead_s: float
) -> None:
    first = int(BEHIND_FOR_S) + 1
    for second in range(NOW, NOW + 40):
        sent.town.clock.now = second + 1.2
        await sent.take(sent.row(window(second + ahead_s), ahead_s=ahead_s))
    assert (await sent.seconds())[first:] == list(range(NOW + first, NOW + 40))


async def test_the_gap_of_a_restart_an_hour_ahead_does_not_lie_over_what_was_heard(
    sent: Sent,
) -> None:
    """Its beginning, the heartbeat, is by the clock of before, which was right; its end is not."""
    for second in range(NOW - 20, NOW - 10):
        await sent.take(sent.row(window(second)))
    gap = Gap(NOW - 10.0, NOW - 1.0 + HOUR_S, "restart")
    row = sent.row(gap, epoch="e2", ahead_s=HOUR_S)
    await sent.take(row)
    (told,) = await sent.gaps()
    assert told.gap.since == NOW - 10
    assert told.gap.until == pytest.approx(NOW - 1, abs=1)


async def test_the_gap_of_a_restart_stays_though_what_came_after_it_is_there_already(
    sent: Sent,
) -> None:
    await sent.take(sent.row(window(NOW - 20)))
    await sent.take(sent.row(window(NOW - 9), epoch="e2"))
    await sent.take(sent.row(window(NOW - 2), epoch="e3"))
    await sent.take(sent.row(Gap(NOW - 19.0, NOW - 9.0, "restart"), epoch="e2", run="e3"))
    (told,) = await sent.gaps()
    assert (told.gap.since, told.gap.until) == (NOW - 19, NOW - 9)


async def test_a_clock_that_is_set_back_an_hour_is_followed_with_its_first_row(sent: Sent) -> None:
    """Rows of before that are still on their way keep their own time."""
    await sent.take(sent.row(window(NOW - 3)))
    await sent.take(
        sent.row(window(NOW - 1 - HOUR_S), epoch="e2", ahead_s=-HOUR_S),
        sent.row(window(NOW - 2), epoch="e1"),
        sent.row(window(NOW), epoch="e1", run="e2", ahead_s=-HOUR_S, shift_s=-HOUR_S),
    )
    assert await sent.seconds() == [NOW - 3, NOW - 2, NOW - 1, NOW]


async def test_what_nobody_will_ever_know_the_time_of_is_one_gap_between_what_is_known(
    sent: Sent,
) -> None:
    lost = {"run": "e3", "clock": CaptureClock.UNKNOWN}
    await sent.take(sent.row(window(NOW - 900), epoch="e1"))
    await sent.take(sent.row(window(NOW - 100), epoch="e3"))
    await sent.take(
        *(sent.row(window(BOOTED + n, synced=False), epoch="e2", **lost) for n in range(5))
    )
    assert await sent.seconds() == [NOW - 900, NOW - 100]
    (stored,) = await sent.gaps()
    assert stored.gateway == "gw-01"
    assert stored.gap == Gap(NOW - 899, NOW - 100, TIMELESS, from_seq=1, to_seq=5)
    assert sent.town.intake.counts["windows_timeless"] == 5


async def test_a_time_that_nobody_knows_ends_now_where_nothing_was_heard_since(sent: Sent) -> None:
    lost = sent.row(window(BOOTED), epoch="e2", run="e3", clock=CaptureClock.UNKNOWN)
    await sent.take(sent.row(window(NOW - 900), epoch="e1"), lost)
    assert [one.gap for one in await sent.gaps()] == [Gap(NOW - 899, NOW, TIMELESS, 1, 1)]


async def test_a_gap_of_an_unknown_time_keeps_its_reason_and_rows(sent: Sent) -> None:
    dropped = Gap(BOOTED, BOOTED + 50, "outbox_full", from_seq=3, to_seq=9)
    await sent.take(sent.row(window(NOW - 900), epoch="e1"))
    await sent.take(sent.row(dropped, epoch="e2", run="e3", clock=CaptureClock.UNKNOWN))
    assert [one.gap for one in await sent.gaps()] == [Gap(NOW - 899, NOW, "outbox_full", 3, 9)]


@pytest.mark.parametrize("clock", list(CaptureClock))
async def test_a_press_alerts_whatever_its_clock_was(sent: Sent, clock: CaptureClock) -> None:
    press = Press(BOOTED, "r-1", BUTTON.identifier, -70, synced=False)
    await sent.take(sent.row(press, run="e2", clock=clock))
    (alert,) = sent.town.listeners.told
    assert alert.at == NOW


async def test_a_button_in_a_window_of_an_unknown_time_alerts_now(sent: Sent) -> None:
    heard = Reading("r-1", BUTTON.identifier, -70.0, -70, 3)
    await sent.take(sent.row(window(BOOTED, heard), run="e2", clock=CaptureClock.UNKNOWN))
    assert [alert.at for alert in sent.town.listeners.told] == [NOW]


async def test_a_press_that_was_captured_before_the_clock_was_set_has_its_true_time(
    sent: Sent,
) -> None:
    press = Press(BOOTED - 120, "r-1", BUTTON.identifier, -70, synced=False)
    await sent.take(sent.row(press, run="e2", shift_s=NOW - BOOTED))
    assert [alert.at for alert in sent.town.listeners.told] == [NOW - 120]


@pytest.mark.parametrize("shift_s", [1e300, -1e300, 1e12])
async def test_a_shift_that_cannot_be_is_no_time(sent: Sent, shift_s: float) -> None:
    heard = Reading("r-1", SENT.identifier, -70.0, -70, 3)
    await sent.take(sent.row(window(NOW, heard), shift_s=shift_s))
    await sent.take(sent.row(Gap(NOW - 5, NOW, "x"), shift_s=shift_s))
    assert await sent.seconds() == []
    assert TIMELESS in {one.gap.reason for one in await sent.gaps()}


async def test_a_gap_of_before_the_clock_was_set_is_moved_with_its_windows(sent: Sent) -> None:
    gap = Gap(BOOTED - 90, BOOTED - 80, "broker_lost")
    await sent.take(sent.row(gap, run="e2", shift_s=NOW - BOOTED))
    assert [(one.gap.since, one.gap.until) for one in await sent.gaps()] == [(NOW - 90, NOW - 80)]


async def test_a_gap_that_does_not_know_since_when_keeps_that_whatever_is_corrected(
    sent: Sent,
) -> None:
    await sent.take(sent.row(window(NOW - 100)))
    unknown = sent.row(Gap(0.0, BOOTED - 80, "x", 1, 1), run="e2", shift_s=NOW - BOOTED)
    await sent.take(unknown)
    assert [(one.gap.since, one.gap.until) for one in await sent.gaps()] == [(NOW - 99, NOW - 80)]


async def test_a_gap_of_a_clock_that_was_ahead_is_moved_with_its_windows(sent: Sent) -> None:
    """It was set back since, and what was dropped then waited for more than an hour."""
    dropped = Gap(NOW - 90.0, NOW - 80.0, "outbox_full", from_seq=1, to_seq=10)
    await sent.take(sent.row(dropped, run="e2", shift_s=-HOUR_S))
    assert [(one.gap.since, one.gap.until) for one in await sent.gaps()] == [
        (NOW - 90 - HOUR_S, NOW - 80 - HOUR_S)
    ]


@pytest.mark.parametrize(("ahead_s", "since"), [(-HOUR_S, -100.0), (HOUR_S, -100.0 - HOUR_S)])
async def test_a_restart_begins_where_the_process_before_was_by_whatever_clock(
    sent: Sent, ahead_s: float, since: float
) -> None:
    """Rather too early than too late."""
    gap = Gap(NOW - 100.0 + min(ahead_s, 0.0), NOW - 10.0 + ahead_s, "restart")
    await sent.take(sent.row(gap, ahead_s=ahead_s))
    ((told),) = [one.gap for one in await sent.gaps()]
    assert told.until == pytest.approx(NOW - 10, abs=0.1)
    assert told.since <= NOW + since + 0.1


async def test_rows_that_were_lost_while_a_backlog_drained_are_gaps_where_nothing_came(
    sent: Sent,
) -> None:
    """Live rows overtake the backlog: the newest window says nothing of what is lost."""
    for second in (*range(NOW - 700, NOW - 500), *range(NOW - 3, NOW)):
        await sent.take(sent.row(window(second)))
    await sent.take(sent.row(Gap(NOW - 300.0, NOW - 250.0, "broker_lost")))
    await sent.take(sent.row(Gap(0.0, NOW - 1.0, "receiver_restored", 4, 9)))
    told = [one.gap for one in await sent.gaps() if one.gap.reason == "receiver_restored"]
    assert told == [
        Gap(NOW - 500.0, NOW - 300.0, "receiver_restored", 4, 9),
        Gap(NOW - 250.0, NOW - 3.0, "receiver_restored", 4, 9),
    ]


async def test_a_row_that_cannot_be_read_is_a_gap_where_it_would_have_been(sent: Sent) -> None:
    await sent.take(sent.row(window(NOW - 900)))
    rotten = msgspec.structs.replace(sent.row(window(NOW - 899)), items=msgspec.Raw(b"null"))
    await sent.take(sent.row(window(NOW - 2), epoch="e2"))
    await sent.take(rotten)
    (told,) = [one.gap for one in await sent.gaps()]
    assert (told.since, told.until, told.from_seq) == (NOW - 899, NOW - 2, 2)


async def test_what_is_lost_in_many_pieces_is_told_in_as_many_gaps_as_can_be_read(
    sent: Sent,
) -> None:
    await sent.take(*(sent.row(window(NOW - 900 + 2 * n)) for n in range(400)))
    await sent.take(sent.row(Gap(0.0, NOW - 1.0, "receiver_restored", 4, 9)))
    told = [one.gap for one in await sent.gaps()]
    assert len(told) == MOST_HOLES
    assert told[-1].until == NOW - 1
