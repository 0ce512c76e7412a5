from dataclasses import replace

import numpy as np
import pytest

from gateway.model import Reading, Window
from gateway.report.receivers import Reception, fit_receivers
from gateway.site import Receiver, Site
from gateway.tags.propagation import Radio, expected_dbm
from tests.unit.tags.places import road

RADIO = Radio()
SECONDS = 320


def street() -> Site:
    """A pole every 30 m."""
    poles = (Receiver(f"r{k}", (30.0 * k, 4.0), 4.0, "", None) for k in range(5))
    return replace(road(), receivers=tuple(poles))


def heard(
    *, error_db: dict[str, float] | None = None, tags: dict[str, float] | None = None,
    stands: dict[str, str] | None = None, calibrated: dict[str, Radio] | None = None,
) -> Reception:  # fmt: skip
    """Tags walk the street, each some dB strong; receivers err, or stand elsewhere than drawn."""
    site = street()
    random = np.random.default_rng(1)
    drawn = [receiver.id for receiver in site.receivers]
    real = [drawn.index((stands or {}).get(name, name)) for name in drawn]
    windows, places = [], {}
    for second in range(SECONDS):
        readings = []
        for number, (tag, strong_db) in enumerate((tags or {"t": 0.0}).items()):
            place = ((second * 0.75 + 20 * number) % 120, 0.0)
            places[tag, second] = place
            model = expected_dbm(site.receivers, [RADIO] * 5, np.array([place]))[0, real]
            for name, dbm in zip(drawn, model, strict=True):
                level = dbm + strong_db + (error_db or {}).get(name, 0.0) + random.normal(0, 4)
                if level > -95:
                    readings.append(Reading(name, tag, float(level), round(level), 2))
        windows.append(Window(second, tuple(drawn), tuple(readings)))
    radios = [(calibrated or {}).get(name, RADIO) for name in drawn]
    return fit_receivers(windows, places, site, radios)


def test_receivers_that_are_as_the_model_says_raise_no_doubt() -> None:
    found = heard()
    assert [fit.doubts for fit in found.receivers] == [()] * 5
    for fit in found.receivers:
        assert fit.offset_db == pytest.approx(0, abs=1.5)
        assert fit.sd_db == pytest.approx(4, abs=0.8)
        assert fit.near_heard / fit.near > 0.9
        assert fit.packets > 100
        assert 0.3 < fit.heard_share < fit.alive_share == 1


def test_a_weak_tag_is_no_fault_of_the_receivers() -> None:
    found = heard(tags={"a": -9.0, "b": 0.0})
    offsets = found.tag_offset_db
    assert offsets["b"] - offsets["a"] == pytest.approx(9, abs=1)
    assert [fit.doubts for fit in found.receivers] == [()] * 5


def test_a_receiver_with_a_bad_antenna_is_named() -> None:
    fits = heard(error_db={"r2": -11.0}).receivers
    (doubt,) = fits[2].doubts
    assert "dB weaker" in doubt
    assert fits[2].offset_db == pytest.approx(-11, abs=2)
    assert not any(fit.doubts for fit in fits if fit.receiver.id != "r2")


def test_a_bad_antenna_is_named_also_where_the_tracker_has_learned_to_live_with_it() -> None:
    known = {"r2": replace(RADIO, power_dbm=RADIO.power_dbm - 11.0)}
    fits = heard(error_db={"r2": -11.0}, calibrated=known).receivers
    assert fits[2].offset_db == pytest.approx(0, abs=2)
    assert fits[2].unlike_db == pytest.approx(-11, abs=2)
    (doubt,) = fits[2].doubts
    assert "weaker than the usual receiver" in doubt
    assert not any(fit.doubts for fit in fits if fit.receiver.id != "r2")


def test_a_site_that_is_louder_as_a_whole_has_no_bad_antenna() -> None:
    louder = dict.fromkeys([f"r{k}" for k in range(5)], replace(RADIO, power_dbm=-45.0))
    error_db = dict.fromkeys(louder, -45.0 - RADIO.power_dbm)
    assert [fit.doubts for fit in heard(error_db=error_db, calibrated=louder).receivers] == [()] * 5


def test_a_dead_receiver_is_named_where_tags_passed_it() -> None:
    fits = heard(error_db={"r3": -200.0}).receivers
    (doubt,) = fits[3].doubts
    assert doubt.startswith("heard a tag in 0 of the ")
    assert np.isnan(fits[3].offset_db)
    assert fits[3].packets == 0


def test_two_swapped_receivers_are_named() -> None:
    fits = heard(stands={"r1": "r4", "r4": "r1"}).receivers
    swapped = {fit.receiver.id: fit.doubts for fit in fits if fit.doubts}
    assert list(swapped) == ["r1", "r4"]
    assert swapped["r1"] == ("sounds as if it stood where r4 does: were the two swapped?",)
    assert "where r1 does" in swapped["r4"][0]


def test_nobody_is_doubted_where_no_tag_was() -> None:
    found = fit_receivers([Window(0, ("r0",), ())], {}, street(), [RADIO] * 5)
    assert all(not fit.doubts and np.isnan(fit.offset_db) for fit in found.receivers)
    assert found.tag_offset_db == {}
