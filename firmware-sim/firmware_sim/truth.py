"""What really happened, kept apart from what is published: places, and whose tag is whose."""

import csv
import json
from pathlib import Path
from types import TracebackType

import numpy as np

from firmware_sim.people import Scene
from firmware_sim.world import World

TRUTH_COLUMNS = ("at", "person", "tag", "lon", "lat", "zones")


def roster(world: World) -> list[dict[str, object]]:
    """The tags to register: those of children and elders; strangers' beacons are nobody's."""
    middles = np.array([person.home for person in world.people])
    homes = world.zones_of(middles)
    blocks = {zone.id for zone in world.site.zones if zone.use == "home_block"}
    return [
        {
            "tag": tag.id,
            "person": person.id,
            "name": person.name,
            "kind": person.kind,
            "address": tag.address,
            "identifiers": [tag.position.identifier],
            "button": [tag.button.identifier],
            "home_zone": next((zone for zone in zones if zone in blocks), ""),
        }
        for person, tag, zones in zip(world.people, world.tags, homes, strict=True)
        if person.kind != "stranger"
    ]


def write_roster(world: World, file: Path) -> None:
    """Write `roster` as JSON: {"tags": […]}."""
    text = json.dumps({"tags": roster(world)}, ensure_ascii=False, indent=1)
    file.write_text(text + "\n", encoding="utf-8")


class TruthFile:
    """A CSV of where everybody outdoors is, a row a second and person; zones parted by spaces."""

    def __init__(self, world: World, file: Path) -> None:
        self._world = world
        self._file = file

    def __enter__(self) -> "TruthFile":
        self._stream = self._file.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._stream)
        self._rows.writerow(TRUTH_COLUMNS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def write(self, at: float, scene: Scene) -> None:
        """The rows of one second, at once on the disk's side of the buffer."""
        out = np.nonzero(scene.outdoors)[0]
        lonlat = self._world.site.lonlat(scene.xy[out])
        zones = self._world.zones_of(scene.xy[out])
        for index, (lon, lat), held in zip(out, lonlat, zones, strict=True):
            person, tag = self._world.people[index], self._world.tags[index]
            place = (f"{lon:.8f}", f"{lat:.8f}", " ".join(held))
            self._rows.writerow((f"{at:.3f}", person.id, tag.id, *place))
        self._stream.flush()
