"""The town in motion: people, their tags and the air between, one step of time after another."""

from dataclasses import dataclass

import numpy as np

from firmware_sim.geometry import Floats
from firmware_sim.people import Errand, People, Person, Scene, populate
from firmware_sim.radio import Emission, Heard, Radio
from firmware_sim.site import Site
from firmware_sim.tags import Advertiser, Tag, make_tag


@dataclass(frozen=True, slots=True)
class Press:
    """A scripted press of a person's button, `after_s` seconds from the start."""

    person: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of time held: who was where at its end, what was sent, and who heard it."""

    scene: Scene
    sent: Emission
    heard: Heard


class World:
    """Everything simulated over one site. `step` moves it; it never goes back."""

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
    ) -> None:
        self.site = site
        self.people: tuple[Person, ...] = populate(site, people=people, seed=seed)
        rng = np.random.default_rng([seed, 8])
        numbers = range(1, len(self.people) + 1)
        self.tags: tuple[Tag, ...] = tuple(make_tag(number, rng) for number in numbers)
        offsets_db = np.array([tag.offset_db for tag in self.tags])
        worn_rad = np.array([tag.worn_rad for tag in self.tags])
        self._worn = np.stack([np.cos(worn_rad), np.sin(worn_rad)])
        self.radio = Radio(site, tag_offsets_db=offsets_db, seed=seed)
        self._advertiser = Advertiser(self.tags, start=start, rng=rng)
        self._people = People(
            site, self.people, start=start, seed=seed, most_outdoors=most_outdoors, errands=errands
        )
        index = {person.id: number for number, person in enumerate(self.people)}
        for press in presses:
            if press.person not in index:
                raise ValueError(f"nobody is called {press.person}")
            self._advertiser.press(tag=index[press.person], at=start + press.after_s)

    def step(self, until: float) -> Step:
        """Let time run to `until` (Unix seconds, after the last step)."""
        scene = self._people.scene(until)
        at, tag, button = self._advertiser.due(until)
        here = ~scene.away[tag]
        at, tag, button = at[here], tag[here], button[here]
        sent = Emission(
            at,
            tag,
            button.astype(bool),
            scene.xy[tag],
            self._facing(scene)[tag],
            ~scene.outdoors[tag],
        )
        return Step(scene, sent, self.radio.hear(sent))

    def _facing(self, scene: Scene) -> Floats:
        """Which way each tag looks, shape (people, 2): the body is behind it."""
        (east, north), (cos, sin) = scene.heading.T, self._worn
        return np.stack([east * cos - north * sin, east * sin + north * cos], axis=1)

    def zones_of(self, points: Floats) -> list[tuple[str, ...]]:
        """The ids of the zones that hold each of `points` (n, 2)."""
        masks = self.site.zone_masks(points)
        ids = [zone.id for zone in self.site.zones]
        return [tuple(ids[z] for z in np.nonzero(column)[0]) for column in masks.T]
