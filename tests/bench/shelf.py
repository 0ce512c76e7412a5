"""What one would take from the shelf to locate a tag, none of it with a map of the streets.

A weighted centroid; an extended Kalman filter of filterpy and a particle filter of Stone Soup, both
with constant velocity. They assume the log-distance law that the tracker assumes of receivers it
does not know. Their noises are those of a scan over the very input that they are measured on, the
best of each. What a tag is weaker than another is left to them as noise: as one more state, tried
with 2 to 6 dB, it made both worse.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

import numpy as np
from filterpy.common import Q_discrete_white_noise
from filterpy.kalman import ExtendedKalmanFilter
from numpy.typing import NDArray
from scipy.linalg import block_diag
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
from stonesoup.types.state import ParticleState, State
from stonesoup.updater.particle import ParticleUpdater

from gateway.tags.propagation import Radio

PARTICLES = 1000

TO_THE_END_S = 0.5  # of a second, from its middle
BEGIN_SD_M, BEGIN_SD_M_S = 15.0, 1.0
DROP_M = 3.0  # from an antenna to the height of a tag
DECADE_DB = 10.0
RADIO = Radio()

Floats = NDArray[np.float64]


class Tuning(NamedTuple):
    """What levels deviate by, fading and shadows together, and how tags change their velocity."""

    noise_sd_db: float
    acceleration_sd: float


KALMAN = Tuning(14.0, 0.35)
PARTICLE = Tuning(14.0, 0.2)


class Heard(NamedTuple):
    """One second of one tag: where the poles stand (h, 2), levels (h,) dBm, the strongest first."""

    poles: Floats
    dbm: Floats


class Filter(Protocol):
    """Locates one tag."""

    @property
    def xy(self) -> Floats:
        """Where it is at the end of the second (2,), metres; not a number where nobody knows."""
        ...

    def update(self, heard: Heard) -> None:
        """Take the next second."""
        ...


def expected(xy: Floats, poles: Floats) -> Floats:
    """Level (n, h), dBm, at the `poles` (h, 2) of the usual tag at `xy` (n, 2): the usual law."""
    away = xy[:, None] - poles
    square = (away**2).sum(axis=2) + DROP_M**2
    return np.asarray(RADIO.power_dbm - 5 * RADIO.exponent * np.log10(square))


class Centroid:
    """The middle of the poles that hear, those that hear well weighing more."""

    def __init__(self) -> None:
        self.xy: Floats = np.full(2, np.nan)

    def update(self, heard: Heard) -> None:
        """Take a second; where nobody heard, stay."""
        if len(heard.dbm):
            weights = 10 ** ((heard.dbm - heard.dbm[0]) / DECADE_DB)
            self.xy = weights @ heard.poles / weights.sum()


class Kalman:
    """filterpy's extended Kalman filter on (x, vx, y, vy)."""

    def __init__(self, tuning: Tuning = KALMAN) -> None:
        self._tuning = tuning
        self._filter: ExtendedKalmanFilter | None = None

    def update(self, heard: Heard) -> None:
        """Take a second; the first in which somebody heard begins at the pole that heard best."""
        if self._filter is not None:
            self._filter.predict()
        elif len(heard.dbm):
            self._filter = self._at(heard.poles[0])
        if self._filter is not None and len(heard.dbm):
            noise = np.eye(len(heard.dbm)) * self._tuning.noise_sd_db**2
            poles = (heard.poles,)
            self._filter.update(heard.dbm, _slope, _level, R=noise, args=poles, hx_args=poles)

    @property
    def xy(self) -> Floats:
        """Where the tag is at the end of the second."""
        if self._filter is None:
            return np.full(2, np.nan)
        state = self._filter.x
        return np.asarray(state[[0, 2]] + TO_THE_END_S * state[[1, 3]])

    def _at(self, pole: Floats) -> ExtendedKalmanFilter:
        tracker = ExtendedKalmanFilter(dim_x=4, dim_z=1)
        tracker.x = np.array([pole[0], 0.0, pole[1], 0.0])
        tracker.P = _first_spread()
        tracker.F = block_diag(*[[[1.0, 1.0], [0.0, 1.0]]] * 2)
        variance = self._tuning.acceleration_sd**2
        tracker.Q = Q_discrete_white_noise(2, dt=1.0, var=variance, block_size=2)
        return tracker


def _first_spread() -> Floats:
    return np.diag([BEGIN_SD_M**2, BEGIN_SD_M_S**2] * 2)


def _level(state: Floats, poles: Floats) -> Floats:
    return np.asarray(expected(state[None, [0, 2]], poles)[0])


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


class Particles:
    """Stone Soup's particle filter on (x, vx, y, vy)."""

    def __init__(self, tuning: Tuning = PARTICLE) -> None:
        self._tuning = tuning
        velocity = ConstantVelocity(tuning.acceleration_sd**2)
        moves = CombinedLinearGaussianTransitionModel([velocity] * 2)
        self._predictor = ParticlePredictor(moves)
        self._updater = ParticleUpdater(measurement_model=None, resampler=SystematicResampler())
        self._at = datetime(2027, 1, 15, tzinfo=UTC)
        self._state: ParticleState | None = None

    def update(self, heard: Heard) -> None:
        """Take a second; the first in which somebody heard begins at the pole that heard best."""
        self._at += timedelta(seconds=1)
        if self._state is not None:
            self._state = self._predictor.predict(self._state, timestamp=self._at)
        elif len(heard.dbm):
            self._state = _particles_at(heard.poles[0], self._at)
        if self._state is not None and len(heard.dbm):
            noise = np.eye(len(heard.dbm)) * self._tuning.noise_sd_db**2
            law = Levels(ndim_state=4, mapping=(0, 2), noise_covar=noise, poles=heard.poles)
            reading = Detection(StateVector(heard.dbm), self._at, measurement_model=law)
            found = self._updater.update(SingleHypothesis(self._state, reading))
            self._state = _without_history(found)

    @property
    def xy(self) -> Floats:
        """Where the tag is at the end of the second."""
        if self._state is None:
            return np.full(2, np.nan)
        state = np.asarray(self._state.mean, dtype=float).ravel()
        return np.asarray(state[[0, 2]] + TO_THE_END_S * state[[1, 3]])


def _particles_at(pole: Floats, at: datetime) -> ParticleState:
    """PARTICLES around a pole. From numpy's global state, as Stone Soup draws everything."""
    middle = [pole[0], 0.0, pole[1], 0.0]
    drawn = np.random.multivariate_normal(middle, _first_spread(), PARTICLES)
    even = np.full(PARTICLES, -np.log(PARTICLES))
    return ParticleState(StateVectors(drawn.T), log_weight=even, timestamp=at)


def _without_history(state: ParticleState) -> ParticleState:
    """The same particles: what Stone Soup hands out holds all that came before it."""
    return ParticleState(state.state_vector, log_weight=state.log_weight, timestamp=state.timestamp)
