"""The Bayes filter over the site's paths: one Track for each tag, one `update` for each second.

The belief is that for the end of a second. An update carries it to the middle of the next, where
that second's readings and misses are weighed, and on to its end.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.site import Points
from gateway.tags.crowd import (
    LONGEST_INTERVAL_S,
    SILENT_AFTER_INTERVALS,
    Common,
    News,
    Outcomes,
    Slots,
    are_lost,
    hold,
    outcomes_for,
    slots_for,
    step,
)
from gateway.tags.footing import CELLS, EDGES, MOVES, Addresses
from gateway.tags.handover import hand_over
from gateway.tags.levels import (
    Knowledge,
    knowledge_of,
    nothing_learned,
    resumed,
    without_receivers,
)
from gateway.tags.motion import WIDTH, Belief, Shorts, Singles, mass_of
from gateway.tags.packing import Dense, Packed, Room, member_of, pack, room_for, trimmed, unpack
from gateway.tags.tile import Ground, Tile
from gateway.tags.weighing import Heard, Learned

BATCH = 128  # tracks that one compiled call takes on: what they hold stays in the cache
LEAST_SLOTS = 64

OUT_AT_FIRST = 0.01
RIM_MASS = 0.02
LONGEST_PATIENCE_S = round(SILENT_AFTER_INTERVALS * LONGEST_INTERVAL_S)


class Estimate(NamedTuple):
    """What is `held` to be true of a tag at the end of `second`: a belief over the tile's places.

    `held.likelihood` is that of what was heard and missed in the middle of the second, and part of
    the belief: smoothing needs both. `log_evidence` is the log density of what was heard and
    missed. The track began in `since`. It is `strange` where who heard the tag best is not among
    the receivers nearest to where it is.
    """

    second: int
    since: int
    tile: Tile
    held: Packed
    log_evidence: float
    n_heard: int
    unheard_s: int
    strange: bool = False

    @property
    def mass(self) -> Singles:
        """The belief (cells + 1,) over the tile's cells and, last, out of coverage."""
        return spread_out(self.tile, self.held.places, self.held.mass)


def spread_out(tile: Tile, places: Shorts, mass: Singles) -> Singles:
    """The mass (cells + 1,) of all places of a tile, from that (k,) of some."""
    whole = np.zeros(len(tile.path) + 1, dtype=np.float32)
    whole[places] = mass
    return whole


class Crowd:
    """The tracks of one ground. What a step knows of each lies in arrays, by the track's slot."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        usual = nothing_learned(ground.surroundings)
        self.common = Common(usual.kept, usual.packet_variance)
        self.slots = slots_for(0)
        self._tracks: dict[int, Track] = {}
        self._free: list[int] = []
        self._room = room_for(0, (0, 0))

    def admit(self, track: "Track") -> int:
        """A slot for another track, which it has until it leaves."""
        if not self._free:
            count = len(self.slots.tiles)
            more = slots_for(max(count // 2, LEAST_SLOTS))
            self.slots = Slots._make(_joined(self.slots, more))
            self._free += range(count, len(self.slots.tiles))
        slot = self._free.pop()
        self._tracks[slot] = track
        return slot

    def dismiss(self, slot: int) -> None:
        """The track there is over."""
        del self._tracks[slot]
        self._free.append(slot)

    def lost(self, members: Addresses, news: News) -> NDArray[np.bool_]:
        """As `are_lost`."""
        return are_lost(members, self.slots, news)

    def step(self, members: Addresses, news: News) -> "Told":
        """Carry the tracks in the slots `members` (n,), each at most once, through a second."""
        tracks = [self._tracks[slot] for slot in members.tolist()]
        told = Told(news.second, tracks, outcomes_for(len(tracks), self.ground.zone_count))
        order = np.argsort(self.slots.tiles[members, MOVES], kind="stable")  # by tile
        for first in range(0, len(members), BATCH):
            part = order[first : first + BATCH]
            room = self._space(self.slots.tiles[members[part]])
            step(news, members, part, self.slots, self.common, room, told.outcomes)
            room = trimmed(room, len(part))
            hold(self.slots, members[part], room)
            for index, number in enumerate(part.tolist()):
                tracks[number].place = told.places[number] = room, index
        rims = np.flatnonzero(told.outcomes.rim > RIM_MASS)
        self._follow([tracks[index] for index in rims.tolist()], told.outcomes.middle[rims])
        return told

    def _follow(self, tracks: Sequence["Track"], middles: Points) -> None:
        """Change to the tiles around `middles` before the tags reach the rims of theirs."""
        around = [self.ground.tile_at((east, north)) for east, north in middles.tolist()]
        pairs = zip(tracks, around, strict=True)
        moving = [(track, tile) for track, tile in pairs if tile is not track.tile]
        if not moving:
            return
        members = np.array([track.slot for track, _ in moving])
        tiles = np.array([tile.address for _, tile in moving])
        room = self._space(tiles)
        hand_over(self.slots, members, tiles, room)
        room = trimmed(room, len(moving))
        self.slots.tiles[members] = tiles
        hold(self.slots, members, room)
        for index, (track, tile) in enumerate(moving):
            track.tile, track.place = tile, (room, index)

    def _space(self, tiles: Addresses) -> Room:
        """Room for as much as can be believed on such tiles (n, …), used again and again."""
        places = len(tiles) + int(tiles[:, CELLS].sum())
        states = places + int(tiles[:, EDGES].sum())
        room = self._room
        if len(room.starts) <= len(tiles) or len(room.mass) < places or len(room.states) < states:
            self._room = room_for(len(tiles), (places, states))
        return self._room


class Told:
    """What a second told of `tracks`: `outcomes` by their order, and what each then believes."""

    def __init__(self, second: int, tracks: Sequence["Track"], outcomes: Outcomes) -> None:
        self.outcomes = outcomes
        self.places = [track.place for track in tracks]
        self._second = second
        self._tiles = [(track.tile, track.since) for track in tracks]

    def estimate(self, index: int) -> Estimate:
        """What is believed of one of them."""
        tile, since = self._tiles[index]
        outcomes = self.outcomes
        return Estimate(
            self._second,
            since,
            tile,
            member_of(*self.places[index]),
            float(outcomes.log_evidence[index]),
            int(outcomes.heard[index]),
            int(outcomes.unheard_s[index]),
            bool(outcomes.strange[index]),
        )


class Track:
    """One tag on the site, from a first hearing until it is silent. It fills a slot of its crowd
    until it is told to `leave`.
    """

    __slots__ = ("crowd", "place", "since", "slot", "tile")

    def __init__(
        self, crowd: Crowd, *, second: int, heard: Heard, knowledge: Knowledge | None = None
    ) -> None:
        """Begin in `second`, which a step is still to take, near whoever `heard` it best.

        `knowledge` is what was learned of the tag's levels when it was tracked before.
        """
        self.since = second
        ground = crowd.ground
        tile = ground.tile_by(int(heard.receivers[0]))
        rows = np.zeros((len(tile.cells) + 1, WIDTH), dtype=np.float32)
        if knowledge is None:
            learned = nothing_learned(ground.surroundings)
        else:
            learned = resumed(knowledge, second=second)
            rows += knowledge.mean
        self._enter(crowd, learned, second=second)
        self._believe(tile, _anywhere(tile), rows)

    def leave(self) -> None:
        """Give the slot back: the track is over."""
        self.crowd.dismiss(self.slot)

    def move_to(self, crowd: Crowd, *, second: int) -> None:
        """Go on from where it is, on the ground of the same site with other receivers or radios."""
        states, mass, _ = _unpacked(self.tile, *self.place).belief
        middle = mass[:-1] @ self.tile.cells / mass[:-1].sum()
        known = without_receivers(self.knowledge())
        tile = crowd.ground.tile_at((float(middle[0]), float(middle[1])))
        states = tile.take(self.tile, states, absent=0.0)
        before, slot = self.crowd.slots, self.slot
        self.leave()
        self._enter(crowd, resumed(known, second=second), second=second)
        for column in ("interval_s", "heard_in", "missed_hearings", "silence_log"):
            getattr(crowd.slots, column)[self.slot] = getattr(before, column)[slot]
        self._believe(tile, states / states.sum(), np.tile(known.mean, (len(tile.cells) + 1, 1)))

    def lost(self, heard: Heard) -> bool:
        """Whether the tag is not where it was followed to; then a new track must begin.

        Ask once a second.
        """
        news = _news(0, heard, np.zeros(0, dtype=bool))
        return bool(self.crowd.lost(np.array([self.slot]), news)[0])

    def update(self, second: int, heard: Heard, alive: NDArray[np.bool_]) -> Told:
        """Carry this track alone through `second`, the one after the last.

        `alive` (receivers of the site,) are those whose silence is evidence.
        """
        return self.crowd.step(np.array([self.slot]), _news(second, heard, alive))

    def knowledge(self) -> Knowledge:
        """What was learned of the tag's levels, for its next track."""
        room, index = self.place
        first, last = room.starts[index : index + 2, 0].tolist()
        return knowledge_of(self._learned(), room.rows[first:last], room.mass[first:last])

    def _enter(self, crowd: Crowd, learned: Learned, *, second: int) -> None:
        self.crowd, self.slot = crowd, crowd.admit(self)
        slots, slot = crowd.slots, self.slot
        slots.covariance[slot] = learned.covariance
        slots.prior[slot] = learned.prior
        slots.owners[slot] = learned.owners
        slots.last_heard[slot] = learned.last_heard
        slots.interval_s[slot], slots.heard_in[slot] = 1.0, second
        slots.silence_log[slot] = slots.missed_hearings[slot] = slots.astray[slot] = 0

    def _learned(self) -> Learned:
        """A copy of what its slot says of the tag's levels."""
        slots, slot, common = self.crowd.slots, self.slot, self.crowd.common
        return Learned(
            slots.covariance[slot].copy(),
            slots.prior[slot].copy(),
            common.kept,
            slots.owners[slot].copy(),
            slots.last_heard[slot].copy(),
            common.packet_variance,
        )

    def _believe(self, tile: Tile, states: Singles, rows: Singles) -> None:
        self.tile = tile
        mass = mass_of(tile.moves, states)
        room = room_for(1, tile.sizes)
        pack(tile.moves, Dense(Belief(states, mass, rows), np.zeros_like(mass)), room, 0)
        self.place = trimmed(room, 1), 0
        slots, member = self.crowd.slots, np.array([self.slot])
        slots.tiles[member] = tile.address
        hold(slots, member, self.place[0])


def _joined(one: Iterable[Any], other: Iterable[Any]) -> Iterator[NDArray[Any]]:
    return (np.concatenate(pair) for pair in zip(one, other, strict=True))


def _news(second: int, heard: Heard, alive: NDArray[np.bool_]) -> News:
    """That of one track."""
    return News(second, np.array([0]), np.array([len(heard.receivers)]), heard, alive)


def _unpacked(tile: Tile, room: Room, index: int) -> Dense:
    places, states = tile.sizes
    belief = Belief(
        np.empty(states, dtype=np.float32),
        np.empty(places, dtype=np.float32),
        np.empty((places, WIDTH), dtype=np.float32),
    )
    dense = Dense(belief, np.empty(places, dtype=np.float32))
    unpack(tile.moves, room, index, dense)
    return dense


def _anywhere(tile: Tile) -> Singles:
    """A first belief: standing or walking, on any cell."""
    walking = len(tile.moves.tails)
    shares = [0.5 / len(tile.cells), 0.5 / max(walking, 1), OUT_AT_FIRST]
    states = np.repeat(shares, [len(tile.cells), walking, 1])
    return np.asarray(states / states.sum(), dtype=np.float32)
