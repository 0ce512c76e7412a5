"""What it says of a tag's place that a live receiver did not hear it."""

import numpy as np
from numpy.typing import NDArray

from gateway.tags.arriving import DETECTABLE, MISS_TEMPER, step_of
from gateway.tags.compiled import inlined
from gateway.tags.listening import FREE, Heard, Learned, Listening, level_dbm, slot_of
from gateway.tags.motion import Counts, Singles, at

LISTENERS = 8  # with those who heard it
DEAF_DB = -1000.0
ENOUGH_HEARD = 6  # beyond that, misses say nothing that readings do not say better


@inlined
def weigh_misses(
    listening: Listening,
    heard: Heard,
    alive: NDArray[np.bool_],
    sent: float,
    learned: Learned,
    mass: Singles,
    means: Singles,
    believed: Counts,
    scores: Singles,
) -> float:
    """Add to `scores` (places,) the log likelihood of the live receivers that heard nothing.

    Returns how many hearings were to be expected, where nobody heard anything.
    """
    hearers = len(heard.receivers)
    if hearers >= ENOUGH_HEARD:
        return 0.0
    columns, slots = listeners(listening, heard, alive, learned, mass, believed)
    missed = np.ones(len(believed), dtype=np.float32)
    for k in range(len(columns)):
        column, slot, own = at(columns[k]), at(max(slots[k], 0)), np.float32(slots[k] != FREE)
        threshold, chance = listening.threshold_dbm[column], listening.detection[column]
        for index in range(len(believed)):
            cell = at(believed[index])
            level = level_dbm(listening.expected[cell, column]) + means[cell, 0]
            step = step_of(level + own * means[cell, slot] - threshold)
            missed[index] *= np.float32(1.0) - chance * DETECTABLE[step]
    expected = 0.0
    for index in range(len(believed)):
        cell, all_missed = at(believed[index]), missed[index]
        if hearers == 0:
            all_missed = 1 - np.float32(sent) * (1 - all_missed)
            expected += mass[cell] * (1 - all_missed)
        scores[cell] += np.float32(MISS_TEMPER) * np.log(max(all_missed, np.float32(1e-12)))
    return expected


@inlined
def listeners(
    listening: Listening,
    heard: Heard,
    alive: NDArray[np.bool_],
    learned: Learned,
    mass: Singles,
    believed: Counts,
) -> tuple[Counts, Counts]:
    """The live receivers (at most LISTENERS) most likely to have heard it that did not; columns.

    And their columns (m,) in the means, FREE for those of whom nothing is known.
    """
    likeliest, most = at(believed[0]), np.float32(0.0)
    for cell in believed:
        if mass[cell] > most:
            likeliest, most = at(cell), mass[cell]
    margin = np.empty(len(listening.receivers), dtype=np.float32)
    for column in range(len(margin)):
        level = level_dbm(listening.expected[likeliest, column])
        margin[column] = level - listening.threshold_dbm[column]
    for column in range(len(margin)):
        if not alive[listening.receivers[column]]:
            margin[column] = DEAF_DB
    for receiver in heard.receivers:
        margin[listening.columns[receiver]] = DEAF_DB
    columns = np.empty(LISTENERS, dtype=np.int32)
    slots = np.empty(LISTENERS, dtype=np.int32)
    count = 0
    for k in range(min(LISTENERS - len(heard.receivers), len(margin))):
        best, column = np.max(margin), 0
        if best == DEAF_DB:
            break
        while margin[column] != best:
            column += 1
        margin[column] = DEAF_DB
        columns[k], slots[k] = column, slot_of(listening.receivers[column], learned)
        count += 1
    return columns[:count], slots[:count]
