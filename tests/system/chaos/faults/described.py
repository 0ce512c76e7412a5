"""What every fault says of itself."""

from dataclasses import dataclass, field

from tests.system.chaos.fault import Effects
from tests.system.chaos.town import Town

# aiomqtt asks the loop to watch a socket that has been reset since, and logs what the loop says
RESET = "_add_writer"
HARMLESS = Effects(explains=(RESET,))


@dataclass(slots=True, kw_only=True)
class Described:
    """See `Fault`. A fault that had to strike otherwise than drawn says so in `kind` and `name`."""

    kind: str
    name: str
    touches: frozenset[str]
    hold_s: float
    effects: Effects = field(default=HARMLESS)


def process(*names: str) -> frozenset[str]:
    """What a fault of these processes touches."""
    return frozenset(f"process:{name}" for name in names)


def anywhere(_town: Town) -> str:
    """Of a kind that needs nothing of the machine."""
    return ""


def as_root(town: Town) -> str:
    """Of a kind that needs small disks."""
    return "" if town.disk("hub") is not None else "mounting a small disk needs root"


def with_faketime(town: Town) -> str:
    """Of a kind that needs clocks of the processes' own."""
    return "" if town.clock("hub") is not None else "libfaketime is not installed"
