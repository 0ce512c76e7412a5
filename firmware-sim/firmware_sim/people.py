"""Who lives in the town and what they do in a day: school, shop, visits, a stroll.

A day is planned whole, from the seed and the date; nothing is drawn while time runs, so a walk is
the same at any rate and step. At most `most_outdoors` are out at once: others wait indoors.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from firmware_sim.geometry import Floats, middle
from firmware_sim.site import Ground, Site, Way
from firmware_sim.streets import Liking, Streets
from firmware_sim.walks import Habits, Walk, time_the_way, wander

DAY_S = 86_400.0
TURN_S = 5.0  # between one trip and the next
JST_S = 9 * 3600.0
LOOK_BACK_S = 2 * 3600.0  # walks that long ago are not made up any more
PLACES = ("school", "park", "shop", "community")
NAMES = {"child": "こども", "elder": "おとしより", "stranger": "通行人"}
HABITS = {
    "child": (1.25, 0.03, (3.0, 20.0)),
    "elder": (1.0, 0.05, (5.0, 60.0)),
    "stranger": (1.4, 0.01, (1.0, 5.0)),
}


@dataclass(frozen=True, slots=True)
class Person:
    """A carrier. `id` is a pseudonym, `home` a lot (a way's end for a stranger), in metres."""

    id: str
    name: str
    kind: str
    home: tuple[float, float]
    habits: Habits


@dataclass(frozen=True, slots=True)
class Trip:
    """A wish: leave for `goal` at `second` of the local day, or as soon as the trip before allows.

    `play_s` is spent outdoors at the goal.
    """

    second: float
    goal: str
    play_s: float = 0.0


Wish = tuple[float, int, tuple[Trip, ...]]
"""When to leave, who, and the trips that remain of the day."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A scripted walk, from one named place to another, at once."""

    person: str
    start: str
    goal: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Everybody at one moment: shape (people,) or (people, 2). Indoors unless out or away."""

    xy: Floats
    heading: Floats
    outdoors: NDArray[np.bool_]
    away: NDArray[np.bool_]


def populate(site: Site, *, people: int, seed: int) -> tuple[Person, ...]:
    """So many people: six in ten children, three elders, one stranger with a beacon."""
    if not site.lots or not site.paths:
        raise ValueError("this site has no lots or no paths: nobody can live there")
    rng = np.random.default_rng([seed, 4])
    children = max(1, round(0.6 * people))
    strangers = people // 10
    elders = max(0, people - children - strangers)
    counts = {"child": children, "elder": elders, "stranger": strangers}
    homes = rng.permutation(len(site.lots))
    found: list[Person] = []
    for kind, count in counts.items():
        speed, chance, stop_s = HABITS[kind]
        for number in range(1, count + 1):
            lot = site.lots[homes[len(found) % len(homes)]]
            x, y = middle(lot.ring) if kind != "stranger" else site.paths[0].points[0]
            habits = Habits(float(np.clip(rng.normal(speed, 0.1), 0.9, 1.55)), chance, stop_s)
            name = f"{NAMES[kind]} {number}"
            found.append(Person(f"{kind}-{number:03d}", name, kind, (float(x), float(y)), habits))
    return tuple(found)


class People:
    """Where everybody is, at any time from `start` on."""

    def __init__(
        self,
        site: Site,
        people: tuple[Person, ...],
        *,
        start: float,
        seed: int,
        most_outdoors: int,
        errands: tuple[Errand, ...] = (),
    ) -> None:
        self.people = people
        self._site = site
        self._streets = Streets(site.paths)
        self._start = start
        self._seed = seed
        self._most_outdoors = most_outdoors
        self._errands = {errand.person: errand for errand in errands}
        if unknown := self._errands.keys() - {person.id for person in people}:
            raise ValueError(f"nobody is called {', '.join(sorted(unknown))}")
        self._grounds = {use: _first(site.zones, use) for use in PLACES}
        self._places = {use: _middle_of(ground) for use, ground in self._grounds.items()}
        self._at = [person.home for person in people]
        self._away = [person.kind == "stranger" for person in people]
        self._walks: list[Walk | None] = [None] * len(people)
        self._coming: list[Walk] = []
        self._planned_until = -np.inf

    def scene(self, at: float) -> Scene:
        """Everybody at `at`, which never goes back."""
        while at >= self._planned_until:
            self._plan(at)
        while self._coming and self._coming[0].times[0] <= at:
            walk = self._coming.pop(0)
            self._walks[walk.person] = walk
        states = [self._state(index, at) for index in range(len(self.people))]
        outdoors = np.array([walk is not None for walk in self._walks])
        numbers = np.array(states, dtype=float).reshape(-1, 4)
        return Scene(numbers[:, :2], numbers[:, 2:], outdoors, np.array(self._away))

    def _state(self, index: int, at: float) -> tuple[float, float, float, float]:
        walk = self._walks[index]
        if walk is None:
            return (*self._at[index], 0.0, 1.0)
        if at > walk.times[-1]:
            self._walks[index] = None
            self._at[index] = walk.points[-1]
            self._away[index] = walk.goal == "away"
            return (*self._at[index], 0.0, 1.0)
        self._away[index] = False
        return walk.at(at)

    def _plan(self, at: float) -> None:
        """Make the walks of the local day that `at` is in."""
        day = int((at + JST_S) // DAY_S)
        midnight = day * DAY_S - JST_S
        self._planned_until = midnight + DAY_S
        long_ago = self._start - LOOK_BACK_S
        rng = np.random.default_rng([self._seed, 5, day])
        wishes: list[Wish] = []
        for index, person in enumerate(self.people):
            if person.id in self._errands:
                self._send(index, self._errands[person.id])
                continue
            trips = list(_day(person, rng))
            late = list(takewhile(lambda trip: midnight + trip.second < long_ago, trips))
            self._settle(index, late)
            if trips := trips[len(late) :]:
                heapq.heappush(wishes, (midnight + trips[0].second, index, tuple(trips)))
        walks = [*self._coming, *self._admit(wishes, midnight)]
        self._coming = sorted(walks, key=lambda walk: walk.times[0])

    def _send(self, index: int, errand: Errand) -> None:
        """Put the person of an errand on the way; afterwards they stay where it led."""
        if self._planned_until > self._start + DAY_S:
            return
        start, goal = (self._place(index, name) for name in (errand.start, errand.goal))
        self._at[index] = (float(start[0]), float(start[1]))
        rng = np.random.default_rng([self._seed, 6, index])
        way = self._streets.route(start, goal, self._liking(index, rng))
        habits, depart = self.people[index].habits, self._start + 1.0
        self._coming.append(
            time_the_way(way, person=index, goal=errand.goal, depart=depart, habits=habits, rng=rng)
        )

    def _settle(self, index: int, late: list[Trip]) -> None:
        """Somebody whose early trips are over before the simulation starts."""
        if late and late[-1].goal in PLACES:
            x, y = self._place(index, late[-1].goal)
            self._at[index] = (float(x), float(y))

    def _admit(self, wishes: list[Wish], midnight: float) -> Iterator[Walk]:
        """Turn wishes into walks, in order of time, never more than may be out at once."""
        back = [walk.times[-1] for walk in self._coming]  # errands come first
        where = list(self._at)
        while wishes:
            depart, index, trips = heapq.heappop(wishes)
            back = [end for end in back if end > depart]
            if len(back) >= self._most_outdoors:
                heapq.heappush(wishes, (min(back) + 1.0, index, trips))
                continue
            walk = self._walk(index, trips[0], where[index], depart)
            where[index] = walk.points[-1]
            back.append(walk.times[-1])
            if len(trips) > 1:
                again = max(midnight + trips[1].second, walk.times[-1] + TURN_S)
                heapq.heappush(wishes, (again, index, trips[1:]))
            yield walk

    def _walk(self, index: int, trip: Trip, where: tuple[float, float], depart: float) -> Walk:
        rng = np.random.default_rng([self._seed, 7, index, int(depart)])
        stops, goal = [self._place(index, trip.goal, rng)], trip.goal
        if trip.goal == "stroll":
            stops = [*stops, self._place(index, "stroll", rng), self._place(index, "home")]
            goal = "home"
        liking, way = self._liking(index, rng), np.array([where])
        for stop in stops:
            way = np.vstack([way, self._streets.route(way[-1], stop, liking)])
        if trip.play_s > 0.0 and (ground := self._grounds.get(trip.goal)) is not None:
            way = np.vstack([way[:-1], wander(ground.ring, seconds=trip.play_s, rng=rng)])
        habits = self.people[index].habits
        return time_the_way(way, person=index, goal=goal, depart=depart, habits=habits, rng=rng)

    def _place(self, index: int, name: str, rng: np.random.Generator | None = None) -> Floats:
        """A named place in metres; "visit", "stroll" and "away" are drawn."""
        if name == "home":
            return np.array(self.people[index].home)
        if name in PLACES:
            place = self._places[name]
            if place is None:
                raise ValueError(f"this site has no zone of use {name}")
            return place
        if rng is None:
            raise ValueError(f"{name} is no place: home, {', '.join(PLACES)}")
        if name == "visit":
            return middle(self._site.lots[rng.integers(len(self._site.lots))].ring)
        points = self._site.paths[rng.integers(len(self._site.paths))].points
        return np.asarray(points[rng.integers(len(points))])

    def _liking(self, index: int, rng: np.random.Generator) -> Liking:
        """Children keep to the school route, elders like footpaths, everybody has a mood."""
        kind = self.people[index].kind

        def liking(path: Way) -> float:
            mood = float(rng.uniform(0.95, 1.1))
            if kind == "child" and path.school_route:
                return 0.85 * mood
            if kind == "elder" and path.use == "footpath":
                return 0.8 * mood
            return mood

        return liking


def _first(zones: tuple[Ground, ...], use: str) -> Ground | None:
    return next((zone for zone in zones if zone.use == use), None)


def _middle_of(ground: Ground | None) -> Floats | None:
    return None if ground is None else middle(ground.ring)


def _clock(hours: float, minutes: float = 0.0) -> float:
    return hours * 3600.0 + minutes * 60.0


def _day(person: Person, rng: np.random.Generator) -> Iterator[Trip]:
    """The trips of one day, in order."""
    if person.kind == "child":
        yield from _school_day(rng)
    elif person.kind == "elder":
        yield from _quiet_day(rng)
    else:
        yield from _passing_by(rng)


def _school_day(rng: np.random.Generator) -> Iterator[Trip]:
    yield Trip(_clock(7, rng.uniform(30, 50)), "school")
    lets_out = rng.choice([-3.0, 0.2, 0.6, 6.0, 14.0], p=[0.3, 0.25, 0.2, 0.15, 0.1])
    yield Trip(_clock(15, float(lets_out) + rng.uniform(0.0, 0.3)), "home")
    afternoon = rng.random()
    if afternoon < 0.45:
        yield Trip(_clock(15, rng.uniform(35, 75)), "park", play_s=rng.uniform(900, 2400))
        yield Trip(0.0, "home")
    elif afternoon < 0.7:
        yield Trip(_clock(15, rng.uniform(35, 60)), "visit")
        yield Trip(_clock(16, rng.uniform(40, 75)), "home")


def _quiet_day(rng: np.random.Generator) -> Iterator[Trip]:
    if rng.random() < 0.6:
        yield Trip(_clock(9, rng.uniform(0, 60)), "stroll")
    goal = rng.choice(["stroll", "shop", "community", "visit"], p=[0.4, 0.3, 0.15, 0.15])
    leaves = _clock(14, rng.uniform(40, 110))
    yield Trip(leaves, str(goal))
    if goal != "stroll":
        yield Trip(leaves + _clock(0, rng.uniform(12, 45)), "home")


def _passing_by(rng: np.random.Generator) -> Iterator[Trip]:
    hour = 8.0 + rng.uniform(0.0, 1.0)
    while hour < 19.0:
        yield Trip(_clock(hour), "shop" if rng.random() < 0.4 else "away")
        yield Trip(_clock(hour, 25.0), "away")
        hour += rng.uniform(0.8, 1.6)
