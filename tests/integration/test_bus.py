"""A bus on pseudo-terminals, byte-paced as the wire: its round, its commands, its faults."""

import asyncio
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.lights.bus_scan import scan
from gateway.lights.bus_wire import PortError
from gateway.lights.bus_words import Failure, Found, Line, NodeCommand
from gateway.lights.polling import OnBus
from gateway.lights.profiles import Identity
from gateway.lights.registers import Kind, Number, WordOrder
from tests.integration.bus_rig import (
    ALIKE,
    TEN,
    Stalls,
    first_of_all,
    lamps,
    limit_s,
    nodes,
    running,
    until,
)
from tests.integration.bus_slave import Slaves, truth

COMMAND_S = 0.150


@pytest.fixture
def goes_first() -> Iterator[None]:
    """This process goes before others."""
    with first_of_all():
        yield


def say(line: str) -> None:
    """For `pytest -s`."""
    sys.stdout.write(f"{line}\n")


@pytest.mark.usefixtures("goes_first")
async def test_a_round_of_32_lamps_takes_little_more_than_the_wire_needs(tmp_path: Path) -> None:
    """Whoever else runs on this machine makes a round longer, and never shorter: so three rounds of
    up to thirty are enough."""
    rounds: list[float] = []
    with nodes(Slaves(units=tuple(range(1, 33)), baud=19_200), tmp_path) as slaves:
        line = Line("bus", slaves.device, round_s=0.0)
        limit = 32 * limit_s(line, TEN.blocks[0])
        async with running(line, lamps(TEN, range(1, 33))) as (bus, heard):
            while len(rounds) < 30 and sum(took <= 1.10 * limit for took in rounds) < 3:
                await until(lambda: heard.answers > 32 * (len(rounds) + 1))
                rounds.append(bus.state().round_s or 0.0)
    third = sorted(rounds)[2]
    say(f"a round: {limit:.3f} s for the wire, took {third:.3f}: {third / limit:.3f} of it")
    assert heard.wrong == []
    assert third <= 1.10 * limit


@pytest.mark.usefixtures("goes_first")
@pytest.mark.parametrize("silent", [(), (3,)])
async def test_a_command_reaches_its_lamp_while_others_are_polled(
    tmp_path: Path, silent: tuple[int, ...]
) -> None:
    told = Slaves(units=tuple(range(1, 17)), baud=19_200, silent=silent)
    took: list[float] = []
    with nodes(told, tmp_path) as slaves, Stalls() as stalls:
        line = Line("bus", slaves.device, round_s=0.0)
        async with running(line, lamps(TEN, range(1, 17))) as (bus, heard):
            while len(took) < 12:
                await asyncio.sleep(0.11)
                sent, level = time.monotonic(), float(len(heard.commanded))
                bus.command(NodeCommand("9", level=level, ref=str(level)))
                await until(lambda due=level: len(heard.commanded) > due)
                if stalls.disturbed(sent, time.monotonic(), slaves):
                    continue
                done, arrived = heard.commanded[-1], slaves.told("write")[-1]
                assert (done.command.ref, done.failure) == (str(level), None)
                assert arrived["write"] == [9, 100, level]
                took.append(arrived["at"] - sent)
    say(f"a command took {statistics.median(took):.3f} s, at most {max(took):.3f}")
    assert max(took) <= COMMAND_S + (line.timeout_s + line.quiet_s if silent else 0.0)


@pytest.mark.timeout(180)
async def test_whatever_the_wire_does_no_value_is_anothers(tmp_path: Path) -> None:
    """2,000 polls over four lines at once, byte-paced; late answers up to the end of the quiet
    time. The causes that the bus counts are those that were made."""
    rates = {"noise": 0.02, "dropped": 0.01, "lost": 0.01, "late": 0.03, "strange": 0.01}
    answered = Counter[str]()

    async def one(number: int) -> None:
        told = Slaves(
            units=tuple(range(1, 9)), baud=38_400, seed=number, late_s=(0.1, 0.24), **rates
        )
        with nodes(told, tmp_path, f"bus-{number}") as slaves:
            line = Line("bus", slaves.device, 38_400, timeout_s=0.1, quiet_s=0.15, round_s=0.0)
            async with running(line, lamps(ALIKE, range(1, 9))) as (bus, heard):
                await until(lambda: bus.counts["polls"] > 500, within_s=120)
            made = Counter(line["fault"] for line in slaves.told("fault"))
            assert heard.wrong == []
            assert abs(bus.counts["wrong_unit"] - made["strange"]) <= made["late"]
            answered.update(bus.counts)
            answered.update({f"made {fault}": count for fault, count in made.items()})

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(one(number))
    say(str(dict(answered)))
    assert answered["polls"] >= 2_000
    assert answered["made late"] > 20
    assert answered["late"] > 20
    assert answered["answers"] > 0.85 * answered["polls"]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("lost", {Failure.SILENCE}),
        ("strange", {Failure.WRONG_UNIT}),
        ("dropped", {Failure.TRUNCATED, Failure.SILENCE}),
        ("noise", {Failure.CRC, Failure.TRUNCATED, Failure.NOISE}),
    ],
)
async def test_each_fault_of_the_wire_has_its_own_name(
    tmp_path: Path, fault: str, failure: set[Failure]
) -> None:
    told = Slaves(units=(1,), **{fault: 1.0})
    with nodes(told, tmp_path) as slaves:
        line = Line("bus", slaves.device, timeout_s=0.02, quiet_s=0.02, round_s=0.0)
        many = [OnBus(str(n), 1, TEN) for n in range(1, 9)]
        async with running(line, many) as (bus, heard):
            await until(lambda: len(heard.polled) >= 16)
    assert heard.answers == 0
    assert {polled.failure for polled in heard.polled} <= failure
    assert sum(bus.counts[each] for each in failure) == len(heard.polled)


async def test_an_answer_that_waited_for_a_busy_process_is_an_answer(tmp_path: Path) -> None:
    """Whatever keeps the process busy beyond the time-out: by then the answer is in the kernel."""
    with nodes(Slaves(units=tuple(range(1, 9)), baud=19_200), tmp_path) as slaves:
        line = Line("bus", slaves.device, timeout_s=0.1, round_s=0.0)
        async with running(line, lamps(TEN, range(1, 9))) as (bus, heard):
            for number in range(15):
                await until(lambda due=5 * number: heard.answers > due)
                asyncio.get_running_loop().call_later(0.0013 * number, time.sleep, 0.2)
            await until(lambda: heard.answers >= 80)
        stalls = len(slaves.told("stall"))  # then it is the node that did not answer in time
    assert bus.counts["answers"] + stalls >= bus.counts["polls"] - 1


async def test_a_refusal_is_told_and_does_not_make_a_lamp_wait(tmp_path: Path) -> None:
    with nodes(Slaves(units=(1,), refused=(0, 100)), tmp_path) as slaves:
        line = Line("bus", slaves.device, round_s=0.0)
        async with running(line, lamps(TEN, range(1, 2))) as (bus, heard):
            await until(lambda: len(heard.polled) >= 10)
            bus.command(NodeCommand("1", level=1.0))
            await until(lambda: heard.commanded)
            assert bus.state().backing_off == ()
            assert bus.state().silent_s is not None
    assert {polled.failure for polled in heard.polled} == {Failure.EXCEPTION}
    assert heard.commanded[0].failure is Failure.EXCEPTION


async def test_an_answer_that_comes_after_the_orders_changed_is_not_the_new_nodes(
    tmp_path: Path,
) -> None:
    one, two = lamps(TEN, range(1, 3))
    ways = ([replace(one, unit=2), replace(two, unit=1)], [one, two])
    with nodes(Slaves(units=(1, 2), baud=19_200), tmp_path) as slaves:
        line = Line("bus", slaves.device, round_s=0.0)
        async with running(line, [one, two]) as (bus, heard):
            await until(lambda: heard.answers)
            for turn in range(10):
                now = ways[turn % 2]
                bus.follow(now)
                heard.polled.clear()
                await until(lambda: len(heard.polled) >= 3)
                units = {on.lamp: on.unit for on in now}
                for polled in heard.polled:
                    for address in range(10 if polled.failure is None else 0):
                        expected = truth(units[polled.lamp], 3, address)
                        assert polled.values[f"3/{address}"] == expected


async def test_an_adapter_may_be_pulled_out_and_put_in_again(tmp_path: Path) -> None:
    told = Slaves(units=(1, 2))
    line = Line("bus", str(tmp_path / "bus"), round_s=0.0)
    async with running(line, lamps(TEN, range(1, 3))) as (bus, heard):
        await until(lambda: len(heard.polled) >= 2)
        assert {polled.failure for polled in heard.polled} == {Failure.BUS_DOWN}
        assert "is not there: plug the adapter in" in bus.state().problem
        with nodes(told, tmp_path) as slaves:
            await until(lambda: heard.answers >= 10)
            assert (bus.state().up, bus.state().problem) == (True, "")
            slaves.unplug()
            await until(lambda: not bus.state().up, within_s=1.0)
        heard.polled.clear()
        bus.command(NodeCommand("1", level=1.0))
        await until(lambda: heard.commanded, within_s=0.5)
        assert heard.commanded[0].failure is Failure.BUS_DOWN
        await asyncio.sleep(1.5)
        assert len(heard.polled) <= 2
        before = heard.answers
        with nodes(told, tmp_path):
            await until(lambda: heard.answers >= before + 10)
            assert (bus.counts["opened"], bus.counts["lost"]) == (2, 1)
    assert heard.wrong == []


async def test_a_port_that_another_program_holds_is_told_so(tmp_path: Path) -> None:
    with nodes(Slaves(units=(1,)), tmp_path) as slaves:
        line = Line("bus", slaves.device, round_s=0.0)
        async with running(line, lamps(TEN, range(1, 2))) as (bus, heard):
            await until(lambda: heard.answers)
            with pytest.raises(PortError, match="another program holds it"):
                async for _ in scan(line, {}, [1]):
                    pass
            assert bus.state().up


async def test_a_scan_says_who_is_there(tmp_path: Path) -> None:
    def known_by(number: int, address: int) -> Identity:
        words = tuple(truth(number, 3, address + at) for at in range(2))
        serial = Number(address + 2, Kind.UINT32, WordOrder.BIG)
        return Identity(replace(TEN.blocks[0], address=address, count=4), words, serial)

    profiles = {
        "first": replace(TEN, name="first", identity=known_by(2, 40)),
        "second": replace(TEN, name="second", identity=known_by(4, 60)),
    }
    with nodes(Slaves(units=(2, 4, 5, 6), refused=(40,)), tmp_path) as slaves:
        line = Line("bus", slaves.device, timeout_s=0.05, quiet_s=0.05)
        found = [each async for each in scan(line, profiles, range(3, 6))]
        serial = truth(4, 3, 62) << 16 | truth(4, 3, 63)
    assert found == [
        Found(3, "", None, Failure.SILENCE),
        Found(4, "second", serial, None),
        Found(5, "", None, None),
    ]
