import asyncio

import msgspec
import pytest

from gateway.link import spool as spool_module
from gateway.link.envelope import Kind, encode_items
from gateway.link.outbox_errors import CorruptError, DiskFullError
from gateway.link.outbox_file import Append
from gateway.link.spool import MAX_HELD, Spool
from gateway.model import Gap, Lane
from tests.unit.link.world import press


class FlakyDisk:
    """An outbox that takes `room` more rows."""

    def __init__(self) -> None:
        self.rows: list[Append] = []
        self.room = 1_000_000
        self.corrupt = False

    async def append_encoded(self, row: Append) -> int:
        if self.corrupt:
            raise CorruptError("outbox: is corrupt")
        if not self.room:
            raise DiskFullError("outbox: the disk is full")
        self.room -= 1
        self.rows.append(row)
        return len(self.rows)


def row(number: int, lane: Lane = Lane.LIVE) -> Append:
    items = encode_items([press(number)])
    return Append(lane, Kind.PRESS, items, since=float(number), until=number + 1.0)


async def test_rows_pass_while_the_disk_works() -> None:
    disk = FlakyDisk()
    spool = Spool(disk)
    await spool.put(row(1))
    assert (disk.rows, spool.held) == ([row(1)], 0)


async def test_rows_of_a_full_disk_follow_in_order_when_there_is_space() -> None:
    disk = FlakyDisk()
    spool = Spool(disk)
    disk.room = 0
    for number in range(1, 4):
        await spool.put(row(number))
    assert spool.held == 3
    disk.room = 100
    await spool.put(row(4))
    assert disk.rows == [row(1), row(2), row(3), row(4)]
    assert (spool.held, spool.lost) == (0, 0)


async def test_urgent_rows_come_first_when_there_is_space() -> None:
    disk = FlakyDisk()
    spool = Spool(disk)
    disk.room = 0
    for number, lane in [(1, Lane.LIVE), (2, Lane.URGENT)]:
        await spool.put(row(number, lane))
    disk.room = 100
    await spool.put(row(3))
    assert disk.rows == [row(2, Lane.URGENT), row(1), row(3)]


async def test_an_urgent_row_does_not_wait_until_all_held_rows_are_stored() -> None:
    class SlowDisk(FlakyDisk):
        async def append_encoded(self, row: Append) -> int:
            await asyncio.sleep(0)
            if len(self.rows) == 10:
                has_ten.set()
            return await super().append_encoded(row)

    has_ten, disk = asyncio.Event(), SlowDisk()
    spool = Spool(disk)
    disk.room = 0
    for number in range(1, 100):
        await spool.put(row(number))
    disk.room = 1_000
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(spool.put(row(100)))
        await has_ten.wait()
        tasks.create_task(spool.put(row(101, Lane.URGENT)))
    assert disk.rows.index(row(101, Lane.URGENT)) < 15
    assert len(disk.rows) == 101


async def test_what_memory_cannot_hold_becomes_one_gap() -> None:
    disk = FlakyDisk()
    spool = Spool(disk)
    disk.room = 0
    await spool.put(row(0, Lane.URGENT))
    for number in range(1, MAX_HELD + 11):
        await spool.put(row(number))
    disk.room = 10_000
    await spool.put(row(MAX_HELD + 11))
    gaps = [each for each in disk.rows if each.kind == Kind.GAP]
    assert len(gaps) == 1
    assert msgspec.json.decode(gaps[0].items, type=list[Gap]) == [
        Gap(since=1.0, until=11.0, reason=spool_module.LOST)
    ]
    assert disk.rows[0] == row(0, Lane.URGENT)
    assert disk.rows[2:] == [row(number) for number in range(11, MAX_HELD + 12)]
    assert spool.lost == 10


async def test_space_that_ends_again_half_way_loses_nothing() -> None:
    disk = FlakyDisk()
    spool = Spool(disk)
    disk.room = 0
    for number in range(1, 6):
        await spool.put(row(number))
    disk.room = 2
    await spool.put(row(6))
    assert spool.held == 4
    disk.room = 100
    await spool.put(row(7))
    assert disk.rows == [row(number) for number in range(1, 8)]


async def test_a_corrupt_outbox_is_not_waited_for() -> None:
    disk = FlakyDisk()
    disk.corrupt = True
    with pytest.raises(CorruptError):
        await Spool(disk).put(row(1))
