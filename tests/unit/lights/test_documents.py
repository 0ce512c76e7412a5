import msgspec
import pytest

from gateway.lights.documents import (
    AstronomicalAndSensorPeriod,
    Calendar,
    CalendarRule,
    DynamicControl,
    FixedTimeControl,
    Operation,
    Program,
    Wave,
)

PROGRAM = b"""{
 "id": "park",
 "activePeriods": [
  {"type": "astronomicalAndSensor", "sunsetOffset": -30, "onBelowLx": 30, "offAboveLx": 60}
 ],
 "fixedTimeControls": [{"time": "21:00", "level": 20, "rampToLevelTime": 60}],
 "dynamicControls": [
  {"operation": "Max", "value": 80, "holdTime": 60, "rampFromLevelTime": 10,
   "wave": {"hops": 2, "delay": 1}}
 ]
}"""

CALENDAR = b"""{
 "id": "park", "defaultProgram": "park", "dayOffset": 12,
 "rules": [{"program": "feast", "since": "08-13", "until": "08-15", "weekdays": ["fri", "sat"]}]
}"""


def test_a_program_is_written_in_talqs_spelling() -> None:
    assert msgspec.json.decode(PROGRAM, type=Program) == Program(
        id="park",
        active_periods=(
            AstronomicalAndSensorPeriod(on_below_lx=30, off_above_lx=60, sunset_offset=-30),
        ),
        fixed_time_controls=(FixedTimeControl(time="21:00", level=20, ramp_to_level_time=60),),
        dynamic_controls=(
            DynamicControl(
                operation=Operation.MAX,
                value=80,
                hold_time=60,
                ramp_from_level_time=10,
                wave=Wave(hops=2, delay=1),
            ),
        ),
    )


def test_a_calendar_is_written_in_talqs_spelling() -> None:
    rule = CalendarRule(program="feast", since="08-13", until="08-15", weekdays=("fri", "sat"))
    assert msgspec.json.decode(CALENDAR, type=Calendar) == Calendar(
        id="park", default_program="park", rules=(rule,)
    )


@pytest.mark.parametrize(("raw", "kind"), [(PROGRAM, Program), (CALENDAR, Calendar)])
def test_what_is_stored_is_read_again(raw: bytes, kind: type[Program] | type[Calendar]) -> None:
    document = msgspec.json.decode(raw, type=kind)
    assert msgspec.json.decode(msgspec.json.encode(document), type=kind) == document


def test_a_key_that_nobody_knows_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `holdtime`"):
        msgspec.json.decode(PROGRAM.replace(b"holdTime", b"holdtime"), type=Program)
