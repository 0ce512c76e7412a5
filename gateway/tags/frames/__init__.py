"""The frames that tags send. A new format is one module here and one line in `FORMATS`."""

from gateway.tags.frames import altbeacon, bthome, eddystone, ibeacon
from gateway.tags.frames.bthome_objects import FLAGS, NUMBERS
from gateway.tags.frames.format import Format, Frame

FORMATS: tuple[Format, ...] = (
    ibeacon.FORMAT,
    altbeacon.FORMAT,
    eddystone.FORMAT,
    bthome.FORMAT,
)

VALUE_NAMES = frozenset(
    {number.name for number in NUMBERS.values()}
    | set(FLAGS.values())
    | {"battery_v", "adverts", "uptime_s"}
)
"""What tags may say of themselves, by name: BTHome's objects, and Eddystone's telemetry."""

__all__ = ["FORMATS", "VALUE_NAMES", "Format", "Frame"]
