"""The town in motion: people, their tags and the air between, one step of time after another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_sim.clones import Attacker, Attackers, Clone
from firmware_sim.firmware import BUTTON, POSITION, TELEMETRY
from firmware_sim.firmware_fleet import Fleet, natives
from firmware_sim.firmware_frames import Packet
from firmware_sim.geometry import Floats, middle
from firmware_sim.people import Errand, People, Person, Scene, populate
from firmware_sim.radio import Emission, Heard, Ints, Radio
from firmware_sim.site import Site
from firmware_sim.tags import Advertiser, Tag, make_tag


@dataclass(frozen=True, slots=True)
class Press:
    """A scripted press of a person's button, `after_s` seconds from the start."""

    person: str
    after_s: float


@dataclass(frozen=True, slots=True)
class BatteryChange:
    """A fresh cell for a person's native tag, `after_s` seconds from the start."""

    person: str
    after_s: float


class Deed(NamedTuple):
    """What befell the tag of `person` (by index) at `at` and `xy`, for those who judge.

    `what` is pressed, battery_changed or played (by an attacker); `detail` the counter of a sealed
    press, or what was played: an identifier, "sos" or "telemetry".
    """

    at: float
    what: str
    person: int
    xy: tuple[float, float]
    detail: str


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of time held: who was where at its end, what was sent, and who heard it.

    `kind` has the kind of each packet; `played` has those that an attacker sent, by their number.
    """

    scene: Scene
    sent: Emission
    heard: Heard
    kind: Ints
    played: Mapping[int, Packet]
    deeds: tuple[Deed, ...]


class World:
    """Everything simulated over one site. `step` moves it; it never goes back.

    `native` is the share of tags whose identity rotates; the first tag is the first of them.
    `more_clones` may be added while it runs. Raises ValueError for names that nobody has.
    """

    def __init__(
        self,
        site: Site,
        *,
        seed: int,
        start: float,
        people: int,
        most_outdoors: int,
        errands: tuple[Errand, ...] = (),
        presses: tuple[Press, ...] = (),
        native: float = 0.0,
        battery_changes: tuple[BatteryChange, ...] = (),
        clones: tuple[Clone, ...] = (),
        more_clones: int = 0,
    ) -> None:
        self.site = site
        self.start = self.now = start
        self.people: tuple[Person, ...] = populate(site, people=people, seed=seed)
        self._index = {person.id: number for number, person in enumerate(self.people)}
        count, rng = len(self.people), np.random.default_rng([seed, 8])
        self.natives = natives(count, native, seed=seed, start=start)
        self.tags: tuple[Tag, ...] = tuple(
            make_tag(k + 1, rng, native=self.natives.get(k)) for k in range(count)
        )
        worn_rad = np.array([tag.worn_rad for tag in self.tags])
        self._worn = np.stack([np.cos(worn_rad), np.sin(worn_rad)])
        room = len(clones) + more_clones
        self._attackers = Attackers(first=count, room=room)
        for clone in clones:
            self.clone(clone)
        offsets_db = [*(tag.offset_db for tag in self.tags), *[0.0] * room]
        self.radio = Radio(site, tag_offsets_db=np.array(offsets_db), seed=seed)
        self._fleet = Fleet(self.natives, count=count, seed=seed)
        self._advertiser = Advertiser(
            self.tags, start=start, rng=rng, native=self._fleet.mask if self.natives else None
        )
        self._people = People(
            site, self.people, start=start, seed=seed, most_outdoors=most_outdoors, errands=errands
        )
        self.scene: Scene | None = None
        self._script: list[tuple[float, str, int]] = []
        for press in presses:
            self.press(press.person, at=start + press.after_s)
        for change in battery_changes:
            self.change_battery(change.person, at=start + change.after_s)

    def press(self, person: str, *, at: float | None = None) -> None:
        """The button of `person` is pressed at `at`, or now. Raises ValueError."""
        tag, when = self.number(person), self.now if at is None else at
        self._advertiser.press(tag=tag, at=when)
        self._script = sorted([*self._script, (when, "pressed", tag)])

    def change_battery(self, person: str, *, at: float | None = None) -> None:
        """A fresh cell for the native tag of `person` at `at`, or now. Raises ValueError."""
        tag, when = self.number(person), self.now if at is None else at
        if tag not in self.natives:
            raise ValueError(f"the tag of {person} is not native: it has no clock to lose")
        self._script = sorted([*self._script, (when, "battery_changed", tag)])

    def clone(self, clone: Clone) -> None:
        """Let one more attacker work. Raises ValueError."""
        attacker = Attacker(
            clone,
            tag=self.number(clone.person),
            xy=_spot(self.site, clone.place),
            start=self.start,
        )
        self._attackers.add(attacker, self.now)

    def number(self, person: str) -> int:
        """The index of `person` and of that tag. Raises ValueError."""
        if person not in self._index:
            raise ValueError(f"nobody is called {person}")
        return self._index[person]

    def step(self, until: float) -> Step:
        """Let time run to `until` (Unix seconds, after the last step)."""
        scene = self._people.scene(until)
        if self.natives:
            self._advertiser.feel(self._fleet.moving(scene), until)
        deeds = tuple(self._befall(scene, until))
        at, tag, kind = self._advertiser.due(until)
        here = ~scene.away[tag]
        at, tag, kind = at[here], tag[here], kind[here]
        self._fleet.live(scene, tag, until)
        self.now, self.scene = until, scene
        sent = Emission(
            at,
            tag,
            kind == BUTTON,
            scene.xy[tag],
            self._facing(scene)[tag],
            ~scene.outdoors[tag],
        )
        sent, kind, played = self._attackers.join(sent, kind, until, packet=self._packet)
        deeds += tuple(self._told(sent, kind, played))
        return Step(scene, sent, self.radio.hear(sent), kind, played, deeds)

    def packet(self, step: Step, number: int) -> Packet:
        """The bytes of a packet of the latest `step`, by its number there."""
        if number in step.played:
            return step.played[number]
        return self._packet(
            int(step.sent.tag[number]), int(step.kind[number]), float(step.sent.at[number])
        )

    def named(self, step: Step) -> tuple[Ints, NDArray[np.bool_]]:
        """Whose identity each packet of `step` has, also an attacker's, and whether it says so."""
        whose = self._whose(step.sent.tag)
        return whose, ~(self._fleet.mask[whose] & (step.kind != POSITION))

    def zones_of(self, points: Floats) -> list[tuple[str, ...]]:
        """The ids of the zones that hold each of `points` (n, 2)."""
        masks = self.site.zone_masks(points)
        ids = [zone.id for zone in self.site.zones]
        return [tuple(ids[z] for z in np.nonzero(column)[0]) for column in masks.T]

    def _packet(self, tag: int, kind: int, at: float) -> Packet:
        return self.tags[tag].firmware.packet(kind, at)

    def _facing(self, scene: Scene) -> Floats:
        """Which way each tag looks, shape (people, 2): the body is behind it."""
        (east, north), (cos, sin) = scene.heading.T, self._worn
        return np.stack([east * cos - north * sin, east * sin + north * cos], axis=1)

    def _befall(self, scene: Scene, until: float) -> Iterator[Deed]:
        """Do what the script says for the time before `until`."""
        while self._script and self._script[0][0] < until:
            at, what, person = self._script.pop(0)
            firmware, detail = self.natives.get(person), ""
            if firmware is not None and what == "pressed":
                detail = str(firmware.press())
            elif firmware is not None:
                firmware.change_battery(at)
            x, y = scene.xy[person].tolist()
            yield Deed(at, what, person, (x, y), detail)

    def _told(self, sent: Emission, kind: Ints, played: Mapping[int, Packet]) -> Iterator[Deed]:
        names = {BUTTON: "sos", TELEMETRY: "telemetry"}
        for number, packet in played.items():
            detail = packet.frame.identifier or names[int(kind[number])]
            x, y = sent.xy[number].tolist()
            whose = int(self._whose(sent.tag[number]))
            yield Deed(float(sent.at[number]), "played", whose, (x, y), detail)

    def _whose(self, senders: Ints) -> Ints:
        return np.concatenate([np.arange(len(self.tags)), self._attackers.tags])[senders]


def _spot(site: Site, place: str) -> tuple[float, float]:
    """Where a receiver stands, or the middle of a zone by its id or use. Raises ValueError."""
    for node, xyz in zip(site.nodes, site.node_xyz, strict=True):
        if node.id == place:
            return float(xyz[0]), float(xyz[1])
    for zone in site.zones:
        if place in {zone.id, zone.use}:
            x, y = middle(zone.ring)
            return float(x), float(y)
    raise ValueError(f"{place} is no receiver and no zone of this site")
