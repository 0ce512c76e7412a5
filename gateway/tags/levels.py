"""How strong this tag is at every receiver: learned while it is tracked, cell by cell.

A tag may be 8 dB weaker than assumed, a receiver 5 dB deafer than its neighbour, a wall in the way
for a minute, a body on one side of the tag. All of that and the place explain the same readings, so
what is believed of the levels hangs on the place: every cell carries its own means, as the readings
have another history there. The covariance is shared, for all cells hear the same readings. This is
the Rao-Blackwellised filter (Doucet et al., UAI 2000) with a grid in the place of particles.

A second's likelihood is then that of the readings *given what was learned before*. Readings that
repeat a known deviation bring no news, so the belief does not grow overconfident as it would if
every second's shadowing were taken for a new draw. `weighing.py` does the sums.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gateway.tags.motion import WIDTH, Singles
from gateway.tags.surroundings import Surroundings
from gateway.tags.weighing import FIRST, FREE, Doubles, Learned

OFFSET_SD_DB = 6.0  # a tag against the usual tag
SHADOW_MEMORY_S = 200.0  # how long a receiver's deviation lasts
LEAN_MEMORY_S = 60.0  # how long a body stands on the same side


class Level(NamedTuple):
    """One second of one tag at one receiver."""

    mean_dbm: float
    packets: int


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of a tag's levels wherever it is: kept while the tag is not tracked.

    `mean` (WIDTH,), dB, and the rest as in Learned.
    """

    mean: Singles
    learned: Learned


def nothing_learned(surroundings: Surroundings) -> Learned:
    """A tag that was never heard."""
    prior = np.zeros(WIDTH)
    prior[:FIRST] = np.square([OFFSET_SD_DB, surroundings.lean_sd_db, surroundings.lean_sd_db])
    kept = np.full(WIDTH, np.exp(-1 / SHADOW_MEMORY_S))
    kept[0] = 1.0
    kept[1:FIRST] = np.exp(-1 / LEAN_MEMORY_S)
    return Learned(
        covariance=np.diag(prior),
        prior=prior,
        kept=kept,
        owners=np.full(WIDTH, FREE, dtype=np.int32),
        last_heard=np.zeros(WIDTH, dtype=np.int64),
        packet_variance=surroundings.packet_sd_db**2,
    )


def knowledge_of(learned: Learned, means: Singles, mass: Singles) -> Knowledge:
    """What is left when the place is forgotten: `means` (places, WIDTH), `mass` sums to 1."""
    mean = mass @ means
    apart = (means - mean).astype(float)
    between: Doubles = (apart * mass[:, None]).T @ apart
    return Knowledge(mean, learned._replace(covariance=learned.covariance + between))


def resumed(knowledge: Knowledge, *, second: int) -> Learned:
    """Begin in `second` with what was known before."""
    known = knowledge.learned
    return known._replace(
        covariance=known.covariance.copy(),
        prior=known.prior.copy(),
        owners=known.owners.copy(),
        last_heard=np.full(WIDTH, second - 1, dtype=np.int64),
    )


def without_receivers(knowledge: Knowledge) -> Knowledge:
    """What is left where the receivers are judged anew: the tag's offset, the body's lean."""
    mean, known = knowledge.mean.copy(), knowledge.learned
    mean[FIRST:] = 0.0
    covariance = np.zeros((WIDTH, WIDTH))
    covariance[:FIRST, :FIRST] = known.covariance[:FIRST, :FIRST]
    prior = known.prior.copy()
    prior[FIRST:] = 0.0
    owners = np.full(WIDTH, FREE, dtype=np.int32)
    return Knowledge(mean, known._replace(covariance=covariance, prior=prior, owners=owners))
