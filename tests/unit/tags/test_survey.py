from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gateway.app.survey_file import SURVEY, load_survey
from gateway.site import Receiver, load_site
from gateway.tags.propagation import Radio, expected_dbm
from gateway.tags.survey import MOST_SPOTS, Survey, SurveyRow, fit_survey

POLES = [Receiver(f"r{k}", (25.0 * k, 3.0), 4.0, "", None) for k in range(4)]
RADIOS = [Radio(power_dbm=-58 - 3 * k, exponent=2.1) for k in range(4)]
WAY = np.column_stack([np.arange(0.0, 75.0, 1.0), np.zeros(75)])


def shadow_db(points: np.ndarray, pole: int) -> np.ndarray:
    """What stays at its place: waves of 20 m, another for each pole."""
    return np.asarray(5 * np.sin(2 * np.pi * points[:, 0] / 20 + 1.7 * pole))


def level_dbm(points: np.ndarray, pole: int) -> np.ndarray:
    return expected_dbm([POLES[pole]], [RADIOS[pole]], points)[:, 0] + shadow_db(points, pole)


def walk(
    *,
    spots: Sequence[float] = tuple(np.arange(0, 75, 3.0)),
    packets: int = 12,
    days: int = 2,
    threshold_dbm: float = -200.0,
    drift_db: float = 1.0,
    seed: int = 0,
) -> list[SurveyRow]:
    random = np.random.default_rng(seed)
    rows = []
    for day in range(days):
        drift = random.normal(0, drift_db, len(POLES))
        for x in spots:
            for k, pole in enumerate(POLES):
                mean = level_dbm(np.array([[x, 0.0]]), k)[0] + drift[k]
                dbm = random.normal(mean, 5, packets)
                rows += [
                    SurveyRow((x, 0.0), pole.id, round(one), f"day {day}")
                    for one in dbm[dbm > threshold_dbm]
                ]
    return rows


def errors(survey: Survey, points: np.ndarray = WAY) -> np.ndarray:
    """How far the map is off (poles, points)."""
    found = [survey.levels(pole.id, points) for pole in POLES]
    return np.array(
        [one[0] - level_dbm(points, k) for k, one in enumerate(found) if one is not None]
    )


def test_the_map_knows_what_stays_at_its_place_better_than_the_law() -> None:
    survey = fit_survey(POLES, walk())
    law = expected_dbm(POLES, [survey.radios[pole.id] for pole in POLES], WAY).T
    true = np.array([level_dbm(WAY, k) for k in range(4)])
    assert np.abs(errors(survey)).mean() < 1.7
    assert np.abs(law - true).mean() > 2.7


def test_away_from_the_survey_the_map_is_the_law_and_less_sure() -> None:
    survey = fit_survey(POLES, walk(spots=np.arange(0, 40, 2.0).tolist()))
    points = np.array([[20.0, 0.0], [200.0, 0.0]])
    found = survey.levels("r1", points)
    assert found is not None
    law = expected_dbm([POLES[1]], [survey.radios["r1"]], points)[:, 0]
    assert found[0][1] == pytest.approx(law[1], abs=0.1)
    assert found[1][1] == pytest.approx(survey.kernel.sd_db, rel=0.01)
    assert found[1][0] < 0.75 * found[1][1]


def test_what_changes_from_day_to_day_is_told_and_averaged() -> None:
    survey = fit_survey(POLES, walk(days=6, drift_db=3.0))
    assert 1.5 <= survey.kernel.day_sd_db <= 3.5
    calm = fit_survey(POLES, walk(days=6, drift_db=0.0))
    assert survey.radios["r0"].power_sd_db > calm.radios["r0"].power_sd_db + 0.5
    assert np.abs(errors(survey)).mean() < 2.6


def test_a_place_where_a_receiver_heard_little_is_not_too_strong_on_the_map() -> None:
    """Means of what was got alone would make the weakest places 6 dB too strong."""
    rows = walk(threshold_dbm=-93.0, days=1, drift_db=0.0, packets=40)
    survey = fit_survey(POLES, rows)
    level = np.array([level_dbm(WAY, k) for k in range(4)])
    weak = (level > -99) & (level < -93)
    assert weak.sum() > 40
    assert errors(survey)[weak].mean() < 3.7


def test_the_body_of_a_surveyor_does_not_stay_on_the_map() -> None:
    """She faces another way at every visit, and what is behind her loses up to 14 dB."""
    random = np.random.default_rng(2)
    rows, facing = [], {}
    for row in walk(packets=8, drift_db=0.0):
        to_pole = np.array([25.0 * int(row.receiver[1]), 3.0]) - row.xy
        to_pole /= np.hypot(*to_pole)
        turn = facing.setdefault((row.xy, row.day), random.choice([-1.0, 1.0]))
        body_db = 7 * (1 - turn * to_pole[0])
        rows.append(row._replace(rssi_dbm=row.rssi_dbm - body_db))
    facing_both = errors(fit_survey(POLES, rows))
    spread = facing_both - facing_both.mean(axis=1, keepdims=True)
    assert spread.std() < 2.8  # 3.5 if it stayed


def test_a_receiver_that_was_heard_nowhere_or_at_too_few_spots_has_no_layer() -> None:
    rows = [row for row in walk() if row.receiver != "r2" or row.xy[0] < 8]
    rows = [row for row in rows if row.receiver != "r3"]
    survey = fit_survey(POLES, [row for row in rows if row.receiver != "r2" or row.day == "day 0"])
    assert survey.levels("r3", WAY) is None
    assert "r3" not in survey.radios
    assert survey.levels("r0", WAY) is not None


def test_a_day_on_which_a_receiver_was_dead_does_not_make_it_weak() -> None:
    rows = walk(days=2, drift_db=0.0)
    alive = [row for row in rows if row.receiver != "r1" or row.day == "day 0"]
    points = np.array([[25.0, 0.0], [50.0, 0.0]])
    both, one = (fit_survey(POLES, some).levels("r1", points) for some in (rows, alive))
    assert both is not None
    assert one is not None
    assert one[0] == pytest.approx(both[0], abs=2.5)


def test_rows_of_receivers_that_are_not_there_are_left_out() -> None:
    rows = walk()
    strange = [row._replace(receiver="elsewhere") for row in rows[:50]]
    assert fit_survey(POLES, rows + strange).radios == fit_survey(POLES, rows).radios


def test_no_rows_are_a_map_of_nothing() -> None:
    survey = fit_survey(POLES, [])
    assert survey.radios == {}
    assert survey.levels("r0", WAY) is None


def test_a_survey_of_very_many_places_is_merged_until_it_can_be_worked_with() -> None:
    random = np.random.default_rng(1)
    rows = [
        SurveyRow((x, y), "r0", -70.0 - 0.2 * x, f"day {day}")
        for day in range(3)
        for x, y in random.uniform(0, 75, (1_500, 2)).tolist()
    ]
    survey = fit_survey(POLES, rows)
    assert 100 < len(survey.layers["r0"].spots) <= MOST_SPOTS


def test_the_errors_told_are_those_of_law_and_map() -> None:
    survey = fit_survey(POLES, walk(packets=60, days=1))
    law_db, map_db = survey.errors("r1")
    assert law_db == pytest.approx(3.5, abs=0.7)
    assert map_db < 0.6 * law_db


def test_the_office_s_map_foretells_better_than_the_law(shared: Path) -> None:
    """81 spots, two metres apart, 60 packets each; every spot is foretold from the others."""
    folder = shared / "data" / "recordings" / "danis-dev"
    site = load_site(folder / "site.geojson")
    rows = load_survey(folder / SURVEY, site, progress=lambda _done, _total: None).rows
    survey = fit_survey(site.receivers, rows)
    assert len(survey.layers) == 12
    law, field = np.array([survey.errors(receiver.id) for receiver in site.receivers]).T
    assert np.sqrt((law**2).mean()) < 4.2
    assert np.sqrt((field**2).mean()) < 0.93 * np.sqrt((law**2).mean())
