"""Sealed frames wait in order of rank, in a bounded number."""

from gateway.store import sealed_waiting
from gateway.store.database import Database
from gateway.store.sealed_waiting import WaitingFrame


def frame(number: int, *, rank: int = 0) -> WaitingFrame:
    return WaitingFrame("gw-1", "r-1", 10.0, 11.0, f"address {number}", b"\x41\x01", rank)


async def payloads(database: Database) -> list[str]:
    return [one.address for one in (await database.read(sealed_waiting.first, limit=99)).values()]


async def test_frames_are_taken_by_rank_and_the_newest_first(database: Database) -> None:
    frames = [frame(1, rank=1), frame(2), frame(3)]
    assert await database.write(sealed_waiting.add, frames) == 0
    waiting = await database.read(sealed_waiting.first, limit=2)
    assert list(waiting.values()) == [frame(3), frame(2)]
    await database.write(sealed_waiting.remove, waiting)
    assert await payloads(database) == ["address 1"]


async def test_a_payload_of_an_address_waits_once_and_goes_forward_when_it_is_heard_again(
    database: Database,
) -> None:
    again = frame(1)._replace(gateway="gw-2", at=12.0)
    await database.write(sealed_waiting.add, [frame(1), frame(2)])
    await database.write(sealed_waiting.add, [again])
    waiting = list((await database.read(sealed_waiting.first, limit=9)).values())
    assert waiting == [frame(1, rank=-1), frame(2)]
    assert await database.write(sealed_waiting.add, [frame(3)], most=2) == 1
    assert await payloads(database) == ["address 1", "address 3"]


async def test_where_too_many_wait_strangers_go_first_and_then_the_oldest(
    database: Database,
) -> None:
    frames = [frame(1), frame(2, rank=1), frame(3), frame(4, rank=1), frame(5)]
    assert await database.write(sealed_waiting.add, frames, most=4) == 1
    assert await payloads(database) == ["address 5", "address 3", "address 1", "address 4"]
    assert await database.write(sealed_waiting.add, [frame(6), frame(7)], most=4) == 2
    assert await payloads(database) == ["address 7", "address 6", "address 5", "address 3"]
