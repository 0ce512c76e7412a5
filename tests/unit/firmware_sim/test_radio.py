"""The radio must show the figures that were measured on real streets."""

from dataclasses import replace

import numpy as np
import pytest
from firmware_sim.radio import DAY_S, Emission, Radio, body_loss_db

from tests.unit.firmware_sim.conftest import SCHOOL_IS_OUT

POLE_OVER_TAG_M = 3.5


def turned(angles):
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def sent_from(xy, *, facing=None, at=SCHOOL_IS_OUT, tags=1, spacing_s=1.0):
    count = len(xy)
    return Emission(
        at + spacing_s * np.arange(count),
        np.arange(count) % tags,
        np.zeros(count, dtype=bool),
        xy,
        np.zeros((count, 2)) if facing is None else facing,
        np.zeros(count, dtype=bool),
    )


@pytest.fixture(scope="module")
def in_sight(site):
    """The town without its houses: what was measured, was measured along a street."""
    return replace(site, lots=())


@pytest.fixture(scope="module")
def radio(in_sight):
    return Radio(in_sight, tag_offsets_db=np.zeros(1), seed=3)


@pytest.fixture(scope="module")
def walks(in_sight, radio):
    """Packets of somebody who walks all over the town, facing everywhere: pairs with a receiver.

    Columns: distance on the ground, receiver, heard, RSSI.
    """
    rng = np.random.default_rng(11)
    vertices = np.vstack([way.points for way in in_sight.paths])
    columns = []
    for part in range(60):
        xy = vertices[rng.integers(len(vertices), size=200)] + rng.normal(0.0, 2.0, (200, 2))
        facing = turned(rng.uniform(0.0, 2 * np.pi, 200))
        heard = radio.hear(sent_from(xy, facing=facing, at=SCHOOL_IS_OUT + 200.0 * part))
        away = np.hypot(*np.moveaxis(xy[:, None] - in_sight.node_xyz[None, :, :2], -1, 0))
        rssi = np.full(away.shape, np.nan)
        rssi[heard.packet, heard.receiver] = heard.rssi_dbm
        receiver = np.broadcast_to(np.arange(away.shape[1]), away.shape)
        columns.append(np.stack([away, receiver, rssi], axis=-1).reshape(-1, 3))
    return np.vstack(columns)


def log_distance_fits(pairs, reach_m):
    """Per receiver: the exponent of a least-squares fit, and the residuals of its packets."""
    distance, receiver, rssi = pairs[~np.isnan(pairs[:, 2]) & (pairs[:, 0] < reach_m)].T
    exponents, residuals = [], []
    for one in np.unique(receiver):
        mine = receiver == one
        if mine.sum() < 80:
            continue
        logs = -10.0 * np.log10(np.hypot(distance[mine], POLE_OVER_TAG_M))
        design = np.stack([np.ones(mine.sum()), logs], axis=1)
        found = np.linalg.lstsq(design, rssi[mine], rcond=None)[0]
        exponents.append(found[1])
        residuals.append(rssi[mine] - design @ found)
    return np.array(exponents), residuals


@pytest.mark.parametrize("reach_m", [60.0, 90.0, 130.0])
def test_packets_are_6_4_to_7_5_db_off_their_receivers_fit(walks, reach_m):
    _, residuals = log_distance_fits(walks, reach_m)

    assert len(residuals) > 80
    assert 6.4 <= np.concatenate(residuals).std() <= 7.5


def test_exponents_are_1_9_to_2_6(in_sight, radio):
    rng = np.random.default_rng(5)
    nodes = np.arange(len(in_sight.nodes))
    exponents = []
    for node in nodes:
        away = rng.uniform(8.0, 130.0, 800)
        xy = in_sight.node_xyz[node, :2] + away[:, None] * turned(rng.uniform(0, 2 * np.pi, 800))
        level = radio.mean_dbm(sent_from(xy), np.arange(800), np.full(800, node))
        logs = np.log10(np.hypot(away, in_sight.node_xyz[node, 2] - 1.0))
        exponents.append(-np.polyfit(logs, level, 1)[0] / 10.0)

    assert 1.9 <= radio.exponents.min() < 2.0 < 2.5 < radio.exponents.max() <= 2.6
    assert np.corrcoef(exponents, radio.exponents)[0, 1] > 0.6
    low, high = np.percentile(exponents, [10, 90])  # 3.4 dB of shadowing blur each fit by 0.2
    assert 1.8 <= low < high <= 2.7
    assert np.mean(exponents) == pytest.approx(2.25, abs=0.1)


def test_exponents_of_what_was_heard_are_low_because_only_loud_packets_are(walks):
    exponents, _ = log_distance_fits(walks, 130.0)

    assert 1.8 <= np.median(exponents) <= 2.2


def test_detection_falls_from_0_80_near_to_0_48_at_130_m(walks):
    heard = ~np.isnan(walks[:, 2])

    def share(low, high):
        return heard[(walks[:, 0] > low) & (walks[:, 0] < high)].mean()

    assert share(0, 20) == pytest.approx(0.80, abs=0.03)
    assert share(120, 140) == pytest.approx(0.48, abs=0.03)
    assert share(0, 20) > share(40, 60) > share(80, 100) > share(120, 140)


def test_a_body_right_in_the_path_takes_22_db_and_8_db_over_all_headings():
    ray = np.tile([1.0, 0.0], (3600, 1))
    round_about = turned(np.linspace(0.0, 2 * np.pi, 3600, endpoint=False))

    loss = body_loss_db(round_about, ray)

    assert loss.max() == pytest.approx(22.0)
    assert np.argmax(loss) == 1800
    assert loss.mean() == pytest.approx(8.0, abs=0.3)
    assert body_loss_db(np.zeros((1, 2)), ray[:1])[0] == 0.0


def test_fading_at_one_place_is_about_5_5_db(in_sight, radio):
    """A tag that turns up at one place again and again, a minute apart, near its receiver."""
    spreads = []
    for node in range(0, 60, 3):
        xy = np.tile(in_sight.node_xyz[node, :2] + [6.0, 4.0], (150, 1))
        heard = radio.hear(sent_from(xy, spacing_s=60.0))
        spreads.append(heard.rssi_dbm[heard.receiver == node].std())

    assert np.mean(spreads) == pytest.approx(5.5, abs=0.6)


def test_one_who_stands_keeps_a_channels_fading_and_one_who_walks_does_not(in_sight):
    def share_alike(step_m):
        radio = Radio(in_sight, tag_offsets_db=np.zeros(1), seed=4)
        here, alike = in_sight.node_xyz[70, :2] + [8.0, 3.0], []
        for number in range(200):
            levels = np.full((2, len(in_sight.nodes)), np.nan)
            for again in (0, 1):
                moment = SCHOOL_IS_OUT + 100.0 * number + 0.02 * again
                place = here + step_m * (2 * number + again) * np.array([1.0, 0.0])
                heard = radio.hear(sent_from(place[None], at=moment))
                levels[again, heard.receiver] = heard.rssi_dbm
            apart = np.abs(levels[0] - levels[1])
            alike += list(apart[~np.isnan(apart)] <= 2.0)
        return np.mean(alike)

    assert share_alike(0.0) > share_alike(0.2) + 0.03  # one pair in three is of one channel


def test_shadowing_persists_at_a_place_and_another_place_has_its_own(in_sight, radio):
    rng = np.random.default_rng(8)
    here = rng.uniform(0.0, 400.0, (4000, 2))
    receiver = rng.integers(len(in_sight.nodes), size=4000)
    step = turned(rng.uniform(0, 2 * np.pi, 4000))

    first = radio.shadow_db(here, receiver)

    def alike(other):
        return np.corrcoef(first, other)[0, 1]

    assert first.std() == pytest.approx(3.4, abs=0.2)
    assert alike(radio.shadow_db(here, receiver)) == pytest.approx(1.0)
    assert alike(radio.shadow_db(here + 2.0 * step, receiver)) > 0.9
    assert abs(alike(radio.shadow_db(here + 40.0 * step, receiver))) < 0.1
    assert abs(alike(radio.shadow_db(here, (receiver + 1) % len(in_sight.nodes)))) < 0.1


def test_what_is_heard_at_a_place_is_heard_there_again_and_not_elsewhere(in_sight):
    rng = np.random.default_rng(9)
    places = in_sight.node_xyz[:40, :2] + rng.uniform(-15, 15, (40, 2))
    radio = Radio(in_sight, tag_offsets_db=np.zeros(1), seed=6)

    def residuals(after_s, shift_m):
        found = np.full((40, len(in_sight.nodes)), np.nan)
        for row, place in enumerate(places + shift_m):
            sent = sent_from(np.tile(place, (60, 1)), at=SCHOOL_IS_OUT + after_s, spacing_s=30.0)
            heard = radio.hear(sent)
            away = np.hypot(*(in_sight.node_xyz[:, :2] - place).T)
            for node in np.nonzero(away < 60.0)[0]:
                mine = heard.rssi_dbm[heard.receiver == node]
                loss = 10.0 * radio.exponents[node] * np.log10(np.hypot(away[node], 3.5))
                if len(mine) > 20:
                    found[row, node] = mine.mean() + loss - radio.gains_db[node]
        return found

    first, again, elsewhere = residuals(0, 0.0), residuals(3600, 0.0), residuals(0, 45.0)

    def alike(one, other):
        both = ~np.isnan(one) & ~np.isnan(other)
        assert both.sum() > 100
        return np.corrcoef(one[both], other[both])[0, 1]

    assert alike(first, again) > 0.85
    assert alike(first, elsewhere) < 0.5  # a day's drift is common to both


def test_receivers_drift_by_half_a_db_to_2_7_db_from_day_to_day(radio):
    days = np.array(
        [radio.drift_db(SCHOOL_IS_OUT // DAY_S * DAY_S + n * DAY_S) for n in range(200)]
    )

    spread = days.std(axis=0)

    assert spread.min() >= 0.4
    assert spread.max() <= 3.1
    assert spread.max() > 2 * spread.min()
    noon = SCHOOL_IS_OUT // DAY_S * DAY_S
    assert np.abs(radio.drift_db(noon + 60.0) - radio.drift_db(noon)).max() < 0.02


def test_houses_take_away_what_a_street_in_sight_lets_through(site, in_sight):
    lot = np.vstack([lot.ring[:4] for lot in site.lots if lot.id.startswith("a1-")]).mean(axis=0)
    near = np.hypot(*(site.node_xyz[:, :2] - lot).T)
    behind = np.nonzero((near > 20) & (near < 120))[0]
    sent = sent_from(np.tile(lot, (1, 1)))
    levels = [
        Radio(town, tag_offsets_db=np.zeros(1), seed=3).mean_dbm(
            sent, np.zeros(len(behind), dtype=int), behind
        )
        for town in (site, in_sight)
    ]

    lost = levels[1] - levels[0]
    assert lost.max() <= 30.0
    assert lost.mean() > 5.0
    assert lost.min() >= 0.0


def test_indoors_one_is_hardly_heard(site):
    radio = Radio(site, tag_offsets_db=np.zeros(1), seed=3)
    home = site.lots[100].ring[:4].mean(axis=0)
    out = sent_from(np.tile(home, (300, 1)), spacing_s=60.0)

    outside = len(radio.hear(out).packet)
    inside = len(radio.hear(replace(out, indoors=np.ones(300, dtype=bool))).packet)

    assert outside > 1000
    assert inside < outside / 10


def test_a_weak_tag_is_weaker_everywhere(in_sight):
    radio = Radio(in_sight, tag_offsets_db=np.array([0.0, -8.0]), seed=3)
    xy = np.repeat(in_sight.node_xyz[:20, :2] + 5.0, 2, axis=0)
    sent = sent_from(xy, tags=2)

    level = radio.mean_dbm(sent, np.arange(40), np.repeat(np.arange(20), 2))

    assert np.allclose(level[0::2] - level[1::2], 8.0, atol=0.01)


def test_nothing_sent_is_nothing_heard(radio):
    heard = radio.hear(sent_from(np.empty((0, 2))))

    assert len(heard.packet) == len(heard.receiver) == len(heard.rssi_dbm) == 0
