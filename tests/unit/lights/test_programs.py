from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.lamps import Authority, Decision, LampOrder
from gateway.lights.documents import (
    AstronomicalAndSensorPeriod,
    AstronomicalPeriod,
    DynamicControl,
    FixedTimeControl,
    Operation,
    Program,
    SensorPeriod,
    Wave,
)
from gateway.lights.dynamic import PHOTOCELL_STALE_S
from gateway.lights.plan import Planner
from gateway.lights.programs import Programs
from tests.unit.lights.nights import STREET, at, lamp, orders

EVENING = at("2026-11-20 20:00")
NIGHT = at("2026-11-20 23:30")
DAY = at("2026-11-20 13:00")


def demand(*controls: DynamicControl, level: float = 20) -> Program:
    """20 % all night, and what sensors change."""
    return Program(
        id="park",
        active_periods=(AstronomicalPeriod(),),
        fixed_time_controls=(FixedTimeControl(time="12:00", level=level),),
        dynamic_controls=controls,
    )


def control(value: float = 80, **changes: object) -> DynamicControl:
    given = {"operation": Operation.MAX, "value": value, "hold_time": 30.0}
    return DynamicControl(**(given | changes))


def programs(program: Program, *lamps: LampOrder) -> Programs:
    return Programs(orders([program], lamps=lamps or [lamp("lamp-1", program.id)]))


def move(programs: Programs, at: float, lamp: str = "lamp-1", *, motion: bool = True) -> None:
    programs.sensed(lamp, at, motion=motion, illuminance_lx=None)


def see(programs: Programs, at: float, lux: float, lamp: str = "lamp-1") -> None:
    programs.sensed(lamp, at, motion=None, illuminance_lx=lux)


def told(decision: Decision) -> tuple[float, Authority]:
    return decision.level, decision.authority


def test_a_program_decides_with_its_reason_its_ramp_and_its_end() -> None:
    assert programs(STREET).decide("lamp-1", NIGHT) == Decision(
        NIGHT,
        50,
        Authority.PROGRAM,
        "street: 23:00 → 50 %",
        "street",
        ramp_s=60,
        until=at("2026-11-21 05:00"),
    )


def test_by_day_it_is_off() -> None:
    decision = programs(STREET).decide("lamp-1", DAY)
    assert told(decision) == (0, Authority.PROGRAM)
    assert decision.reason == "street: off until sunset 16:24"


def test_a_lamp_without_a_calendar_has_its_fallback_level_by_night() -> None:
    bare = replace(lamp("lamp-1", ""), fallback_level=60.0)
    decided = programs(STREET, bare)
    assert told(decided.decide("lamp-1", NIGHT)) == (60, Authority.FALLBACK)
    assert told(decided.decide("lamp-1", DAY)) == (0, Authority.FALLBACK)


# --- motion -------------------------------------------------------------------------------------


def test_light_on_demand_comes_with_motion_and_goes_after_its_hold() -> None:
    decided = programs(demand(control(ramp_to_level_time=1, ramp_from_level_time=10)))
    assert told(decided.decide("lamp-1", NIGHT)) == (20, Authority.PROGRAM)
    move(decided, NIGHT)
    decision = decided.decide("lamp-1", NIGHT)
    assert told(decision) == (80, Authority.DYNAMIC)
    assert (decision.ramp_s, decision.until) == (1, NIGHT + 30)
    assert decision.reason == "park: motion here: at least 80 %, held 30 s → 80 %"
    assert told(decided.decide("lamp-1", NIGHT + 29)) == (80, Authority.DYNAMIC)
    after = decided.decide("lamp-1", NIGHT + 30)
    assert told(after) == (20, Authority.PROGRAM)
    assert after.ramp_s == 10


def test_motion_that_goes_on_keeps_it_lit() -> None:
    decided = programs(demand(control()))
    for second in range(100):
        move(decided, NIGHT + second)
        assert decided.decide("lamp-1", NIGHT + second).level == 80
    move(decided, NIGHT + 100, motion=False)
    assert decided.decide("lamp-1", NIGHT + 128).level == 80
    assert decided.decide("lamp-1", NIGHT + 130).level == 20


def test_a_sensor_that_falls_silent_while_it_moves_does_not_keep_it_lit() -> None:
    decided = programs(demand(control()))
    move(decided, NIGHT)
    assert decided.decide("lamp-1", NIGHT + 31).level == 20


def test_motion_by_day_does_not_light_it() -> None:
    decided = programs(demand(control()))
    move(decided, DAY)
    assert told(decided.decide("lamp-1", DAY)) == (0, Authority.PROGRAM)


def test_the_first_control_is_the_highest() -> None:
    half = control(50, operation=Operation.SET, sensor="lamp-2")
    lamps = (lamp("lamp-1", "park"), lamp("lamp-2", "park", x_m=500))
    above = programs(demand(half, control()), *lamps)
    below = programs(demand(control(), half), *lamps)
    for decided in (above, below):
        move(decided, NIGHT, "lamp-1")
        move(decided, NIGHT, "lamp-2")
    assert above.decide("lamp-1", NIGHT).level == 50
    assert below.decide("lamp-1", NIGHT).level == 80


def test_controls_that_hold_together_change_one_another() -> None:
    decided = programs(
        demand(
            control(10, operation=Operation.ADD, hold_time=60),
            control(2, operation=Operation.MUL, hold_time=30),
        )
    )
    move(decided, NIGHT)
    assert decided.decide("lamp-1", NIGHT).level == 50
    assert decided.decide("lamp-1", NIGHT + 30).level == 30
    assert decided.decide("lamp-1", NIGHT + 60).level == 20


def test_a_control_that_changes_nothing_is_not_the_reason() -> None:
    decided = programs(demand(control(80), level=100))
    move(decided, NIGHT)
    assert told(decided.decide("lamp-1", NIGHT)) == (100, Authority.PROGRAM)


def test_a_group_lights_all_that_follow_it() -> None:
    entrance = replace(lamp("lamp-2", "street"), groups=("entrance",))
    decided = Programs(
        orders(
            [demand(control(sensor="entrance")), STREET],
            lamps=[lamp("lamp-1", "park"), entrance, lamp("lamp-3", "street")],
        )
    )
    move(decided, NIGHT, "lamp-3")
    assert decided.decide("lamp-1", NIGHT).level == 20
    move(decided, NIGHT, "lamp-2")
    assert decided.decide("lamp-1", NIGHT).level == 80


def test_a_wave_runs_along_the_street_and_ends_in_its_order() -> None:
    street = [lamp(f"lamp-{number}", "park", x_m=30.0 * number) for number in range(5)]
    decided = programs(demand(control(wave=Wave(hops=2, delay=2))), *street)
    move(decided, NIGHT, "lamp-0")
    lit = {
        second: [one.lamp for one in street if decided.decide(one.lamp, NIGHT + second).level == 80]
        for second in (0, 1, 2, 3, 4, 29, 30, 31, 32, 33, 34)
    }
    assert lit[0] == lit[1] == ["lamp-0"]
    assert lit[2] == lit[3] == ["lamp-0", "lamp-1"]
    assert lit[4] == lit[29] == ["lamp-0", "lamp-1", "lamp-2"]
    assert lit[30] == lit[31] == ["lamp-1", "lamp-2"]
    assert lit[32] == lit[33] == ["lamp-2"]
    assert lit[34] == []


def test_who_walks_on_has_light_ahead_and_darkness_behind() -> None:
    street = [lamp(f"lamp-{number}", "park", x_m=30.0 * number) for number in range(10)]
    decided = programs(demand(control(hold_time=20, wave=Wave(hops=1, delay=1))), *street)
    for second in range(0, 270):
        here = second // 30  # a pole every 30 s
        move(decided, NIGHT + second, f"lamp-{here}")
        lit = {
            number
            for number in range(10)
            if decided.decide(f"lamp-{number}", NIGHT + second).level == 80
        }
        assert here in lit
        if second % 30 >= 1:
            assert here + 1 in lit
        if second % 30 >= 21:
            assert lit <= {here - 1, here, here + 1}


def test_a_wave_by_the_own_sensor_stays_among_lamps_of_one_calendar() -> None:
    lamps = [lamp("lamp-1", "park"), lamp("lamp-2", "street", x_m=30)]
    decided = Programs(orders([demand(control(wave=Wave())), STREET], lamps=lamps))
    move(decided, NIGHT, "lamp-2")
    assert decided.decide("lamp-1", NIGHT + 5).level == 20


# --- photocells ---------------------------------------------------------------------------------

WITHIN = AstronomicalAndSensorPeriod(on_below_lx=10, off_above_lx=20, sunset_offset=-60)


def test_within_its_night_a_photocell_decides() -> None:
    decided = programs(Program(id="p", active_periods=(WITHIN,)))
    dusk = at("2026-11-20 15:40")
    see(decided, dusk, 500)
    bright = decided.decide("lamp-1", dusk)
    assert bright.level == 0
    assert bright.reason.endswith("bright → off")
    for second in range(0, 61, 5):
        see(decided, dusk + 60 + second, 5)
    dark = decided.decide("lamp-1", dusk + 120)
    assert told(dark) == (100, Authority.PROGRAM)
    assert dark.reason.endswith("dark → 100 %")


def test_outside_its_night_a_photocell_does_not_matter() -> None:
    decided = programs(Program(id="p", active_periods=(WITHIN,)))
    see(decided, DAY, 0)
    assert decided.decide("lamp-1", DAY).level == 0


def test_without_its_photocell_it_is_lit_the_whole_night() -> None:
    decided = programs(Program(id="p", active_periods=(WITHIN,)))
    see(decided, NIGHT, 500)
    assert decided.decide("lamp-1", NIGHT).level == 0
    silent = decided.decide("lamp-1", NIGHT + PHOTOCELL_STALE_S + 1)
    assert silent.level == 100
    assert "says nothing, so by the sun" in silent.reason


def test_a_photocell_alone_lights_a_dark_day_and_the_sun_stands_in_for_it() -> None:
    period = SensorPeriod(on_below_lx=10, off_above_lx=20, sensor="lamp-2")
    lamps = (lamp("lamp-1", "p"), lamp("lamp-2", "p"))
    decided = programs(Program(id="p", active_periods=(period,)), *lamps)
    assert decided.decide("lamp-1", DAY).level == 0
    assert decided.decide("lamp-1", NIGHT).level == 100
    see(decided, DAY, 4, "lamp-1")
    assert decided.decide("lamp-1", DAY).level == 0
    see(decided, DAY, 4, "lamp-2")
    assert decided.decide("lamp-1", DAY).level == 100


def test_motion_in_the_bright_part_of_a_night_does_not_light_it() -> None:
    decided = programs(Program(id="p", active_periods=(WITHIN,), dynamic_controls=(control(),)))
    see(decided, NIGHT, 500)
    move(decided, NIGHT)
    assert decided.decide("lamp-1", NIGHT).level == 0


# --- orders that change, clocks that jump -------------------------------------------------------


def test_what_sensors_told_is_kept_when_orders_change() -> None:
    decided = programs(demand(control()))
    move(decided, NIGHT)
    see(decided, NIGHT, 500)
    photocell = Program(
        id="park", active_periods=(WITHIN,), dynamic_controls=(control(90, hold_time=60),)
    )
    decided.follow(orders([photocell], lamps=[lamp("lamp-1", "park")]))
    assert decided.decide("lamp-1", NIGHT).level == 0, "its photocell said bright before"
    decided.follow(orders([demand(control(90, hold_time=60))], lamps=[lamp("lamp-1", "park")]))
    assert decided.decide("lamp-1", NIGHT + 40).level == 90


def test_a_lamp_that_went_is_forgotten() -> None:
    decided = programs(demand(control()))
    move(decided, NIGHT)
    decided.follow(orders([STREET], lamps=[lamp("lamp-2", "street")]))
    move(decided, NIGHT, "lamp-1")
    with pytest.raises(KeyError):
        decided.decide("lamp-1", NIGHT)
    decided.follow(orders([demand(control())], lamps=[lamp("lamp-1", "park")]))
    assert decided.decide("lamp-1", NIGHT + 1).level == 20


SENSING = demand(control(wave=Wave()), control(10, operation=Operation.ADD, sensor="lamp-2"))
WITH_PHOTOCELL = Program(
    id="park",
    active_periods=(AstronomicalPeriod(), SensorPeriod(on_below_lx=10, off_above_lx=20)),
    fixed_time_controls=STREET.fixed_time_controls,
    dynamic_controls=SENSING.dynamic_controls,
)
PARK = orders([WITH_PHOTOCELL], lamps=[lamp("lamp-1", "park"), lamp("lamp-2", "park", x_m=20)])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-90_000, 90_000),
            st.sampled_from(["lamp-1", "lamp-2"]),
            st.booleans(),
            st.floats(0, 100),
        ),
        max_size=12,
    ),
    st.floats(-86_400, 86_400),
)
def test_however_the_clock_jumped_the_program_decides_again_a_minute_later(
    history: list[tuple[float, str, bool, float]], jump_s: float
) -> None:
    """Sensors spoke by a clock that ran anyhow; then for a minute of the right one they say that
    nothing moves and that it is bright: the lamps have what is planned for that time.
    """
    decided, planner = Programs(PARK), Planner(PARK)
    for offset, name, motion, lux in history:
        decided.sensed(name, NIGHT + offset, motion=motion, illuminance_lx=lux)
    now = NIGHT + jump_s
    for name in ("lamp-1", "lamp-2"):
        for after in (0, 60):
            decided.sensed(name, now + after, motion=False, illuminance_lx=100)
    for name in ("lamp-1", "lamp-2"):
        step = planner.at(name, now + 60).step(now + 60)
        assert decided.decide(name, now + 60).level == (step.lit_level if step.steady else 0)


def test_without_sensors_it_decides_what_the_planner_plans() -> None:
    decided, planner = Programs(PARK), Planner(PARK)
    plan = planner.plan("lamp-1", date(2026, 11, 20))
    for step in plan.steps:
        for moment in (step.at, (step.at + step.until) / 2, step.until - 1):
            decision = decided.decide("lamp-1", moment)
            assert (decision.level, decision.until) == (step.level, step.until)


def test_a_clock_that_jumps_changes_only_what_the_time_says() -> None:
    decided = programs(demand(control()))
    move(decided, NIGHT)
    assert decided.decide("lamp-1", NIGHT - 3600).level == 20
    assert decided.decide("lamp-1", NIGHT + 3600).level == 20
    assert decided.decide("lamp-1", NIGHT + 13 * 3600).level == 0
    assert decided.decide("lamp-1", EVENING - 365 * 86_400).level == 20
    assert decided.decide("lamp-1", NIGHT + 1).level == 80


def test_motion_of_a_time_that_the_clock_left_does_not_come_back() -> None:
    decided = programs(demand(control()))
    move(decided, NIGHT)
    move(decided, NIGHT - 3600, motion=False)
    assert decided.decide("lamp-1", NIGHT + 1).level == 20
