"""The ways of the town as a graph, and the shortest way a person would take."""

import heapq
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from firmware_sim.geometry import Floats, nearest_on_segments
from firmware_sim.site import Way

Edge = tuple[int, int]
CROSSING_COST_M = 4.0  # waiting and looking, in metres of detour
TOUCH_M = 0.05  # vertices nearer than this are one

Liking = Callable[[Way], float]
"""How long a metre of a path feels to somebody: 1.0 is neutral, less is liked."""


class Streets:
    """Routes over the paths of one site."""

    def __init__(self, paths: tuple[Way, ...]) -> None:
        places: dict[tuple[int, int], int] = {}
        vertices: list[Floats] = []
        self._edges: list[tuple[int, int, Way]] = []
        for path in paths:
            walked: list[int] = []
            for point in path.points:
                key = (round(point[0] / TOUCH_M), round(point[1] / TOUCH_M))
                if key not in places:
                    places[key] = len(vertices)
                    vertices.append(point)
                walked.append(places[key])
            self._edges += [(a, b, path) for a, b in pairwise(walked)]
        self._vertices = np.array(vertices)
        ends = np.array([(a, b) for a, b, _ in self._edges])
        self._starts, self._ends = self._vertices[ends[:, 0]], self._vertices[ends[:, 1]]
        self._lengths = np.hypot(*(self._ends - self._starts).T)

    def route(self, start: Floats, goal: Floats, liking: Liking) -> Floats:
        """The way from `start` to `goal` (2,), metres: off the path at both ends, shape (n, 2)."""
        first, foot, _ = nearest_on_segments(start, self._starts, self._ends)
        last, target, _ = nearest_on_segments(goal, self._starts, self._ends)
        if first == last:
            return np.array([start, foot, target, goal])
        between = self._shortest((first, foot), (last, target), self._neighbours(liking))
        return np.array([start, foot, *(self._vertices[i] for i in between), target, goal])

    def place_on_path(self, point: Floats) -> Floats:
        """The point of the paths nearest to `point` (2,)."""
        return nearest_on_segments(point, self._starts, self._ends)[1]

    def _neighbours(self, liking: Liking) -> list[list[tuple[int, float]]]:
        costs: dict[str, float] = {}
        around: list[list[tuple[int, float]]] = [[] for _ in self._vertices]
        for (a, b, path), length in zip(self._edges, self._lengths, strict=True):
            if path.id not in costs:
                costs[path.id] = liking(path)
            cost = float(length) * costs[path.id]
            cost += CROSSING_COST_M * (path.use == "crossing")
            around[a].append((b, cost))
            around[b].append((a, cost))
        return around

    def _shortest(
        self,
        start: tuple[int, Floats],
        goal: tuple[int, Floats],
        around: list[list[tuple[int, float]]],
    ) -> list[int]:
        """Vertices between a foot on one edge and a foot on another (Dijkstra)."""
        edge, foot = start
        queue = [(self._reach(foot, v), v) for v in self._edges[edge][:2]]
        heapq.heapify(queue)
        best = {v: cost for cost, v in queue}
        came: dict[int, int] = {}
        edge, foot = goal
        exits = {v: self._reach(foot, v) for v in self._edges[edge][:2]}
        found, total = -1, np.inf
        while queue and queue[0][0] < total:
            cost, at = heapq.heappop(queue)
            if cost > best[at]:
                continue
            if at in exits and cost + exits[at] < total:
                found, total = at, cost + exits[at]
            for to, length in around[at]:
                if cost + length < best.get(to, np.inf):
                    best[to], came[to] = cost + length, at
                    heapq.heappush(queue, (cost + length, to))
        if found < 0:
            raise ValueError("the paths of this site are not connected: no way between two places")
        way = [found]
        while way[-1] in came:
            way.append(came[way[-1]])
        return way[::-1]

    def _reach(self, foot: Floats, vertex: int) -> float:
        return float(np.hypot(*(self._vertices[vertex] - foot)))
