import numpy as np
import pytest

from gateway.site import Site, SiteError
from gateway.tags.propagation import Radio, expected_dbm
from gateway.tags.surroundings import STREET
from gateway.tags.survey import Survey, SurveyRow, fit_survey
from gateway.tags.tile import TILE_CELLS, Ground, Tile
from gateway.tags.weighing import CODES_PER_DB, decoded
from tests.unit.tags.places import road, site

HALF_CODE_DB = 0.5 / CODES_PER_DB + 1e-4


def town(*, blocks: int = 14, side_m: float = 50.0) -> Ground:
    """More than 20 km of ways and 225 poles."""
    ticks = [k * side_m for k in range(blocks + 1)]
    streets = [[(x, y) for x in ticks] for y in ticks] + [[(x, y) for y in ticks] for x in ticks]
    poles = {f"r{x:.0f}-{y:.0f}": (x + 2, y + 2) for x in ticks for y in ticks}
    return Ground(site(paths=streets, receivers=poles))


def two_tiles(ground: Ground) -> tuple[Tile, Tile]:
    """Of neighbours in the middle of the town."""
    one, other = (ground.tile_by(ground.numbers[r]) for r in ("r350-350", "r400-350"))
    return one, other


def test_a_small_site_is_one_tile() -> None:
    ground = Ground(road())
    assert ground.tile_by(0) is ground.tile_by(4)
    assert not ground.tile_by(0).rim.any()


def test_a_tile_of_a_town_is_bounded_and_lies_around_its_receiver() -> None:
    ground = town()
    tile = ground.tile_by(ground.numbers["r350-350"])
    assert len(tile.cells) == TILE_CELLS
    assert np.hypot(*(tile.cells - [350, 350]).T).max() < 130
    assert tile.rim.any()
    assert len(tile.listening.receivers) < 80


def test_neighbouring_tiles_agree_on_the_states_that_they_share() -> None:
    ground = town()
    one, other = two_tiles(ground)
    assert one is not other
    random = np.random.default_rng(3)
    states = random.random(len(other.keys)).astype(np.float32)
    taken = one.take(other, states, absent=-1.0)
    there = {int(key): value for key, value in zip(other.keys, states, strict=True)}
    wanted = [there.get(int(key), -1.0) for key in one.keys]
    assert taken == pytest.approx(np.array(wanted))
    assert 0 < (taken < 0).sum() < len(taken) / 2


def test_zones_are_marked_cell_by_cell() -> None:
    tile = Ground(road(length_m=120)).tile_by(0)
    assert tile.zones.shape == (1, len(tile.cells))
    assert (tile.zones[0] == (tile.cells[:, 0] > 80)).all()


def test_cells_keep_their_path_from_tile_to_tile() -> None:
    one, other = two_tiles(town())
    paths = dict(zip(one.keys[:TILE_CELLS].tolist(), one.path.tolist(), strict=True))
    shared = [
        (paths[key], path)
        for key, path in zip(other.keys[:TILE_CELLS].tolist(), other.path.tolist(), strict=True)
        if key in paths
    ]
    assert len(shared) > 10
    assert all(here == there >= 0 for here, there in shared)


def test_a_tile_listens_to_the_receivers_within_earshot_by_their_numbers() -> None:
    ground = town()
    tile = ground.tile_by(ground.numbers["r350-350"])
    listening = tile.listening
    assert listening.expected.shape == (TILE_CELLS, len(listening.receivers))
    here = np.arange(len(listening.receivers))
    assert (listening.columns[listening.receivers] == here).all()
    assert (listening.columns < 0).sum() == len(ground.numbers) - len(here)
    beside = listening.receivers[tile.amid].tolist()
    assert 0 < len(beside) < len(listening.receivers)
    assert ground.numbers["r350-350"] in beside


def test_what_is_heard_on_a_tile_is_what_its_radios_say() -> None:
    place = road(length_m=60, poles=3)
    calibrated = Radio(power_dbm=-50.0, power_sd_db=2.0, threshold_dbm=-90.0, detection=0.5)
    listening = Ground(place, radios={"r1": calibrated}).tile_by(0).listening
    usual = STREET.radio
    radios = [usual, calibrated, usual]
    wanted = expected_dbm(place.receivers, radios, listening.cells.astype(float))
    assert decoded(listening.expected) == pytest.approx(wanted, abs=HALF_CODE_DB)
    assert listening.threshold_dbm == pytest.approx([one.threshold_dbm for one in radios])
    assert listening.detection == pytest.approx([one.detection for one in radios])
    assert listening.variance == pytest.approx([one.power_sd_db**2 for one in radios])
    assert listening.antennas.tolist() == [[0, 3, 4], [30, 3, 4], [60, 3, 4]]


def surveyed(place: Site) -> Survey:
    """Of its first two poles: what stays at its place are waves of 20 m, each pole's its own."""
    rows = [
        SurveyRow((x, 0.0), f"r{pole}", -60.0 - 0.5 * abs(x - 20 * pole) + wave, f"day {day}")
        for x in np.arange(0.0, 60.0, 2.0).tolist()
        for pole, wave in enumerate((6 * np.sin(x / 3), 6 * np.cos(x / 3)))
        for day in range(2)
        for _ in range(10)
    ]
    return fit_survey(place.receivers, rows)


def test_a_survey_says_more_of_the_receivers_that_it_knows() -> None:
    place = road(length_m=60, poles=4)
    survey, loud = surveyed(place), Radio(power_dbm=-40.0, power_sd_db=2.0)
    ground = Ground(place, radios=dict.fromkeys(("r0", "r2"), loud), survey=survey)
    assert ground.tile_by(0).surveyed == (2 * len(survey.radios) > len(place.receivers))
    assert not Ground(place).tile_by(0).surveyed
    radios = [survey.radios["r0"], survey.radios["r1"], loud, STREET.radio]
    assert [ground.radio(receiver.id) for receiver in place.receivers] == radios
    listening = ground.tile_by(0).listening
    cells = listening.cells.astype(float)
    wanted = expected_dbm(place.receivers, radios, cells)
    variance = np.square([one.power_sd_db for one in radios])
    for column in (0, 1):
        found = survey.levels(f"r{column}", cells)
        assert found is not None
        level_dbm, sd_db = found
        assert np.abs(level_dbm - wanted[:, column]).max() > 2  # the map is more than its law
        wanted[:, column] = level_dbm
        variance[column] += (sd_db**2).mean()
    assert decoded(listening.expected) == pytest.approx(wanted, abs=HALF_CODE_DB)
    assert listening.variance == pytest.approx(variance, rel=1e-5)


def test_a_site_without_receivers_is_refused_with_what_to_do() -> None:
    with pytest.raises(SiteError, match="Add a feature of kind receiver"):
        Ground(site(paths=[[(0, 0), (10, 0)]]))
