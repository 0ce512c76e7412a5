"""The frames that tags send. A new format is one module here and one line in `FORMATS`."""

from gateway.tags.frames import altbeacon, bthome, eddystone, ibeacon
from gateway.tags.frames.format import Format, Frame

FORMATS: tuple[Format, ...] = (
    ibeacon.FORMAT,
    altbeacon.FORMAT,
    eddystone.FORMAT,
    bthome.FORMAT,
)

__all__ = ["FORMATS", "Format", "Frame"]
