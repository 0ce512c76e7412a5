"""The tracker beside what one would take from the shelf, on the same seconds of the same tags.

An extended Kalman filter of filterpy and a particle filter of Stone Soup, both with constant
velocity and the same log-distance law that the tracker assumes of receivers it does not know. They
know no map; each begins where the pole stands that hears its tag best.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from filterpy.common import Q_discrete_white_noise
from filterpy.kalman import ExtendedKalmanFilter
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.stats import multivariate_normal
from stonesoup.base import Property
from stonesoup.models.measurement.nonlinear import NonLinearGaussianMeasurement
from stonesoup.models.transition.linear import (
    CombinedLinearGaussianTransitionModel,
    ConstantVelocity,
)
from stonesoup.predictor.particle import ParticlePredictor
from stonesoup.resampler.particle import SystematicResampler
from stonesoup.types.array import StateVector, StateVectors
from stonesoup.types.base import Base
from stonesoup.types.detection import Detection
from stonesoup.types.hypothesis import SingleHypothesis
from stonesoup.types.numeric import Probability
from stonesoup.types.state import ParticleState, State
from stonesoup.updater.particle import ParticleUpdater

from gateway.tags.identity import Directory
from gateway.tags.pipeline import Pipeline
from gateway.tags.propagation import Radio
from tests.bench.figure import Figure
from tests.bench.town import Second, Town, identifiers_of, seconds_of

KM, RECEIVERS, TAGS = 2.0, 60, 30
SECONDS, SETTLED_S = 120, 30
PARTICLES = 1000

NOISE_SD_DB = 8.0  # fading, shadows and the tags' own losses together
ACCELERATION_SD = 0.5
BEGIN_SD_M, BEGIN_SD_M_S = 15.0, 1.0
DROP_M = 3.0  # from an antenna to the height of a tag
RADIO = Radio()

Floats = NDArray[np.float64]
Heard = tuple[Floats, Floats]  # poles (h, 2), levels (h,) dBm, the strongest first


def measure() -> Sequence[Figure]:
    """Error and time of each, and their ratio to the tracker's."""
    town = Town(km=KM, receivers=RECEIVERS)
    walk = list(seconds_of(town, tags=TAGS, count=SECONDS))
    heard = _heard_by_tag(town, walk)
    truth = np.array([second.truth for second in walk])
    peers: tuple[tuple[str, Callable[[Sequence[Heard]], Floats]], ...] = (
        ("filterpy, EKF", kalman),
        (f"Stone Soup, {PARTICLES:,} particles", particles),
    )
    _tracked(town, walk[:2])  # compiles what is not yet compiled
    own = _score(truth, *_timed(lambda: _tracked(town, walk)))
    figures = _figures("Machimori", own)
    for name, follow in peers:
        found, spent = _timed(lambda follow=follow: np.stack([follow(one) for one in heard], 1))
        figures += _figures(name, _score(truth, found, spent), beside=own)
    return figures


def _timed(work: Callable[[], Floats]) -> tuple[Floats, float]:
    begun = time.perf_counter()
    found = work()
    return found, time.perf_counter() - begun


def _score(truth: Floats, found: Floats, spent_s: float) -> Mapping[str, float]:
    """Of points (seconds, tags, 2), without the first seconds: error, metres; and time."""
    error = np.linalg.norm(found - truth, axis=2)[SETTLED_S:].ravel()
    return {
        "median error, m": float(np.median(error)),
        "90 % error, m": float(np.quantile(error, 0.9)),
        "time a fix, µs": spent_s / truth[..., 0].size * 1e6,
    }


def _figures(
    name: str, score: Mapping[str, float], *, beside: Mapping[str, float] | None = None
) -> list[Figure]:
    figures = []
    for what, value in score.items():
        words, unit = what.rsplit(", ", 1)
        other = ("Machimori", beside[what]) if beside else ("", 0.0)
        figures.append(Figure(f"peers: {words}, {name}", value, unit, *other))
    return figures


def _heard_by_tag(town: Town, walk: Sequence[Second]) -> list[list[Heard]]:
    """What each tag's receivers heard, second by second."""
    poles = dict(zip(town.names, town.poles, strict=True))
    heard = []
    for known in identifiers_of(TAGS):
        own: list[Heard] = []
        for second in walk:
            rows = [r for r in second.window.readings if r.identifier == known.identifier]
            rows.sort(key=lambda reading: -reading.mean_dbm)
            spots = np.array([poles[row.receiver] for row in rows]).reshape(-1, 2)
            own.append((spots, np.array([row.mean_dbm for row in rows])))
        heard.append(own)
    return heard


def _tracked(town: Town, walk: Sequence[Second]) -> Floats:
    """Points (seconds, tags, 2) of the real pipeline; where it has none, the last one."""
    known = identifiers_of(TAGS)
    rows = {one.tag: row for row, one in enumerate(known)}
    pipeline = Pipeline(town.site, Directory(known))
    lonlat = np.full((len(walk), TAGS, 2), np.nan)
    for k, second in enumerate(walk):
        lonlat[k] = lonlat[k - 1]
        for position in pipeline.step(second.window.second, [second.window]).positions:
            lonlat[k, rows[position.tag]] = position.lon, position.lat
    return town.site.to_metres(lonlat.reshape(-1, 2)).reshape(lonlat.shape)


def expected(xy: Floats, poles: Floats) -> Floats:
    """Level (n, h), dBm, at the `poles` (h, 2) of a tag at `xy` (n, 2): the usual law."""
    away = xy[:, None] - poles
    square = (away**2).sum(axis=2) + DROP_M**2
    return np.asarray(RADIO.power_dbm - 5 * RADIO.exponent * np.log10(square))


def kalman(heard: Sequence[Heard]) -> Floats:
    """filterpy's extended Kalman filter on (x, vx, y, vy): points (seconds, 2)."""
    tracker: ExtendedKalmanFilter | None = None
    found = np.full((len(heard), 2), np.nan)
    for k, (poles, levels) in enumerate(heard):
        if tracker is not None:
            tracker.predict()
        elif len(poles):
            tracker = _kalman_at(poles[0])
        if tracker is None:
            continue
        if len(poles):
            noise = np.eye(len(poles)) * NOISE_SD_DB**2
            tracker.update(levels, _slope, _level, R=noise, args=(poles,), hx_args=(poles,))
        found[k] = tracker.x[[0, 2]]
    return found


def _kalman_at(pole: Floats) -> ExtendedKalmanFilter:
    tracker = ExtendedKalmanFilter(dim_x=4, dim_z=1)
    tracker.x = np.array([pole[0], 0.0, pole[1], 0.0])
    tracker.P = np.diag([BEGIN_SD_M**2, BEGIN_SD_M_S**2] * 2)
    tracker.F = block_diag(*[[[1.0, 1.0], [0.0, 1.0]]] * 2)
    tracker.Q = Q_discrete_white_noise(2, dt=1.0, var=ACCELERATION_SD**2, block_size=2)
    return tracker


def _level(state: Floats, poles: Floats) -> Floats:
    return expected(state[None, [0, 2]], poles)[0]


def _slope(state: Floats, poles: Floats) -> Floats:
    """The derivative (h, 4) of `_level`."""
    away = state[[0, 2]] - poles
    square = (away**2).sum(axis=1) + DROP_M**2
    slope = np.zeros((len(poles), 4))
    slope[:, [0, 2]] = -10 * RADIO.exponent / np.log(10) * away / square[:, None]
    return slope


class Levels(NonLinearGaussianMeasurement):
    """For Stone Soup: what poles read of a tag at (x, vx, y, vy)."""

    poles: Floats = Property(doc="Where they stand (h, 2), metres.")

    @property
    def ndim_meas(self) -> int:
        """How many poles."""
        return len(self.poles)

    def function(self, state: State, noise: bool = False, **_: object) -> Base:
        """Expected levels (h, particles)."""
        xy = np.asarray(state.state_vector, dtype=float)[[0, 2]].T
        levels = expected(xy, self.poles).T
        if noise:
            levels = levels + self.rvs(num_samples=levels.shape[1])
        return levels.view(StateVectors)


def particles(heard: Sequence[Heard]) -> Floats:
    """Stone Soup's particle filter: points (seconds, 2)."""
    np.random.seed(0)  # Stone Soup draws from numpy's global state
    acceleration = ConstantVelocity(ACCELERATION_SD**2)
    predictor = ParticlePredictor(CombinedLinearGaussianTransitionModel([acceleration] * 2))
    updater = ParticleUpdater(measurement_model=None, resampler=SystematicResampler())
    begun = datetime(2027, 1, 15, tzinfo=UTC)
    state: ParticleState | None = None
    found = np.full((len(heard), 2), np.nan)
    for k, (poles, levels) in enumerate(heard):
        at = begun + timedelta(seconds=k)
        if state is not None:
            state = predictor.predict(state, timestamp=at)
        elif len(poles):
            state = _particles_at(poles[0], at)
        if state is None:
            continue
        if len(poles):
            noise = np.eye(len(poles)) * NOISE_SD_DB**2
            law = Levels(ndim_state=4, mapping=(0, 2), noise_covar=noise, poles=poles)
            reading = Detection(StateVector(levels), at, measurement_model=law)
            state = updater.update(SingleHypothesis(state, reading))
        found[k] = np.asarray(state.mean, dtype=float)[[0, 2]].ravel()
    return found


def _particles_at(pole: Floats, at: datetime) -> ParticleState:
    spread = np.diag([BEGIN_SD_M**2, BEGIN_SD_M_S**2] * 2)
    drawn = multivariate_normal([pole[0], 0.0, pole[1], 0.0], spread).rvs(PARTICLES)
    weight = np.full(PARTICLES, Probability(1 / PARTICLES))
    return ParticleState(StateVectors(drawn.T), weight=weight, timestamp=at)
