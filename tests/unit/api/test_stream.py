"""The live stream: to those who may see it, bounded, and ended at once."""

import asyncio
import json
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from gateway.api.stream import (
    MOST_ALERTS,
    MOST_PER_SESSION,
    MOST_POSITIONS,
    PERSONAL_KINDS,
    TECHNICAL_KINDS,
    LiveStream,
    Subscription,
    Watch,
    sse,
)
from gateway.model import AlertKind, Doubt, Suspicion
from tests.unit.api.town import clock_off, position, sos

SATO = Watch(carriers={"t-sato": "c-sato"})
STAFF = Watch(technical=True)


def parse(event: bytes | None) -> tuple[str, Any]:
    assert event is not None
    name, data, end = event.decode().split("\n", 2)
    assert end == "\n"
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def nothing_waits(subscription: Subscription) -> bool:
    waiting = asyncio.ensure_future(subscription.next())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    idle = not waiting.done()
    waiting.cancel()
    return idle


async def test_a_position_reaches_its_guardian_and_nobody_else() -> None:
    stream = LiveStream()
    with (
        stream.subscribe(b"1", SATO) as sato,
        stream.subscribe(b"2", Watch(carriers={"t-kato": "c-kato"})) as kato,
        stream.subscribe(b"3", STAFF) as staff,
    ):
        stream.position(position(50.0))
        name, told = parse(await sato.next())
        assert (name, told["carrier"]) == ("position", "c-sato")
        assert told["feature"]["geometry"] == {"type": "Point", "coordinates": [140.88, 37.05]}
        assert told["feature"]["properties"] == {
            "at": 50.0,
            "radius68_m": 4.0,
            "radius95_m": 9.5,
            "n_heard": 3,
            "presence": "tracked",
            "zones": [{"id": "school", "probability": 0.75}],
            "heard_at": 50.0,
            "path": "north",
            "path_probability": 0.8,
            "doubts": [],
        }
        assert "t-sato" not in json.dumps(told)
        assert await nothing_waits(kato)
        assert await nothing_waits(staff)


@pytest.mark.parametrize("kind", AlertKind)
async def test_an_alert_reaches_those_whom_its_kind_is_for(kind: AlertKind) -> None:
    stream = LiveStream()
    with stream.subscribe(b"1", SATO) as sato, stream.subscribe(b"3", STAFF) as staff:
        stream.alert(replace(sos(), kind=kind))
        assert await nothing_waits(sato) == (kind in TECHNICAL_KINDS)
        assert await nothing_waits(staff) == (kind in PERSONAL_KINDS)


async def test_an_alert_of_another_carrier_or_of_none_reaches_no_guardian() -> None:
    stream = LiveStream()
    with stream.subscribe(b"1", SATO) as sato:
        stream.alert(sos(tag="t-kato"))
        stream.alert(sos(tag=""))
        stream.alert(clock_off())
        assert await nothing_waits(sato)


async def test_an_sos_of_a_tag_that_nobody_knows_reaches_staff() -> None:
    stream = LiveStream()
    with stream.subscribe(b"3", STAFF) as staff:
        stream.alert(sos(tag=""))
        name, told = parse(await staff.next())
        assert (name, told["kind"], told["receiver"]) == ("alert", "sos", "r-12")


async def test_positions_of_a_suspected_tag_say_so_for_ten_minutes() -> None:
    stream = LiveStream()
    with stream.subscribe(b"1", SATO) as sato:
        stream.suspicion(Suspicion(50.0, "t-sato", Doubt.TWO_PLACES))
        stream.suspicion(Suspicion(300.0, "t-sato", Doubt.CLOSED_SLOT))
        doubts = []
        for at in (50.0, 400.0, 700.0, 900.0):
            stream.position(position(at))
            _, told = parse(await sato.next())
            doubts.append(told["feature"]["properties"]["doubts"])
    both = ["closed_slot", "two_places"]
    assert doubts == [both, both, ["closed_slot"], []]


async def test_an_alert_tells_the_carrier_and_not_the_tag() -> None:
    stream = LiveStream()
    with stream.subscribe(b"1", SATO) as sato, stream.subscribe(b"3", STAFF) as staff:
        stream.alert(sos())
        stream.alert(clock_off())
        name, told = parse(await sato.next())
        assert (name, told["id"], told["carrier"], told["receiver"]) == (
            "alert",
            "a-sato",
            "c-sato",
            "r-12",
        )
        assert told["tag"] is None
        assert parse(await staff.next())[1]["gateway"] == "gw-07"


async def test_one_who_does_not_read_loses_the_oldest_positions_and_no_alert() -> None:
    stream = LiveStream()
    with stream.subscribe(b"1", SATO) as slow:
        stream.alert(sos())
        for at in range(MOST_POSITIONS + 7):
            stream.position(position(float(at)))
        assert slow.dropped == stream.counts["dropped"] == 7
        assert parse(await slow.next())[0] == "alert"
        assert parse(await slow.next())[1]["feature"]["properties"]["at"] == 7.0
        for _ in range(MOST_ALERTS + 3):
            stream.alert(sos())
        assert slow.dropped == 10


async def test_a_changed_watch_holds_from_the_next_event_on() -> None:
    stream = LiveStream()
    with stream.subscribe(b"1", SATO) as sato:
        sato.watch = Watch()
        stream.position(position())
        assert await nothing_waits(sato)


async def test_a_revoked_session_gets_nothing_more_though_events_wait() -> None:
    stream = LiveStream()
    with (
        stream.subscribe(b"1", SATO) as desk,
        stream.subscribe(b"1", SATO) as tab,
        stream.subscribe(b"2", SATO) as phone,
    ):
        stream.position(position())
        stream.end_session(b"1")
        assert await desk.next() is None
        assert await tab.next() is None
        assert parse(await phone.next())[0] == "position"
        stream.close()
        assert await phone.next() is None
    assert len(stream) == 0
    assert (stream.counts["opened"], stream.counts["ended"]) == (3, 3)


async def test_one_who_waits_is_woken_by_the_end() -> None:
    stream = LiveStream()
    with stream.subscribe(b"1", SATO) as sato:
        waiting = asyncio.ensure_future(sato.next())
        await asyncio.sleep(0)
        stream.close()
        assert await waiting is None


async def test_a_session_has_few_streams_and_the_oldest_ends() -> None:
    stream = LiveStream()
    with ExitStack() as pages:
        oldest = pages.enter_context(stream.subscribe(b"1", SATO))
        other = pages.enter_context(stream.subscribe(b"2", SATO))
        for _ in range(MOST_PER_SESSION - 1):
            pages.enter_context(stream.subscribe(b"1", SATO))
        assert await nothing_waits(oldest)
        pages.enter_context(stream.subscribe(b"1", SATO))
        assert await oldest.next() is None
        assert await nothing_waits(other)


def test_every_kind_of_alert_is_for_somebody() -> None:
    assert set(AlertKind) == PERSONAL_KINDS | TECHNICAL_KINDS
    assert not PERSONAL_KINDS & TECHNICAL_KINDS


def test_an_event_cannot_break_out_of_its_line() -> None:
    assert sse("x", {"name": "a\n\ndata: b\r"}).count(b"\n") == 3
