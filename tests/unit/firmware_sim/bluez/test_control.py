import asyncio
import json

import pytest
from firmware_sim.bluez.control import Switchboard, control_port
from firmware_sim.bluez.simulated import SimulatedBluez


@pytest.fixture
def bluez():
    """Not on a bus: what is told goes nowhere."""
    bluez = SimulatedBluez()
    bluez.add_adapter("hci0")
    return bluez


@pytest.mark.parametrize(
    ("command", "key", "value"),
    [
        ("unplug hci0", "plugged", False),
        ("power hci0 off", "powered", False),
        ("stick hci0", "stuck", True),
        ("stick hci0 stubborn", "stuck", True),
        ("advert hci0 C0:00:00:00:00:01 -60 020106", "adverts", {"unheard": 1}),
    ],
)
async def test_a_command_is_done_and_the_state_after_it_says_so(bluez, command, key, value):
    board = Switchboard(bluez)
    await board.obey(command)
    said = await board.obey("state")
    assert said["adapters"]["hci0"][key] == value


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("", "no command ''"),
        ("explode", "no command 'explode'"),
        ("stick hci9", "no such adapter or word: 'hci9'"),
        ("power hci0 maybe", "no such adapter or word: 'maybe'"),
        ("unplug", "list index out of range"),
        ("advert hci0 C0:00:00:00:00:01 near 00", "invalid literal"),
        ("advert hci0 C0:00:00:00:00:01 -60 xyz", "non-hexadecimal"),
    ],
)
async def test_what_cannot_be_done_is_answered_with_why(bluez, command, error):
    said = await Switchboard(bluez).obey(command)
    assert error in said["error"]


async def test_an_adapter_is_broken_and_mended_through_the_port(bluez):
    async with control_port(0, bluez) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        states = []
        for command in ("rssi hci0 off", "unplug hci0", "plug hci0", "rssi hci0 on"):
            writer.write(command.encode() + b"\n")
            states.append(json.loads(await reader.readline())["adapters"]["hci0"]["plugged"])
        writer.close()
        await writer.wait_closed()
    assert states == [True, False, True, True]
