"""The tracker's loops compiled before they are needed: a step must not wait half a minute for it.

The machine code is kept in the folder that `compiled.cache_folder` names; what is there is loaded.
"""

import numpy as np

from gateway.model import Reading, TagIdentifier, Window
from gateway.settings import config_dir
from gateway.site import Site, load_site
from gateway.tags.crowd import slots_for
from gateway.tags.footing import TILE_NUMBERS
from gateway.tags.handover import hand_over
from gateway.tags.identity import Directory
from gateway.tags.packing import room_for
from gateway.tags.pipeline import Pipeline
from gateway.tags.trails import Trails

_TAG = "warm-up"


def warm_up(site: Site) -> None:
    """Two seconds of a tag that is not there, and its route. Raises SiteError.

    In two seconds nobody comes to another tile: nobody is handed over, but by the same code.
    """
    pipeline = Pipeline(site, Directory([TagIdentifier(_TAG, _TAG, button=False)]))
    trails = Trails(site)
    receiver = site.receivers[0].id
    heard = (Reading(receiver, _TAG, -60.0, -60, 1),)
    windows = [Window(0, (receiver,), heard), Window(1, (receiver,), ())]
    for window in windows:
        trails.update(pipeline.step(window.second, [window]).estimates)
    trails.end()
    nobody, nowhere = np.empty(0, dtype=np.int64), np.empty((0, TILE_NUMBERS), dtype=np.int64)
    hand_over(slots_for(0), nobody, nowhere, room_for(0, (0, 0)))


if __name__ == "__main__":
    warm_up(load_site(config_dir() / "site.geojson"))
