"""Runs the town at full speed and writes a recording: what was heard, and the truth."""

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firmware_sim.geometry import Floats
from firmware_sim.world import Step, World


@dataclass(frozen=True, slots=True)
class Recorded:
    """How many rows a recording has."""

    sightings: int
    truth: int


def write_recording(world: World, folder: Path, *, start: float, seconds: int) -> Recorded:
    """Write site.geojson, sightings, truth and zone_truth to `folder`. Same world, same bytes.

    A sighting names the tag whose identity was heard; frames that name nobody are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.geojson").write_text(world.site.text, encoding="utf-8")
    registered = np.array([person.kind != "stranger" for person in world.people])
    sightings = truths = 0
    with ExitStack() as stack:
        heard = stack.enter_context(_table(folder / "sightings.csv.gz", "at,receiver,tag,rssi_dbm"))
        truth = stack.enter_context(_table(folder / "truth.csv.gz", "at,tag,lon,lat"))
        zones = stack.enter_context(_table(folder / "zone_truth.csv.gz", "at,tag,zone,inside"))
        for second in range(1, seconds + 1):
            step = world.step(start + second)
            rows = list(_sightings(world, step, registered))
            heard.writerows(rows)
            out = np.nonzero(step.scene.outdoors & registered)[0]
            at, xy = f"{start + second:.3f}", step.scene.xy[out]
            tags = [world.tags[index].id for index in out]
            truth.writerows(
                (at, tag, f"{lon:.8f}", f"{lat:.8f}")
                for tag, (lon, lat) in zip(tags, world.site.lonlat(xy), strict=True)
            )
            zones.writerows(_zone_rows(world, at, tags, xy))
            sightings, truths = sightings + len(rows), truths + len(tags)
    return Recorded(sightings, truths)


def _sightings(world: World, step: Step, registered: Any) -> Iterator[tuple[str, str, str, int]]:
    heard, sent = step.heard, step.sent
    whose, named = world.named(step)
    for k in np.argsort(sent.at[heard.packet], kind="stable"):
        packet = heard.packet[k]
        if registered[whose[packet]] and named[packet]:
            receiver = world.site.nodes[heard.receiver[k]].id
            tag = world.tags[whose[packet]].id
            yield f"{sent.at[packet]:.4f}", receiver, tag, int(heard.rssi_dbm[k])


def _zone_rows(
    world: World, at: str, tags: list[str], xy: Floats
) -> Iterator[tuple[str, str, str, int]]:
    masks = world.site.zone_masks(xy)
    for column, tag in enumerate(tags):
        for row, zone in enumerate(world.site.zones):
            yield at, tag, zone.id, int(masks[row, column])


@contextmanager
def _table(file: Path, header: str) -> Iterator[Any]:
    """A gzipped CSV writer; no time stamp inside, so that the same rows are the same bytes."""
    with (
        file.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header.split(","))
        yield writer
