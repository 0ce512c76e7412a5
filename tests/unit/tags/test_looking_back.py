import numpy as np
import pytest

from gateway.tags.looking_back import held_states, step_back
from gateway.tags.tile import Ground
from tests.unit.tags.places import loop, matrix_of, places_of, road

MOVES = Ground(loop(side_m=30.0)).tile_by(0).moves


@pytest.mark.parametrize("seed", range(4))
def test_a_message_steps_back_by_the_transpose(seed: int) -> None:
    """It is zero but in the states of the places that hold something."""
    random = np.random.default_rng(seed)
    for moves in (MOVES, Ground(road(length_m=50, poles=2)).tile_by(0).moves):
        places = np.flatnonzero(random.random(len(moves.first)) < 0.4).astype(np.int16)
        states, owners = held_states(moves, places)
        assert places[owners].tolist() == places_of(moves)[states].tolist()
        assert set(states.tolist()) == set(np.flatnonzero(np.isin(places_of(moves), places)))
        message = np.zeros(len(moves.stays), dtype=np.float32)
        message[states] = random.random(len(states))
        wanted = matrix_of(moves) @ message
        assert step_back(moves, places, message) == pytest.approx(wanted, rel=1e-4, abs=1e-6)
