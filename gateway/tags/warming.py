"""The tracker's loops compiled before they are needed: a step must not wait half a minute for it.

The machine code is kept in the folder that `compiled.cache_folder` names; what is there is loaded.
"""

from gateway.model import Reading, TagIdentifier, Window
from gateway.settings import config_dir
from gateway.site import Site, load_site
from gateway.tags.identity import Directory
from gateway.tags.pipeline import Pipeline
from gateway.tags.route import smooth

_TAG = "warm-up"


def warm_up(site: Site) -> None:
    """Two seconds of a tag that is not there, and their smoothing. Raises SiteError."""
    pipeline = Pipeline(site, Directory([TagIdentifier(_TAG, _TAG, button=False)]))
    receiver = site.receivers[0].id
    heard = (Reading(receiver, _TAG, -60.0, -60, 1),)
    windows = [Window(0, (receiver,), heard), Window(1, (receiver,), ())]
    steps = [pipeline.step(window.second, [window]) for window in windows]
    smooth([estimate for step in steps for _, estimate in step.estimates])


if __name__ == "__main__":
    warm_up(load_site(config_dir() / "site.geojson"))
