"""A port through which things are done to the tags and receivers of a running town.

One command a line, answered by a line of JSON; what cannot be done is answered with `error`:

    state WHO                    where somebody is, and what is true of the tag
    press WHO                    the button
    battery WHO                  a fresh cell; clock and counter resume from what was stored
    clone WHO PLACE [FOR LATER]  an attacker records the tag from now on FOR seconds (600), and
                                 plays it at a receiver or zone LATER seconds later (0)
    deaf RECEIVER, mend RECEIVER it is up and hears nothing, or hears again
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from firmware_sim.clones import Clone
from firmware_sim.firmware import POSITION
from firmware_sim.world import World

ANSWER_WITHIN_S = 10.0
CLONED_S = 600.0

Answer = dict[str, Any]


class Ear(Protocol):
    """A receiver that can be made deaf."""

    deaf: bool


class TownBoard:
    """Takes commands in any thread (`obey`), and does them in the town's own (`serve`).

    `ears` are the receivers.
    """

    def __init__(self, world: World, ears: Mapping[str, Ear]) -> None:
        self._world = world
        self._ears = ears
        self._waiting: SimpleQueue[tuple[str, Future[Answer]]] = SimpleQueue()
        self._verbs: Mapping[str, Callable[[Sequence[str]], Answer]] = {
            "state": lambda words: self._state(words[0]),
            "press": self._press,
            "battery": self._battery,
            "clone": self._clone,
            "deaf": lambda words: self._set_deaf(words[0], deaf=True),
            "mend": lambda words: self._set_deaf(words[0], deaf=False),
        }

    def obey(self, command: str) -> Answer:
        """What is true after `command`; {"error": …} where it cannot be done."""
        answer: Future[Answer] = Future()
        self._waiting.put((command, answer))
        try:
            return answer.result(ANSWER_WITHIN_S)
        except TimeoutError:
            return {"error": "the town does not move"}

    def serve(self) -> None:
        """Do what was asked since the last time."""
        while True:
            try:
                command, answer = self._waiting.get_nowait()
            except Empty:
                return
            answer.set_result(self._do(command))

    def _do(self, command: str) -> Answer:
        verb, *words = command.split() or [""]
        if verb not in self._verbs:
            return {"error": f"no command {verb!r}; there are {', '.join(self._verbs)}"}
        try:
            return self._verbs[verb](words)
        except KeyError as error:
            return {"error": f"no such receiver: {error}"}
        except (ValueError, IndexError) as error:
            return {"error": f"{command.strip()}: {error}"}

    def _press(self, words: Sequence[str]) -> Answer:
        self._world.press(words[0])
        return self._state(words[0])

    def _battery(self, words: Sequence[str]) -> Answer:
        self._world.change_battery(words[0])
        return self._state(words[0])

    def _set_deaf(self, receiver: str, *, deaf: bool) -> Answer:
        self._ears[receiver].deaf = deaf
        return {"receiver": receiver, "deaf": deaf}

    def _clone(self, words: Sequence[str]) -> Answer:
        who, place, *rest = words
        for_s, later_s = (float(rest[0]), float(rest[1])) if rest else (CLONED_S, 0.0)
        since_s = self._world.now - self._world.start
        self._world.clone(Clone(who, since_s, since_s + for_s, later_s, place))
        return self._state(who)

    def _state(self, who: str) -> Answer:
        world, number = self._world, self._world.number(who)
        told: Answer = {"at": world.now, "person": who, "tag": world.tags[number].id}
        if world.scene is not None:
            ((lon, lat),) = world.site.lonlat(world.scene.xy[[number]]).tolist()
            told |= {"lon": lon, "lat": lat, "outdoors": bool(world.scene.outdoors[number])}
        packet = world.tags[number].firmware.packet(POSITION, world.now)
        told |= {"address": packet.address, "identifier": packet.frame.identifier}
        if (native := world.natives.get(number)) is not None:
            true_s = world.now - native.keys.zero_at
            told["clock_ahead_s"] = native.clock_s(world.now) - true_s
            told |= {"counter": native.counter, "battery_v": native.battery_v}
        return told
