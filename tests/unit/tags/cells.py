"""A few cells in one place, and what receivers hear of a tag there, by hand."""

import numpy as np

from gateway.tags.motion import WIDTH, Singles
from gateway.tags.weighing import Heard, Listening, encoded

SD_DB = 4.5
THRESHOLD_DBM, DETECTION = -97.0, 0.8
EAST, NORTH = 0, 1
FAR_M = 1000.0


def listening(expected: list[list[float]]) -> Listening:
    """Cells in one place; receiver 0 is far to its east, 1 to its north, others above it."""
    levels = np.array(expected, dtype=np.float32)
    cells, receivers = levels.shape
    antennas = np.zeros((receivers, 3), dtype=np.float32)
    antennas[:, 2] = FAR_M
    antennas[:2] = np.array([[FAR_M, 0, 1], [0, FAR_M, 1]])[:receivers]
    return Listening(
        cells=np.zeros((cells, 2), dtype=np.float32),
        receivers=np.arange(receivers, dtype=np.int32),
        columns=np.arange(receivers, dtype=np.int16),
        expected=encoded(levels),
        antennas=antennas,
        threshold_dbm=np.full(receivers, THRESHOLD_DBM, dtype=np.float32),
        detection=np.full(receivers, DETECTION, dtype=np.float32),
        variance=np.full(receivers, SD_DB**2, dtype=np.float32),
    )


def heard(dbm: dict[int, float], *, packets: int = 2) -> Heard:
    """Levels by receiver, in the order given, each the mean of some packets."""
    return Heard(
        receivers=np.array(list(dbm), dtype=np.int32),
        dbm=np.array(list(dbm.values()), dtype=np.float32),
        packets=np.full(len(dbm), packets, dtype=np.float32),
    )


def new_means(*, cells: int = 1) -> Singles:
    """Nothing is known of the levels at some cells, nor out of coverage."""
    return np.zeros((cells + 1, WIDTH), dtype=np.float32)


def even(cells: int) -> Singles:
    """A belief (places,) without any preference; a hundredth of it is out of coverage."""
    return np.array([*[0.99 / cells] * cells, 0.01], dtype=np.float32)
