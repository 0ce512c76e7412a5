"""What an edge asks each second: a lamp's level now, by its program and its sensors, and why."""

from collections.abc import Iterator, Mapping

from gateway.lamps import Authority, Decision, LampOrder
from gateway.lights.documents import DynamicControl
from gateway.lights.dynamic import Motion, Photocell, Stretch, Twilight, operate
from gateway.lights.dynamic_waves import Neighbours
from gateway.lights.orders import LightOrders
from gateway.lights.plan import Planner
from gateway.lights.program import Step
from gateway.lights.program_words import dynamic_words, photocell_words


class Programs:
    """Every lamp of one edge. What sensors told is kept over a change of the orders.

    Without any word of a sensor, it decides what `Planner` plans. A wave starts at a lamp with a
    motion sensor and runs along the lamps of this edge; where a control's sensor is "self", those
    of the same calendar start one another's.
    """

    def __init__(self, orders: LightOrders) -> None:
        self._motions: dict[str, Motion] = {}
        self._illuminances: dict[str, tuple[float, float]] = {}
        self._twilights: dict[Photocell, Twilight] = {}
        self.follow(orders)

    def follow(self, orders: LightOrders) -> None:
        """Take new orders; after a ZoneInfoNotFoundError the old ones hold."""
        self._planner = Planner(orders)
        self._lamps = {lamp.lamp: lamp for lamp in orders.lamps}
        self._neighbours = Neighbours({lamp.lamp: lamp.place for lamp in orders.lamps})
        self._sources: dict[tuple[str, DynamicControl], Mapping[str, float]] = {}
        controls = [one for program in orders.programs for one in program.dynamic_controls]
        self._join_within_s = min((one.hold_time for one in controls), default=0.0)
        self._remember_s = max(map(_memory_s, controls), default=0.0)
        for memory in (self._motions, self._illuminances):
            for gone in memory.keys() - self._lamps.keys():
                del memory[gone]
        self._follow_photocells()

    def sensed(
        self, lamp: str, at: float, *, motion: bool | None, illuminance_lx: float | None
    ) -> None:
        """What the sensors of `lamp` said at `at`; None where they said nothing."""
        if lamp not in self._lamps:
            return
        if motion or (motion is not None and lamp in self._motions):
            kept = self._motions.setdefault(lamp, Motion())
            kept.update(at, moving=motion, join_within_s=self._join_within_s)
            if kept.forget(at - self._remember_s):
                del self._motions[lamp]
        if illuminance_lx is not None:
            self._illuminances[lamp] = (at, illuminance_lx)
            for photocell in self._photocells.get(lamp, ()):
                self._twilights[photocell].update(at, illuminance_lx=illuminance_lx)

    def decide(self, lamp: str, at: float) -> Decision:
        """The level of `lamp` now. KeyError where the orders have no such lamp."""
        plan = self._planner.at(lamp, at)
        step = plan.step(at)
        lit, reason = self._lit(lamp, step, at)
        if not lit:
            return Decision(at, 0.0, step.authority, reason, plan.program, until=step.until)
        fixed = Decision(
            at, step.lit_level, step.authority, reason, plan.program, step.ramp_s, step.until
        )
        schedule = self._planner.schedule(plan.program)
        if schedule is None or not schedule.program.dynamic_controls:
            return fixed
        return self._moved(lamp, fixed, step, schedule.program.dynamic_controls)

    def _lit(self, lamp: str, step: Step, at: float) -> tuple[bool, str]:
        """Is it, and why."""
        if not step.cells:
            return step.steady, step.reason
        said = [
            (cell, self._twilights[cell.photocell.at_lamp(lamp)].dark(at)) for cell in step.cells
        ]
        for cell, dark in said:
            if dark:
                words = f"{photocell_words(cell.photocell)}: dark → {step.lit_level:g} %"
                return True, f"{step.program}: {words}"
        silent = [cell for cell, dark in said if dark is None]
        if silent:
            words = photocell_words(silent[0].photocell)
            lit = any(cell.unheard for cell in silent)
            return lit, f"{step.reason} ({words}: says nothing, so by the sun)"
        return False, f"{step.program}: {photocell_words(said[0][0].photocell)}: bright → off"

    def _moved(
        self, lamp: str, fixed: Decision, step: Step, controls: tuple[DynamicControl, ...]
    ) -> Decision:
        """`fixed`, changed by the controls that hold, the last one first."""
        level, by, until = fixed.level, None, step.until
        changes = [(step.at, step.ramp_s)]
        for control in reversed(controls):
            stretch = self._stretch(lamp, control, fixed.at)
            if stretch is None:
                continue
            if stretch.ends <= fixed.at:
                changes.append((stretch.ends, control.ramp_from_level_time))
                continue
            changes.append((stretch.begins, control.ramp_to_level_time))
            until = min(until, stretch.ends)
            changed = operate(level, control)
            if changed != level:
                level, by = changed, control
        _, ramp_s = max(changes)
        if by is None:
            return Decision(
                fixed.at, level, fixed.authority, fixed.reason, fixed.source, ramp_s, step.until
            )
        reason = f"{fixed.source}: {dynamic_words(by)} → {level:g} %"
        return Decision(fixed.at, level, Authority.DYNAMIC, reason, fixed.source, ramp_s, until)

    def _stretch(self, lamp: str, control: DynamicControl, at: float) -> Stretch | None:
        """The time that the control holds for, or held last; None where nothing moved."""
        if not self._motions:
            return None
        sources = self._sources_of(lamp, control)
        last = [
            stretch
            for sensor, delay_s in sources.items()
            if (motion := self._motions.get(sensor)) is not None
            and (stretch := motion.last(at, hold_s=control.hold_time, delay_s=delay_s))
        ]
        holding = [stretch for stretch in last if stretch.ends > at]
        if holding:
            return Stretch(min(map(_begins, holding)), max(map(_ends, holding)))
        return max(last, key=_ends, default=None)

    def _sources_of(self, lamp: str, control: DynamicControl) -> Mapping[str, float]:
        """The lamps whose motion `control` follows at `lamp`, with the seconds it comes later."""
        key = (lamp, control)
        if key not in self._sources:
            self._sources[key] = dict(self._find_sources(self._lamps[lamp], control))
        return self._sources[key]

    def _find_sources(
        self, order: LampOrder, control: DynamicControl
    ) -> Iterator[tuple[str, float]]:
        sensors = self._sensors(order, control)
        if control.wave is None:
            yield from ((sensor, 0.0) for sensor in sensors)
            return
        for other, hops in self._neighbours.within(order.lamp, control.wave.hops).items():
            if other in sensors:
                yield other, hops * control.wave.delay

    def _sensors(self, order: LampOrder, control: DynamicControl) -> set[str]:
        if control.sensor == "self":
            if control.wave is None:
                return {order.lamp}
            return {one.lamp for one in self._lamps.values() if one.calendar == order.calendar}
        if control.sensor in self._lamps:
            return {control.sensor}
        return {one.lamp for one in self._lamps.values() if control.sensor in one.groups}

    def _follow_photocells(self) -> None:
        """One memory for each photocell with the thresholds that some lamp's programs have."""
        wanted = {
            photocell.at_lamp(lamp.lamp)
            for lamp in self._lamps.values()
            for program in self._planner.programs_of(lamp.calendar)
            if (schedule := self._planner.schedule(program))
            for photocell in schedule.photocells
        }
        old, self._twilights = self._twilights, {}
        self._photocells: dict[str, list[Photocell]] = {}
        for photocell in wanted:
            self._photocells.setdefault(photocell.sensor, []).append(photocell)
            twilight = self._twilights[photocell] = old.get(photocell) or Twilight(photocell)
            last = self._illuminances.get(photocell.sensor)
            if last is not None and photocell not in old:
                twilight.update(last[0], illuminance_lx=last[1])


def _begins(stretch: Stretch) -> float:
    return stretch.begins


def _ends(stretch: Stretch) -> float:
    return stretch.ends


def _memory_s(control: DynamicControl) -> float:
    """How long a burst of motion may matter."""
    wave = control.wave
    return control.hold_time + (wave.hops * wave.delay if wave else 0.0)
