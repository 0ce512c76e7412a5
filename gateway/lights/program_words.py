"""Parts of a program in the words that staff read beside a lamp's level."""

from gateway.lights.documents import DynamicControl, Operation
from gateway.lights.dynamic import Photocell


def photocell_words(cell: Photocell) -> str:
    """ "its photocell: on below 10 lx, off above 20 lx"."""
    whose = "its photocell" if cell.sensor == "self" else f"photocell of {cell.sensor}"
    return f"{whose}: on below {cell.on_below_lx:g} lx, off above {cell.off_above_lx:g} lx"


def dynamic_words(control: DynamicControl) -> str:
    """ "motion here and 2 lamps around: at least 80 %, held 60 s"."""
    where = "here" if control.sensor == "self" else f"at {control.sensor}"
    wave = f" and {control.wave.hops} lamps around" if control.wave else ""
    return f"motion {where}{wave}: {operation_words(control)}, held {control.hold_time:g} s"


def operation_words(control: DynamicControl) -> str:
    """ "at least 80 %"."""
    value = f"{control.value:g}"
    return {
        Operation.SET: f"{value} %",
        Operation.MAX: f"at least {value} %",
        Operation.MIN: f"at most {value} %",
        Operation.ADD: f"{value} % more",
        Operation.SUB: f"{value} % less",
        Operation.MUL: f"× {value}",
    }[control.operation]


def offset_words(minutes: float) -> str:
    """ " -30 min", empty for 0."""
    return f" {minutes:+g} min" if minutes else ""
