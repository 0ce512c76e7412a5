"""Rows of the link become windows, gaps and alerts, in one transaction with the marks."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy.exc import DBAPIError

from gateway.app.intake import (
    MOST_ITEMS,
    OUTBOX_LOST,
    UNDECODABLE,
    Intake,
)
from gateway.app.lamp_intake import LampIntake
from gateway.app.metering import Metering
from gateway.app.plausible import SKEW_TOLERATED_S
from gateway.app.registry import Registry
from gateway.app.row_times import TIMELESS
from gateway.clock import Clock
from gateway.lamps import LampReading
from gateway.link.envelope import Envelope, Item, Kind, Stream, encode_items
from gateway.link.receiver import CommitError
from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    CarrierKind,
    Gap,
    Lane,
    Press,
    Reading,
    TagIdentifier,
    Trust,
    Window,
)
from gateway.store import alerts, outgoing, people, sightings
from gateway.store.database import Connection, Database
from gateway.store.outgoing import Queue
from tests.unit.app.tag_pieces import no_tags

OUT = Queue("out", "sink")
TOKYO = ZoneInfo("Asia/Tokyo")
BUTTON = TagIdentifier("ibeacon:x:1:2", "t-1", button=True)


@dataclass
class Hub:
    """An intake and what it announced; seconds before `closed` are closed."""

    intake: Intake
    registry: Registry
    database: Database
    told: list[Alert] = field(default_factory=list)
    closed: int = 0

    async def take(self, *rows: Envelope) -> None:
        marks = {Stream(row.sender, row.epoch, row.lane): row.seq for row in rows}
        await self.intake.commit(rows, marks)

    async def windows(self) -> list[sightings.StoredWindow]:
        return await self.database.read(sightings.windows_between, 0, 2**40)

    async def gaps(self) -> list[sightings.StoredGap]:
        return await self.database.read(sightings.gaps_between, 0.0, 1e12)


@pytest.fixture
async def hub(database: Database) -> Hub:
    """An open one; the registry knows one button."""
    await database.write(_add_tag)
    registry = Registry(database)
    await registry.refresh()
    made = Hub(None, registry, database)  # type: ignore[arg-type] # set below: they know each other

    def announce(told: Sequence[Alert]) -> None:
        made.told += told

    made.intake = Intake(
        database,
        Clock(),
        registry,
        is_closed=lambda second: second < made.closed,
        announce=announce,
        out=OUT,
        lamps=LampIntake((), Metering({}, TOKYO), keep_days=7, out=OUT),
        tags=no_tags(database, Clock(), registry),
        joined=lambda _, __, ___: None,
        show=lambda _: None,
    )
    return made


def _add_tag(connection: Connection) -> None:
    people.add_carrier(connection, people.Carrier("c-1", "A", CarrierKind.CHILD))
    tag = people.Tag("t-1", "c-1", Trust.LOW, 0.0, "A's parent")
    people.add_tag(connection, tag, [BUTTON])


def row(
    seq: int, item: Item, *, kind: Kind, lane: Lane = Lane.LIVE, sent: float | None = None
) -> Envelope:
    return Envelope(
        sender="gw-01",
        epoch="e1",
        lane=lane,
        seq=seq,
        first=1,
        sent=time.time() if sent is None else sent,
        kind=kind,
        items=msgspec.Raw(encode_items([item])),
    )


def window(second: int, *readings: Reading) -> Window:
    return Window(second, ("r-1",), readings)


async def test_windows_and_marks_are_committed_together(hub: Hub) -> None:
    await hub.take(
        row(1, window(1_000), kind=Kind.SIGHTINGS), row(2, window(1_001), kind=Kind.SIGHTINGS)
    )
    assert [(one.second, one.late) for one in await hub.windows()] == [
        (1_000, False),
        (1_001, False),
    ]
    assert await hub.intake.marks() == {Stream("gw-01", "e1", Lane.LIVE): 2}


async def test_a_window_of_a_closed_second_is_late(hub: Hub) -> None:
    hub.closed = 1_001
    await hub.take(
        row(1, window(1_000), kind=Kind.SIGHTINGS), row(2, window(1_001), kind=Kind.SIGHTINGS)
    )
    assert [one.late for one in await hub.windows()] == [True, False]


async def test_a_press_alerts_at_any_age_and_goes_to_the_sink(hub: Hub) -> None:
    hour_ago = time.time() - 3_600
    press = Press(hour_ago, "r-1", BUTTON.identifier, -70)
    await hub.take(row(1, press, kind=Kind.PRESS, lane=Lane.URGENT))
    (alert,) = hub.told
    assert (alert.kind, alert.tag, alert.at) == (AlertKind.SOS, "t-1", hour_ago)
    (queued,) = await hub.database.read(outgoing.rows, OUT, lane=Lane.URGENT, after=0, limit=9)
    assert queued.kind == Kind.ALERTS


async def test_a_press_and_the_window_that_holds_it_are_one_alert(hub: Hub) -> None:
    now = time.time()
    press = Press(now, "r-1", BUTTON.identifier, -70)
    heard = Reading("r-1", BUTTON.identifier, -70.0, -70, 3)
    await hub.take(
        row(1, press, kind=Kind.PRESS, lane=Lane.URGENT),
        row(1, window(int(now), heard), kind=Kind.SIGHTINGS),
    )
    assert len(hub.told) == 1


async def test_a_button_in_a_window_alone_alerts(hub: Hub) -> None:
    heard = Reading("r-1", BUTTON.identifier, -70.0, -70, 3)
    await hub.take(row(1, window(1_000, heard), kind=Kind.SIGHTINGS))
    assert [alert.kind for alert in hub.told] == [AlertKind.SOS]


async def test_a_press_of_a_tag_that_nobody_knows_still_alerts(hub: Hub) -> None:
    await hub.take(
        row(1, Press(time.time(), "r-1", "ibeacon:y:1:2", -70), kind=Kind.PRESS, lane=Lane.URGENT)
    )
    assert [(alert.kind, alert.tag) for alert in hub.told] == [(AlertKind.SOS, "")]


async def test_a_clock_an_hour_off_is_corrected_told_once_and_ended(hub: Hub) -> None:
    now = time.time()
    ahead = int(now) + 3_600
    await hub.take(row(1, window(ahead), kind=Kind.SIGHTINGS, sent=now + 3_600))
    await hub.take(row(2, window(ahead + 1), kind=Kind.SIGHTINGS, sent=now + 3_601))
    stored = await hub.windows()
    assert all(abs(one.second - now) < SKEW_TOLERATED_S for one in stored)
    assert all(one.skew_s == pytest.approx(3_600, abs=2) for one in stored)
    assert [(one.kind, one.state) for one in hub.told] == [(AlertKind.CLOCK_OFF, AlertState.RAISED)]
    mended = row(1, window(int(now) + 2), kind=Kind.SIGHTINGS)
    await hub.take(msgspec.structs.replace(mended, epoch="e2"))
    assert hub.told[-1].state is AlertState.RESOLVED
    assert await hub.database.read(alerts.unended) == []


async def test_a_row_that_cannot_be_read_is_a_gap_and_does_not_hold_its_lane(hub: Hub) -> None:
    broken = msgspec.structs.replace(
        row(1, window(1_000), kind=Kind.SIGHTINGS), items=msgspec.Raw(b'[{"second":"x"}]')
    )
    await hub.take(broken, row(2, window(1_001), kind=Kind.SIGHTINGS))
    assert [one.second for one in await hub.windows()] == [1_001]
    ((_, gap),) = [(one.gateway, one.gap) for one in await hub.gaps()]
    assert (gap.reason, gap.from_seq, gap.to_seq) == (UNDECODABLE, 1, 1)


async def test_a_window_of_a_time_to_come_is_no_presence_but_a_gap(hub: Hub) -> None:
    ahead = int(time.time()) + 3_600
    await hub.take(row(7, window(ahead), kind=Kind.SIGHTINGS))
    assert await hub.windows() == []
    ((_, gap),) = [(one.gateway, one.gap) for one in await hub.gaps()]
    assert (gap.reason, gap.from_seq, gap.to_seq) == (TIMELESS, 7, 7)


async def test_a_gap_that_reaches_into_the_future_ends_now(hub: Hub) -> None:
    now = time.time()
    gap = Gap(now - 100, now + 3_600, "restart")
    await hub.take(row(1, gap, kind=Kind.GAP, lane=Lane.BACKLOG))
    ((_, kept),) = [(one.gateway, one.gap) for one in await hub.gaps()]
    assert kept.since == pytest.approx(now - 100)
    assert kept.until == pytest.approx(now, abs=30)


async def test_what_an_outbox_held_that_was_lost_is_a_gap_from_the_last_window_on(hub: Hub) -> None:
    second = int(time.time()) - 100
    await hub.take(row(1, window(second), kind=Kind.SIGHTINGS))
    came = row(1, window(second + 90), kind=Kind.SIGHTINGS)
    anew = msgspec.structs.replace(came, epoch="e2", fresh=True)
    await hub.take(anew)
    ((_, gap),) = [(one.gateway, one.gap) for one in await hub.gaps()]
    assert (gap.reason, gap.since) == (OUTBOX_LOST, second + 1)
    assert gap.until == pytest.approx(time.time(), abs=30)
    await hub.take(msgspec.structs.replace(anew, seq=2))
    assert len(await hub.gaps()) == 1


async def test_a_gap_that_does_not_know_its_beginning_begins_where_we_last_heard(hub: Hub) -> None:
    second = int(time.time()) - 100
    await hub.take(row(1, window(second), kind=Kind.SIGHTINGS))
    await hub.take(row(9, Gap(0.0, second + 60.0, "receiver_restored", 2, 9), kind=Kind.GAP))
    ((_, gap),) = [(one.gateway, one.gap) for one in await hub.gaps()]
    assert (gap.since, gap.until) == (second + 1, second + 60)


async def test_gaps_are_kept_under_their_gateway(hub: Hub) -> None:
    gap = Gap(1_000.0, 1_060.0, "restart")
    await hub.take(row(1, gap, kind=Kind.GAP, lane=Lane.BACKLOG))
    assert [(one.gateway, one.gap) for one in await hub.gaps()] == [("gw-01", gap)]


async def test_a_batch_that_fails_leaves_nothing_and_can_come_again(hub: Hub) -> None:
    press = Press(time.time(), "r-1", BUTTON.identifier, -70)
    again = row(1, press, kind=Kind.PRESS, lane=Lane.URGENT)

    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    def free(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")

    await hub.database.write(fill)
    heard = tuple(Reading(f"r-{n}", f"uid:{n:040x}", -70.0, -70, 1) for n in range(5_000))
    full = row(1, window(1_000, *heard), kind=Kind.SIGHTINGS)
    with pytest.raises(CommitError):
        await hub.take(again, full)
    assert hub.told == []
    assert await hub.intake.marks() == {}
    await hub.database.write(free)
    await hub.take(again, full)
    assert [alert.kind for alert in hub.told] == [AlertKind.SOS]
    assert len(await hub.windows()) == 1


HEARD = Reading("r-1", "uid:x", -70.0, -70, 3)


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (window(2**63), Kind.SIGHTINGS),
        (window(-1), Kind.SIGHTINGS),
        (window(1_000, HEARD._replace(packets=0)), Kind.SIGHTINGS),
        (window(1_000, HEARD._replace(mean_dbm=1e308)), Kind.SIGHTINGS),
        (window(1_000, HEARD._replace(max_dbm=2**70)), Kind.SIGHTINGS),
        (Gap(1_000.0, 1e300, "x"), Kind.GAP),
        (Gap(1_000.0, 1_001.0, "x", from_seq=2**70), Kind.GAP),
    ],
)
async def test_what_the_database_or_the_tracker_could_not_take_is_a_gap(
    hub: Hub, item: Item, kind: Kind
) -> None:
    """It would come again with each repetition, and end the hub each time."""
    await hub.take(row(1, item, kind=kind), row(2, window(1_001), kind=Kind.SIGHTINGS))
    assert [one.second for one in await hub.windows()] == [1_001]
    ((_, gap),) = [(one.gateway, one.gap) for one in await hub.gaps()]
    assert (gap.reason, gap.from_seq) == (UNDECODABLE, 1)
    assert hub.intake.counts["implausible"] == 1


async def test_a_row_that_would_keep_an_sos_waiting_is_not_taken(hub: Hub) -> None:
    many = encode_items([LampReading(1_000.0, f"l-{n}") for n in range(MOST_ITEMS + 1)])
    flood = msgspec.structs.replace(
        row(1, window(1_000), kind=Kind.LAMP_READINGS), items=msgspec.Raw(many)
    )
    await hub.take(flood, row(2, window(1_001), kind=Kind.SIGHTINGS))
    assert [one.second for one in await hub.windows()] == [1_001]
    assert hub.intake.counts["too_many"] == 1


async def test_two_windows_in_one_row_are_a_gap(hub: Hub) -> None:
    two = encode_items([window(1_000), window(1_001)])
    broken = msgspec.structs.replace(
        row(1, window(1_000), kind=Kind.SIGHTINGS), items=msgspec.Raw(two)
    )
    await hub.take(broken)
    assert await hub.windows() == []
    assert len(await hub.gaps()) == 1


@pytest.mark.parametrize("sent", [-1.0, 1e300])
async def test_a_row_sent_at_no_possible_time_is_taken_by_its_own_times(
    hub: Hub, sent: float
) -> None:
    await hub.take(row(1, window(1_000), kind=Kind.SIGHTINGS, sent=sent))
    assert [(one.second, one.skew_s) for one in await hub.windows()] == [(1_000, 0.0)]
    assert hub.told == []


@pytest.mark.parametrize("at", [-5.0, 100.0, 1e300])
async def test_a_press_at_no_possible_time_is_an_sos_of_now(hub: Hub, at: float) -> None:
    press = Press(at, "r-1", BUTTON.identifier, -70)
    await hub.take(row(1, press, kind=Kind.PRESS, lane=Lane.URGENT))
    (alert,) = hub.told
    assert alert.kind is AlertKind.SOS
    assert alert.at == pytest.approx(time.time(), abs=5)


async def test_a_window_of_a_clock_that_was_not_set_has_no_place_but_its_press_alerts(
    hub: Hub,
) -> None:
    heard = Reading("r-1", BUTTON.identifier, -70.0, -70, 3)
    unset = Window(5, ("r-1",), (heard,), synced=False)
    await hub.take(row(1, unset, kind=Kind.SIGHTINGS))
    assert await hub.windows() == []
    assert hub.intake.counts["windows_timeless"] == 1
    assert [alert.kind for alert in hub.told] == [AlertKind.SOS]
    assert hub.told[0].at == pytest.approx(time.time(), abs=5)


async def test_a_batch_that_failed_is_not_counted(hub: Hub) -> None:
    def undone(connection: Connection) -> None:
        connection.exec_driver_sql("DROP TABLE windows")

    await hub.database.write(undone)
    with pytest.raises(DBAPIError):
        await hub.take(row(1, window(1_000), kind=Kind.SIGHTINGS))
    assert hub.intake.counts == {}
    assert hub.intake.last_late_at == float("-inf")
