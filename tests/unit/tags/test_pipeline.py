from dataclasses import replace

import numpy as np
import pytest

from gateway.model import Crossing, Presence, Reading, TagIdentifier, Window
from gateway.site import Site
from gateway.tags.identity import Directory
from gateway.tags.levels import Level
from gateway.tags.pipeline import Pipeline, Step
from gateway.tags.propagation import Radio
from tests.unit.tags.places import levels_at, road, site, window

BEACON = TagIdentifier("ibeacon:a", "tag-a", button=False)
BUTTON = TagIdentifier("uid:a", "tag-a", button=True)
OTHER = TagIdentifier("ibeacon:b", "tag-b", button=False)
EVERYBODY = Directory([BEACON, BUTTON, OTHER])


def pace(place: Site, x: float, *, identifier: str = "ibeacon:a") -> dict[str, dict[str, Level]]:
    return {identifier: levels_at(place, (x, 0.0))}


def walked(place: Site, xs: np.ndarray) -> list[Step]:
    pipeline = Pipeline(place, EVERYBODY)
    return [
        pipeline.step(second, [window(place, second, pace(place, float(x)))])
        for second, x in enumerate(xs)
    ]


def place_of(step: Step, of: Site) -> float:
    (position,) = step.positions
    return float(of.to_metres(np.array([[position.lon, position.lat]]))[0, 0])


def test_a_walk_becomes_positions_second_by_second() -> None:
    place = road()
    xs = np.arange(10, 110, 1.3)
    steps = walked(place, xs)
    errors = [abs(place_of(step, place) - x) for step, x in zip(steps, xs, strict=True)]
    assert np.median(errors[10:]) < 4
    last = steps[-1].positions[0]
    assert (last.at, last.tag, last.presence) == (len(xs), "tag-a", Presence.TRACKED)
    assert last.n_heard == len(levels_at(place, (float(xs[-1]), 0.0)))
    assert 0 < last.radius68_m < last.radius95_m


def test_a_walk_into_a_zone_is_an_event_and_a_probability() -> None:
    steps = walked(road(), np.arange(30, 115, 1.3))
    (event,) = [event for step in steps for event in step.events]
    assert (event.tag, event.zone, event.event) == ("tag-a", "end", Crossing.ENTER)
    assert 38 < event.at < 50  # at 80 m after 38 s
    ((zone, probability),) = steps[-1].positions[0].zones
    assert (zone, probability > 0.9) == ("end", True)
    assert steps[0].positions[0].zones == () or steps[0].positions[0].zones[0][1] < 0.5


def test_windows_of_several_gateways_are_one_second() -> None:
    place = road()
    whole = window(place, 0, pace(place, 40.0))
    parts = [
        Window(0, whole.alive[:2], whole.readings[:2]),
        Window(0, whole.alive[2:], whole.readings[2:]),
    ]
    together, apart = (Pipeline(place, EVERYBODY).step(0, w) for w in ([whole], parts))
    assert together.positions == apart.positions
    assert together.positions[0].n_heard > 2


def test_the_identifiers_of_a_tag_are_heard_as_one() -> None:
    pipeline = Pipeline(road(), EVERYBODY)
    readings = (Reading("r1", "ibeacon:a", -70.0, -70, 3), Reading("r1", "uid:a", -80.0, -79, 1))
    joined = Reading("r1", "ibeacon:a", -72.5, -70, 4)
    both = pipeline.step(0, [Window(0, ("r1",), readings)])
    one = Pipeline(road(), EVERYBODY).step(0, [Window(0, ("r1",), (joined,))])
    assert both.positions == one.positions


def test_strange_identifiers_and_strange_receivers_are_left_out() -> None:
    pipeline = Pipeline(road(), EVERYBODY)
    strange = (
        Reading("r1", "ibeacon:?", -60.0, -60, 1),
        Reading("r99", "ibeacon:a", -60.0, -60, 1),
    )
    assert pipeline.step(0, [Window(0, ("r1", "r99"), strange)]).positions == ()


def test_a_new_directory_counts_from_the_next_second() -> None:
    place = road()
    pipeline = Pipeline(place, Directory([]))
    assert pipeline.step(0, [window(place, 0, pace(place, 40.0))]).positions == ()
    pipeline.directory = EVERYBODY
    assert len(pipeline.step(1, [window(place, 1, pace(place, 40.0))]).positions) == 1


def test_tags_do_not_disturb_each_other() -> None:
    place = road()
    alone, together = Pipeline(place, EVERYBODY), Pipeline(place, EVERYBODY)
    for second in range(20):
        mine = pace(place, 20.0 + second)
        theirs = pace(place, 100.0 - second, identifier="ibeacon:b")
        one = alone.step(second, [window(place, second, mine)])
        both = together.step(second, [window(place, second, {**theirs, **mine})])
        assert both.positions[0] == one.positions[0]
        assert [position.tag for position in both.positions] == ["tag-a", "tag-b"]


def test_hundreds_of_tags_are_followed_as_one_would_be() -> None:
    place = road()
    tags = [TagIdentifier(f"ibeacon:{n}", f"tag-{n:03}", button=False) for n in range(300)]
    crowd, one = Pipeline(place, Directory(tags)), Pipeline(place, Directory(tags[123:124]))
    for second in range(8):
        heard = {
            tag.identifier: levels_at(place, (20.0 + n % 80 + second, 0.0))
            for n, tag in enumerate(tags)
        }
        both = [p.step(second, [window(place, second, heard)]) for p in (crowd, one)]
        assert [position.tag for position in both[0].positions] == [tag.tag for tag in tags]
        assert both[0].positions[123] == both[1].positions[0]


def test_a_silent_tag_is_found_out_by_the_clock_and_says_so_once() -> None:
    place = road()
    pipeline = Pipeline(place, EVERYBODY)
    for second in range(30):
        pipeline.step(second, [window(place, second, pace(place, 60.0))])
    ends = {
        second: step
        for second in range(30, 100)
        if (step := pipeline.step(second, [window(place, second, {})])).changes
    }
    assert [step.changes[0].presence for step in ends.values()] == [
        Presence.UNCERTAIN,
        Presence.SILENT,
    ]
    assert list(ends) == [39, 59]
    assert ends[59].positions[0].presence is Presence.SILENT
    assert not ends[59].estimates
    assert pipeline.step(100, [window(place, 100, {})]).positions == ()


def test_when_no_receiver_lives_nobody_knows() -> None:
    place = road()
    pipeline = Pipeline(place, EVERYBODY)
    for second in range(30):
        pipeline.step(second, [window(place, second, pace(place, 60.0))])
    changes = [change for second in range(30, 100) for change in pipeline.step(second, []).changes]
    assert [change.presence for change in changes] == [Presence.UNCERTAIN]


def test_a_tag_that_comes_back_is_told_from_one_that_stayed() -> None:
    place = road()
    pipeline = Pipeline(place, EVERYBODY)
    seconds = [*range(30), *range(500, 510)]
    steps = [pipeline.step(s, [window(place, s, pace(place, 100.0))]) for s in seconds]
    assert [event for step in steps for event in step.events] == []  # it was never seen to leave
    assert len({estimate.since for step in steps for _, estimate in step.estimates}) == 2


def test_seconds_that_were_left_out_are_seconds_in_which_nobody_listened() -> None:
    place = road()
    left_out, empty = Pipeline(place, EVERYBODY), Pipeline(place, EVERYBODY)
    for pipeline in (left_out, empty):
        for second in range(10):
            pipeline.step(second, [window(place, second, pace(place, 60.0))])
    for second in range(10, 17):
        empty.step(second, [])
    after = [p.step(17, [window(place, 17, pace(place, 62.0))]) for p in (left_out, empty)]
    assert after[0].positions == after[1].positions


def test_time_that_runs_backwards_begins_anew() -> None:
    place = road()
    pipeline = Pipeline(place, EVERYBODY)
    for second in range(1000, 1010):
        pipeline.step(second, [window(place, second, pace(place, 60.0))])
    ((_, estimate),) = pipeline.step(900, [window(place, 900, pace(place, 60.0))]).estimates
    assert estimate.since == 900


def test_calibrated_receivers_are_believed() -> None:
    place = site(paths=[[(0, 0), (60, 0)]], receivers={"r0": (0, 3), "r1": (60, 3)})
    heard = {"ibeacon:a": {"r0": Level(-75.0, 2), "r1": Level(-95.0, 2)}}
    deaf = {"r1": Radio(power_dbm=-79.0, power_sd_db=1.0), "r0": Radio(power_sd_db=1.0)}
    found = []
    for radios in (None, deaf):
        pipeline = Pipeline(place, EVERYBODY, radios=radios)
        for second in range(30):
            step = pipeline.step(second, [window(place, second, heard)])
        found.append(place_of(step, place))
    assert found[1] > found[0] + 10


@pytest.mark.parametrize("seconds", [0, 1, 29])
def test_an_idle_site_takes_steps_too(seconds: int) -> None:
    pipeline = Pipeline(road(), EVERYBODY)
    for second in range(seconds + 1):
        step = pipeline.step(second, [])
        assert (step.positions, step.events, step.retracted, step.changes) == ((), (), (), ())
        assert not step.estimates


def stood(pipeline: Pipeline, place: Site, xs: np.ndarray, *, since: int = 0) -> list[Step]:
    return [
        pipeline.step(since + second, [window(place, since + second, pace(place, float(x)))])
        for second, x in enumerate(xs)
    ]


def test_a_retuned_pipeline_keeps_where_tags_are() -> None:
    place = road()
    same, retuned = Pipeline(place, EVERYBODY), Pipeline(place, EVERYBODY)
    for pipeline in (same, retuned):
        stood(pipeline, place, np.arange(10, 60, 1.3))
    deaf = Radio(power_dbm=-80.0)
    retuned.retune(replace(place, receivers=place.receivers[1:]), {"r2": deaf})
    dark = [pipeline.step(39, []) for pipeline in (same, retuned)]
    assert place_of(dark[1], place) == pytest.approx(place_of(dark[0], place), abs=0.1)
    assert [one.estimates[0][1].since for one in dark] == [0, 0]
    assert dark[1].changes == ()


def test_a_retuned_pipeline_repeats_no_zone_event_and_misses_none() -> None:
    place = road()
    pipeline = Pipeline(place, EVERYBODY)
    entered = stood(pipeline, place, np.append(np.arange(30, 115, 1.3), np.full(20, 115.0)))
    second = len(entered)
    pipeline.retune(place, {"r4": Radio(power_dbm=-62.0, power_sd_db=2.0)})
    stayed = stood(pipeline, place, np.full(20, 115.0), since=second)
    left = stood(pipeline, place, np.append(np.arange(115, 20, -1.3), 20.0), since=second + 20)
    told = [
        [(event.zone, event.event) for step in steps for event in step.events]
        for steps in (entered, stayed, left)
    ]
    assert told == [[("end", Crossing.ENTER)], [], [("end", Crossing.LEAVE)]]
    assert not any(step.retracted for step in (*entered, *stayed, *left))


def test_a_retuned_pipeline_hears_as_one_that_was_made_so() -> None:
    place = site(paths=[[(0, 0), (60, 0)]], receivers={"r0": (0, 3), "r1": (60, 3)})
    heard = {"ibeacon:a": {"r0": Level(-75.0, 2), "r1": Level(-95.0, 2)}}
    deaf = {"r1": Radio(power_dbm=-79.0, power_sd_db=1.0), "r0": Radio(power_sd_db=1.0)}
    retuned, made_so = Pipeline(place, EVERYBODY), Pipeline(place, EVERYBODY, radios=deaf)
    retuned.step(0, [])
    retuned.retune(place, deaf)
    for second in range(1, 10):
        steps = [one.step(second, [window(place, second, heard)]) for one in (retuned, made_so)]
        assert steps[0].positions == steps[1].positions


def test_a_receiver_that_was_left_out_is_heard_no_more() -> None:
    place = road()
    pipeline = Pipeline(place, EVERYBODY)
    stood(pipeline, place, np.full(10, 60.0))
    pipeline.retune(replace(place, receivers=place.receivers[1:]), {})
    told = Window(10, ("r0", "r1"), (Reading("r0", "ibeacon:a", -60.0, -60, 2),))
    assert pipeline.step(10, [told]).positions[0].n_heard == 0


@pytest.mark.parametrize(
    "place", [road(), site(paths=[[(0, 0), (60, 0)]], receivers={"r0": (0, 3)})]
)
def test_positions_of_nothing_are_none(place: Site) -> None:
    """Where hindsight has nothing to tell yet, on a site with zones and without."""
    assert Pipeline(place, EVERYBODY).positions([]) == []
