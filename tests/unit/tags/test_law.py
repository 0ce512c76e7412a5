from dataclasses import dataclass

import numpy as np
import pytest

from gateway.tags.law import Reception, fit_law
from gateway.tags.propagation import Radio

PRIOR = Radio(power_dbm=-59.0, exponent=2.2)
LOSS = 10 * np.log10(np.linspace(3, 130, 80))
SENT = 40


@dataclass(frozen=True)
class Sample:
    reception: Reception
    level_dbm: np.ndarray


def sample(
    *,
    threshold_dbm: float,
    power_dbm: float = -55.0,
    exponent: float = 2.4,
    detection: float = 0.8,
    shadow_db: float = 2.0,
    seed: int = 0,
) -> Sample:
    """Packets of 5 dB around a law; none below the threshold is got, of the others most."""
    random = np.random.default_rng(seed)
    level = power_dbm - exponent * LOSS + random.normal(0, shadow_db, len(LOSS))
    packets = level[:, None] + random.normal(0, 5, (len(LOSS), SENT))
    got = (packets > threshold_dbm) & (random.random(packets.shape) < detection)
    count = got.sum(axis=1)
    mean = (packets * got).sum(axis=1) / np.maximum(count, 1)
    return Sample(
        Reception(
            packets=count.astype(float),
            sent=np.full(len(LOSS), SENT * detection),
            mean_dbm=mean,
            weakest_dbm=float(packets[got].min()),
            packet_sd_db=5.0,
        ),
        level,
    )


def test_a_law_that_is_well_heard_is_found() -> None:
    law = fit_law(LOSS, sample(threshold_dbm=-200.0).reception, PRIOR)
    assert law.radio.power_dbm == pytest.approx(-55, abs=2.0)
    assert law.radio.exponent == pytest.approx(2.4, abs=0.15)
    assert law.tells.all()


def test_what_was_not_heard_keeps_the_exponent_from_growing_small() -> None:
    """Half of the places lie below the threshold; those that were heard alone give 1.3."""
    found = sample(threshold_dbm=-92.0).reception
    heard = found.packets > 0
    plain = np.polyfit(-LOSS[heard], found.mean_dbm[heard], 1)[0]
    law = fit_law(LOSS, found, PRIOR)
    assert plain < 1.5
    assert law.radio.exponent == pytest.approx(2.4, abs=0.2)


def test_means_of_packets_that_were_cut_are_moved_back() -> None:
    one = sample(threshold_dbm=-92.0)
    heard = one.reception.packets >= 3
    weak = heard & (one.level_dbm < -92)
    level, variance = one.reception.uncut()
    assert weak.sum() > 5
    assert (one.reception.mean_dbm - one.level_dbm)[weak].mean() > 4
    assert abs((level - one.level_dbm)[weak].mean()) < 2
    strong = one.level_dbm > -75
    assert level[strong] == pytest.approx(one.reception.mean_dbm[strong], abs=0.2)
    assert variance[weak].min() > variance[strong].max()


def test_a_survey_without_lost_packets_is_left_as_it_is() -> None:
    """A survey with the same number of packets everywhere does not tell of losses."""
    reception = Reception(
        packets=np.full(80, 60.0),
        sent=np.full(80, 60.0),
        mean_dbm=-60 - LOSS,
        weakest_dbm=float((-60 - LOSS).min() - 1.0),
        packet_sd_db=4.0,
    )
    assert reception.uncut()[0] == pytest.approx(reception.mean_dbm, abs=0.01)


def test_a_place_where_much_should_have_been_heard_and_nothing_was_pulls_the_law_down() -> None:
    found = sample(threshold_dbm=-200.0, shadow_db=0.1).reception
    packets = found.packets.copy()
    packets[40] = 0
    deaf = Reception(packets, found.sent, found.mean_dbm, -95.0, 5.0)
    law = fit_law(LOSS, deaf, PRIOR)
    assert law.tells[40]
    assert law.deviation[40] < -3
    assert np.abs(np.delete(law.deviation, 40)).max() < 4


def test_a_place_far_away_where_nothing_was_heard_says_nothing() -> None:
    found = sample(threshold_dbm=-75.0).reception
    law = fit_law(LOSS, found, PRIOR)
    assert not law.tells[-1]


def test_few_places_far_off_the_law_do_not_turn_it() -> None:
    found = sample(threshold_dbm=-200.0).reception
    mean = found.mean_dbm.copy()
    mean[60:66] += 30
    law = fit_law(LOSS, Reception(found.packets, found.sent, mean, found.weakest_dbm, 5.0), PRIOR)
    assert law.radio.exponent == pytest.approx(2.4, abs=0.2)


def test_without_places_enough_the_prior_stays() -> None:
    one = Reception(np.ones(1), np.ones(1), np.array([-80.0]), -80.0, 5.0)
    law = fit_law(np.array([10.0]), one, PRIOR)
    assert law.radio.exponent == pytest.approx(2.2, abs=0.05)
