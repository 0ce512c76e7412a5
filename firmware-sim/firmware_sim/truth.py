"""What really happened, kept apart from what is published: places, deeds, whose tag is whose."""

import csv
import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np

from firmware_sim.firmware import StaticFirmware
from firmware_sim.people import Scene
from firmware_sim.world import Deed, World

TRUTH_COLUMNS = ("at", "person", "tag", "lon", "lat", "zones")
DEED_COLUMNS = ("at", "what", "person", "tag", "lon", "lat", "detail")


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
            **_sent(world, index),
            "home_zone": next((zone for zone in zones if zone in blocks), ""),
        }
        for index, (person, tag, zones) in enumerate(
            zip(world.people, world.tags, homes, strict=True)
        )
        if person.kind != "stranger"
    ]


def _sent(world: World, index: int) -> dict[str, object]:
    """What the registry must know to recognise a tag: what it always sends, or its keys."""
    firmware = world.tags[index].firmware
    if isinstance(firmware, StaticFirmware):
        return {
            "address": firmware.address,
            "identifiers": [firmware.position.identifier],
            "button": [firmware.button.identifier],
        }
    keys = world.natives[index].keys
    native = {
        "identity_key": keys.identity_key.hex(),
        "rotation_exponent": keys.rotation_exponent,
        "zero_at": keys.zero_at,
        "bind_key": keys.bind_key.hex(),
    }
    return {"identifiers": [], "button": [], "native": native}


def write_roster(world: World, file: Path) -> None:
    """Write `roster` as JSON: {"tags": […]}."""
    text = json.dumps({"tags": roster(world)}, ensure_ascii=False, indent=1)
    file.write_text(text + "\n", encoding="utf-8")


class TruthFile:
    """A CSV of where everybody outdoors is, a row a second and person; zones parted by spaces.

    Beside it, with "-deeds" in its name, one of what befell the tags.
    """

    def __init__(self, world: World, file: Path) -> None:
        self._world = world
        self._file = file

    def __enter__(self) -> "TruthFile":
        with ExitStack() as unless_ready:
            files = (self._file, self._file.with_stem(f"{self._file.stem}-deeds"))
            self._streams = [
                unless_ready.enter_context(file.open("w", encoding="utf-8", newline=""))
                for file in files
            ]
            self._rows, self._deeds = (csv.writer(stream) for stream in self._streams)
            self._rows.writerow(TRUTH_COLUMNS)
            self._deeds.writerow(DEED_COLUMNS)
            self._open = unless_ready.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def write(self, at: float, scene: Scene) -> None:
        """The rows of one second, at once on the disk's side of the buffer."""
        out = np.nonzero(scene.outdoors)[0]
        lonlat = self._world.site.lonlat(scene.xy[out])
        zones = self._world.zones_of(scene.xy[out])
        for index, (lon, lat), held in zip(out.tolist(), lonlat, zones, strict=True):
            place = (f"{lon:.8f}", f"{lat:.8f}", " ".join(held))
            self._rows.writerow((f"{at:.3f}", *self._who(index), *place))
        self._flush()

    def tell(self, deeds: Sequence[Deed]) -> None:
        """What befell tags, at once."""
        if not deeds:
            return
        lonlat = self._world.site.lonlat(np.array([deed.xy for deed in deeds]))
        for deed, (lon, lat) in zip(deeds, lonlat, strict=True):
            place = (f"{lon:.8f}", f"{lat:.8f}", deed.detail)
            self._deeds.writerow((f"{deed.at:.3f}", deed.what, *self._who(deed.person), *place))
        self._flush()

    def _who(self, index: int) -> tuple[str, str]:
        return self._world.people[index].id, self._world.tags[index].id

    def _flush(self) -> None:
        for stream in self._streams:
            stream.flush()
