"""What is compiled before a hub is ready is all that its steps call."""

import subprocess
import sys

WALK = """
import sys
from itertools import chain

import numpy as np
from numba.core.dispatcher import Dispatcher

from gateway.model import TagIdentifier
from gateway.tags.identity import Directory
from gateway.tags.pipeline import Pipeline
from gateway.tags.trails import Trails
from gateway.tags.warming import warm_up
from tests.unit.tags.places import levels_at, site, window


def compiled() -> set[str]:
    modules = [module for name, module in sys.modules.items() if name.startswith("gateway.tags")]
    members = chain.from_iterable(vars(module).values() for module in modules)
    loops = [one for one in members if isinstance(one, Dispatcher)]
    return {one.py_func.__name__ for one in loops if one.overloads}


place = site(  # so many ways beside each other that a tile is not long
    paths=[[(0, north), (600, north)] for north in range(0, 50, 5)],
    receivers={f"r{k}": (20.0 * k, 3.0) for k in range(30)},
)
warm_up(place)
before = compiled()
pipeline = Pipeline(place, Directory([TagIdentifier("a", "a", button=False)]))
trails = Trails(place)
for second, east in enumerate(np.arange(250.0, 350.0, 1.25).tolist()):
    heard = {"a": levels_at(place, (east, 0.0))}
    trails.update(pipeline.step(second, [window(place, second, heard)]).estimates)
trails.end()
print(*sorted(compiled() - before))
"""


def test_nothing_is_left_to_be_compiled_while_a_tag_walks_from_tile_to_tile() -> None:
    """In a process of its own: here, other tests have compiled."""
    done = subprocess.run([sys.executable, "-c", WALK], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
