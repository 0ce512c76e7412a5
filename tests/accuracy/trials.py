"""A scene, a walk and a tag: recorded, located by the product, scored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.cli.locate import Mode, run
from gateway.cli.recording import Recording, Row
from gateway.site import load_site
from tests.accuracy.radio import Climate, hear
from tests.accuracy.scenes import Scene, degrees, walk, write_site
from tests.accuracy.score import EventScore, Score, Truth, pooled, score, score_events

WALK_S = 400


@dataclass(frozen=True, slots=True)
class Trial:
    """A recording and the truth about it."""

    recording: Recording
    truth: Truth


@dataclass(frozen=True, slots=True)
class Outcome:
    """The scores of all trials of a kind."""

    positions: Score
    events: EventScore


def make_trial(
    folder: Path,
    scene: Scene,
    climate: Climate,
    *,
    seed: int,
    offset_db: float = 0.0,
    rate_hz: float = 2.0,
    dead: frozenset[int] = frozenset(),
) -> Trial:
    """A walk of 400 s with a tag `offset_db` stronger than usual; `dead` receivers say nothing."""
    random = np.random.default_rng(seed)
    path = walk(random, scene, seconds=WALK_S)
    heard = hear(random, scene, climate, path, offset_db=offset_db, rate_hz=rate_hz)
    file = folder / f"{scene.name}-{seed}.geojson"
    write_site(file, scene)
    site = load_site(file)
    rows = (Row(one.at, f"r{one.receiver}", "tag", one.rssi_dbm) for one in heard)
    kept = sorted(row for row in rows if int(row.receiver[1:]) not in dead)
    truth = Truth(path.at, site.to_metres(degrees(path.xy)))
    return Trial(Recording(site, tuple(kept), {}), truth)


def outcome(trials: list[Trial], mode: Mode = Mode.LIVE) -> Outcome:
    """What the product makes of `trials`."""
    positions, events = [], []
    for trial in trials:
        site = trial.recording.site
        found, told = run(trial.recording, mode, progress=lambda _done, _total: None)
        positions.append(score(found, trial.truth, site))
        events.append(score_events(told, trial.truth, site))
    return Outcome(
        pooled(positions),
        EventScore(
            hours=sum(one.hours for one in events),
            crossings=sum(one.crossings for one in events),
            false=sum(one.false for one in events),
            delays_s=tuple(delay for one in events for delay in one.delays_s),
        ),
    )
