from concurrent.futures import ThreadPoolExecutor

import pytest
from firmware_sim.adapters import make_nodes
from firmware_sim.town_control import TownBoard
from firmware_sim.world import World

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT, SEED


@pytest.fixture
def world(site):
    town = World(
        site,
        seed=SEED,
        start=SCHOOL_IS_OUT,
        people=3,
        most_outdoors=3,
        native=1 / 3,
        more_clones=1,
    )
    town.step(SCHOOL_IS_OUT + 1.0)
    return town


def told(world, *commands, ears=None):
    """The answers to commands that another thread gives while the town moves."""
    board = TownBoard(world, ears or {})
    answers = []
    with ThreadPoolExecutor(1) as port:
        for command in commands:
            asked = port.submit(board.obey, command)
            while not asked.done():
                board.serve()
            answers.append(asked.result())
    return answers


def test_the_state_of_a_native_tag_tells_its_clock_and_what_it_sends(world):
    (state,) = told(world, "state child-001")

    firmware = world.natives[0]
    now = SCHOOL_IS_OUT + 1.0
    assert (state["at"], state["tag"], state["counter"]) == (now, "tag-001", firmware.counter)
    assert state["identifier"].startswith("eid:")
    assert state["clock_ahead_s"] == firmware.clock_s(now) - (now - firmware.keys.zero_at)
    assert abs(state["lon"] - 140.93) < 0.01


def test_the_state_of_a_bought_tag_has_no_clock(world):
    (state,) = told(world, "state child-002")

    assert state["identifier"].startswith("ibeacon:")
    assert "clock_ahead_s" not in state


def test_a_button_is_pressed_and_a_battery_changed_in_the_next_step(world):
    told(world, "press child-001", "battery child-001")

    step = world.step(SCHOOL_IS_OUT + 2.0)

    assert sorted(deed.what for deed in step.deeds) == ["battery_changed", "pressed"]
    assert step.sent.button.any()


def test_an_attacker_plays_from_now_on_and_there_is_no_room_for_more_than_was_said(world):
    first, second = told(world, "clone child-001 p001", "clone child-002 p002 60 5")

    step = world.step(SCHOOL_IS_OUT + 5.0)

    assert first["person"] == "child-001"
    assert "no room" in second["error"]
    assert len(step.played) >= 3
    assert set(step.sent.tag[list(step.played)]) == {3}


def test_a_receiver_is_made_deaf_and_hears_again(world, site):
    nodes = make_nodes(site, {}, None)

    first, *_ = told(world, "deaf p001", "deaf p002", "mend p001", ears=nodes)

    assert first == {"receiver": "p001", "deaf": True}
    assert [name for name, node in nodes.items() if node.deaf] == ["p002"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("", "no command"),
        ("dance child-001", "no command"),
        ("press child-099", "nobody is called"),
        ("press", "press"),
        ("battery child-002", "not native"),
        ("clone child-001 nowhere", "no receiver"),
        ("clone child-001", "clone"),
        ("deaf p999", "no such receiver"),
    ],
)
def test_what_cannot_be_done_is_said(world, command, reason):
    (answer,) = told(world, command)

    assert reason in answer["error"]
