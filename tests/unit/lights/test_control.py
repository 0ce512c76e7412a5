import pytest

from gateway.lamps import Authority, Override
from gateway.lights.control import BLINK_S, Control, Standing
from gateway.lights.orders import Overrides
from tests.unit.lights.deciding import NOW, FixedPrograms, orders, override

SAFETY, TECHNICIAN, STAFF = Authority.SAFETY, Authority.TECHNICIAN, Authority.STAFF


def control_with(*told: Override, at: float = NOW, stored: bool = False) -> Control:
    control = Control(FixedPrograms(), orders("l-1", "old-2"))
    control.overrides(Overrides(told), at, stored=stored)
    return control


def levels(control: Control, *times: float, lamp: str = "l-1") -> list[float]:
    return [control.decide(lamp, at).level for at in times]


def test_without_an_override_the_program_decides() -> None:
    decision = control_with().decide("l-1", NOW)
    assert (decision.level, decision.authority, decision.source) == (60.0, "program", "p-1")


def test_a_lamp_that_is_not_in_the_orders_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        control_with().decide("l-9", NOW)


def test_an_override_holds_from_its_start_until_its_expiration() -> None:
    control = control_with(override("o", 20.0, start=NOW + 60, minutes=1))
    assert levels(control, NOW, NOW + 59, NOW + 60, NOW + 119, NOW + 120) == [60, 60, 20, 20, 60]


def test_an_override_says_who_why_and_until_when() -> None:
    decision = control_with(override("o", 20.0, ramp_to_level_s=3.0)).decide("l-1", NOW)
    assert (decision.authority, decision.source, decision.ramp_s) == (STAFF, "o", 3.0)
    assert decision.until == NOW + 600
    assert decision.reason == "staff override: 20 %"
    scene = control_with(override("s", 100.0, SAFETY, scene="sos")).decide("l-1", NOW)
    assert scene.reason == "scene sos: 100 %"


def test_safety_comes_before_the_technician_and_the_technician_before_staff() -> None:
    told = [
        override("staff", 10.0, STAFF, made_at=NOW + 30, minutes=3),
        override("technician", 0.0, TECHNICIAN, made_at=NOW + 20, minutes=2),
        override("safety", 100.0, SAFETY, made_at=NOW, minutes=1),
    ]
    control = control_with(*told)
    assert levels(control, NOW + 40, NOW + 61, NOW + 141, NOW + 211) == [100, 0, 10, 60]


def test_of_one_authority_the_last_made_wins_and_then_the_greater_id() -> None:
    early = override("z", 10.0, made_at=NOW - 5)
    late, twin = override("a", 20.0), override("b", 30.0)
    assert levels(control_with(late, early), NOW) == [20]
    assert levels(control_with(twin, late, early), NOW) == [30]
    assert levels(control_with(late, twin), NOW) == [30]


def test_an_override_without_a_level_takes_back_what_its_own_authority_said() -> None:
    back = override("b", None, made_at=NOW + 1)
    assert levels(control_with(override("a", 20.0), back), NOW + 1) == [60]
    still = override("c", 100.0, SAFETY)
    assert levels(control_with(override("a", 20.0), back, still), NOW + 1) == [100]


def test_a_higher_authority_that_resumes_leaves_the_word_to_the_lower() -> None:
    control = control_with(override("t", None, TECHNICIAN), override("s", 30.0, STAFF))
    assert levels(control, NOW) == [30]


def test_what_is_no_longer_told_is_over() -> None:
    control = control_with(override("o", 20.0))
    assert levels(control, NOW) == [20]
    control.overrides(Overrides(()), NOW + 1)
    assert levels(control, NOW + 1) == [60]


def test_an_override_that_starts_when_it_is_made_starts_when_it_comes() -> None:
    """The edge's clock may be seconds behind the hub's: the person does not wait for that."""
    control = control_with(override("now", 20.0, made_at=NOW + 5))
    assert levels(control, NOW) == [20]


def test_a_blinking_lamp_goes_on_and_off_and_a_slow_one_is_only_dimmed() -> None:
    told = override("o", None, TECHNICIAN, "l-1", "old-2", blink=True)
    control = control_with(told)
    times = [NOW + step * BLINK_S for step in range(4)]
    assert levels(control, *times) == [100, 0, 100, 0]
    assert levels(control, *times, lamp="old-2") == [100, 50, 100, 50]
    assert control.decide("l-1", NOW).reason == "blinking, to be found"


def test_the_way_back_from_an_override_is_as_slow_as_it_said() -> None:
    control = control_with(override("o", 20.0, minutes=1, ramp_from_level_s=10.0))
    levels(control, NOW + 59)
    ramps = [control.decide("l-1", NOW + 60 + passed).ramp_s for passed in (0, 4, 10, 11)]
    assert ramps == [10, 6, 0, 0]


def test_a_clock_that_jumps_back_ends_the_way_back() -> None:
    control = control_with(override("o", 20.0, minutes=1, ramp_from_level_s=10.0))
    levels(control, NOW + 59)
    assert control.decide("l-1", NOW + 60).ramp_s == 10
    assert control.decide("l-1", NOW - 3_600).ramp_s == 0


def test_changed_orders_reach_the_programs_and_leave_overrides_alone() -> None:
    programs = FixedPrograms()
    control = Control(programs, orders("l-1"))
    control.overrides(Overrides((override("o", 20.0, STAFF, "l-1", "l-3"),)), NOW)
    control.follow(orders("l-1", "l-3", version=2))
    assert programs.followed == [2]
    assert levels(control, NOW, lamp="l-3") == [20]


# --- a clock that is not set --------------------------------------------------------------------

BOOT = 12.0  # seconds after the beginning of 1970


def test_with_an_unset_clock_a_lamp_has_the_level_of_its_own_fallback() -> None:
    decision = control_with().decide("l-1", BOOT, synced=False)
    assert (decision.level, decision.authority) == (80.0, Authority.FALLBACK)
    assert "clock is not set" in decision.reason


def test_with_an_unset_clock_what_was_stored_cannot_put_a_light_out() -> None:
    control = control_with(override("o", 0.0), at=BOOT, stored=True)
    assert control.decide("l-1", BOOT, synced=False).level == 80
    assert control.decide("l-1", NOW + 1).level == 0, "once the clock is set, it is judged"
    assert control.decide("l-1", NOW + 601).level == 60


def test_with_an_unset_clock_what_the_hub_says_now_holds_as_long_as_it_was_meant_to() -> None:
    control = control_with(override("o", 30.0, minutes=1), at=BOOT)
    decided = [control.decide("l-1", BOOT + s, synced=False).level for s in (0, 59, 60)]
    assert decided == [30, 30, 80]
    assert control.decide("l-1", NOW + 30).level == 30


def test_a_stored_override_that_the_hub_tells_again_holds() -> None:
    control = control_with(override("o", 20.0, minutes=1), at=BOOT, stored=True)
    assert control.decide("l-1", BOOT + 1, synced=False).level == 80
    control.overrides(Overrides((override("o", 20.0, minutes=1),)), BOOT + 2)
    control.overrides(Overrides((override("o", 20.0, minutes=1),)), BOOT + 40)
    decided = [control.decide("l-1", BOOT + s, synced=False).level for s in (2, 61, 62)]
    assert decided == [20, 20, 80]


# --- standing -----------------------------------------------------------------------------------


def standing(control: Control, one: Override, at: float = NOW) -> Standing:
    return control.standing(one, "l-1", at, synced=True)


def test_an_override_is_outranked_by_a_higher_authority_or_a_later_word_of_its_own() -> None:
    first, later = override("a", 20.0), override("b", 30.0, made_at=NOW + 1)
    safety = override("s", 100.0, SAFETY, minutes=1)
    control = control_with(first, later, safety)
    assert standing(control, later) is Standing.OUTRANKED
    assert standing(control, later, NOW + 61) is Standing.HOLDS
    assert standing(control, first, NOW + 61) is Standing.OUTRANKED
    assert standing(control, safety) is Standing.HOLDS
    assert standing(control, safety, NOW + 61) is Standing.OVER


def test_an_override_that_resumes_the_program_holds_unless_a_higher_one_says_a_level() -> None:
    back = override("b", None)
    assert standing(control_with(back), back) is Standing.HOLDS
    assert standing(control_with(back, override("t", None, TECHNICIAN)), back) is Standing.HOLDS
    assert standing(control_with(back, override("t", 5.0, TECHNICIAN)), back) is Standing.OUTRANKED


def test_an_override_of_later_is_not_yet_and_an_unknown_one_is_over() -> None:
    later = override("a", 20.0, start=NOW + 60)
    assert standing(control_with(later), later) is Standing.NOT_YET
    assert standing(control_with(), later) is Standing.OVER
