"""What receivers hear of the usual tag, what was heard of one, and what is known of its levels."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags.compiled import inlined
from gateway.tags.gaussian import Doubles
from gateway.tags.motion import WIDTH, Counts, Shorts, Singles

FIRST = 3  # columns before those of receivers: offset, lean to the east, to the north
FREE = -1

CODES_PER_DB = 2  # levels take one byte each
ZERO_CODE_DBM = -64.0

Codes = NDArray[np.int8]


class Listening(NamedTuple):
    """What the receivers of a piece of the map hear of the usual tag.

    `cells` (n, 2) metres; `receivers` (r,) by their numbers on the site, `columns` (all,) where
    each of those is here, -1 if it is not; `expected` (n, r) dBm, `encoded`; `antennas` (r, 3)
    east, north, height; `threshold_dbm` (r,) and `detection` (r,) as in propagation.Radio;
    `variance` (r,) of their deviation, dB².
    """

    cells: Singles
    receivers: Counts
    columns: Shorts
    expected: Codes
    antennas: Singles
    threshold_dbm: Singles
    detection: Singles
    variance: Singles


def encoded(levels_dbm: NDArray[np.floating[Any]]) -> Codes:
    """Levels as whole numbers of a byte: half a decibel is less than anybody knows of them."""
    codes = np.rint((levels_dbm - ZERO_CODE_DBM) * CODES_PER_DB)
    return np.asarray(np.clip(codes, -128, 127), dtype=np.int8)


def decoded(codes: Codes) -> Singles:
    """The levels, dBm, of `encoded` ones."""
    return codes.astype(np.float32) / np.float32(CODES_PER_DB) + np.float32(ZERO_CODE_DBM)


@inlined
def level_dbm(code: np.int8) -> np.float32:
    """The level of one code."""
    return np.float32(code) * np.float32(1 / CODES_PER_DB) + np.float32(ZERO_CODE_DBM)


class Heard(NamedTuple):
    """One second of one tag: `receivers` (h,) by their numbers, levels `dbm` (h,), `packets` (h,).

    The strongest come first, and all of them are on the piece of the map.
    """

    receivers: Counts
    dbm: Singles
    packets: Singles


class Learned(NamedTuple):
    """What is known of a tag's levels: `covariance` (WIDTH, WIDTH) dB², and whose a column is.

    `owners` (WIDTH,) are receivers' numbers, FREE where a column is nobody's; `last_heard` (WIDTH,)
    seconds. `prior` (WIDTH,) are the variances that deviations return to, `kept` (WIDTH,) how much
    of one is left after a second. All are changed in their place. What a single packet deviates by
    has `packet_variance`.
    """

    covariance: Doubles
    prior: Doubles
    kept: Doubles
    owners: Counts
    last_heard: NDArray[np.int64]
    packet_variance: float


@inlined
def slot_of(receiver: int, learned: Learned) -> int:
    """The column of a receiver, FREE if it has none."""
    found = FREE
    for slot in range(FIRST, WIDTH):
        found = slot if learned.owners[slot] == receiver else found
    return found
