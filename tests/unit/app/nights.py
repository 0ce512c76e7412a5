"""A road of 200 m, a day of unlabelled walks on it, and a database that holds what was heard."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.model import CarrierKind, Lane, TagIdentifier, Trust, Window
from gateway.site import Site, load_site
from gateway.store import people, sightings
from gateway.store.database import Connection
from gateway.store.sightings import Source, StoredWindow
from tests.unit.cli.town_pieces import receiver
from tests.unit.geojson_pieces import feature, line, write_site
from tests.unit.tags.nights import Air, windows_of

MORNING = 1_800_000_000
EVENING = MORNING + 900
TAGS = {"ann": 0.0, "ben": -4.0}
ROAD = (
    feature("path", line((0, 0), (200, 0)), id="road"),
    *(receiver(number, (40.0 * number, 3.0)) for number in range(6)),
)


def write_road(folder: Path) -> Path:
    """The road's GeoJSON file."""
    return write_site(folder, ROAD, name="road")


@cache
def road() -> Site:
    """The road."""
    with TemporaryDirectory() as folder:
        return load_site(write_road(Path(folder)))


@cache
def day() -> list[Window]:
    """r-2 is dead."""
    air = Air(road(), dead=frozenset({"r-2"}))
    return windows_of(air, seed=1, seconds=EVENING - MORNING, offsets_db=TAGS, since=MORNING)


def live_through(connection: Connection, skew_s: int = 0) -> None:
    """Register the tags, and store the day as a gateway sent it whose clock is `skew_s` ahead."""
    for tag in TAGS:
        people.add_carrier(connection, people.Carrier(f"c-{tag}", tag, CarrierKind.CHILD))
        known = people.Tag(tag, f"c-{tag}", Trust.LOW, 0.0, "a parent")
        people.add_tag(connection, known, [TagIdentifier(tag, tag, button=False)])
    sightings.add_windows(
        connection,
        (
            StoredWindow(
                Source("gw-01", "e1", Lane.LIVE, number),
                window.second,
                float(skew_s),
                late=False,
                window=Window(window.second + skew_s, window.alive, window.readings),
            )
            for number, window in enumerate(day())
        ),
    )
