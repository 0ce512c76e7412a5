import numpy as np

from gateway.model import Position, Presence
from gateway.report.drawing import svg_of
from gateway.report.scoring import Truth
from gateway.report.ways import MOST_PANELS, plot_ways, ways_of
from tests.unit.tags.places import road

SITE = road()


def positions(tag: str, *, since: float, seconds: int) -> list[Position]:
    """A walk along the road, a position a second."""
    lonlat = SITE.to_lonlat(np.stack([np.arange(seconds) % 120, np.zeros(seconds)], axis=1))
    return [
        Position(since + k, tag, lon, lat, 3.0, 8.0, 3, Presence.TRACKED, ())
        for k, (lon, lat) in enumerate(lonlat.tolist())
    ]


def test_a_pause_of_more_than_a_minute_parts_two_ways() -> None:
    walked = [
        *positions("a", since=0, seconds=30),
        *positions("a", since=85, seconds=20),
        *positions("a", since=200, seconds=40),
        *positions("b", since=10, seconds=5),
    ]
    ways = ways_of(walked, SITE)
    assert [(way.tag, len(way.positions)) for way in ways] == [("a", 50), ("a", 40), ("b", 5)]
    assert ways[1].title == "a, 1970-01-01 00:03:20–00:03:59 UTC"
    assert np.allclose(ways[2].places[:, 0], np.arange(5), atol=1e-3)


def test_a_hole_is_not_bridged() -> None:
    whole = ways_of(positions("a", since=0, seconds=40), SITE)
    torn = ways_of(
        [one for one in positions("a", since=0, seconds=40) if not 10 < one.at < 20], SITE
    )
    lines = []
    for ways in (whole, torn):
        (axes, _) = plot_ways(ways, SITE, {}).axes
        lines.append(len(axes.collections[-1].get_paths()))
    assert lines == [39, 29]


def test_a_picture_has_room_for_twelve_and_says_how_many_there_are() -> None:
    many = [one for k in range(14) for one in positions(f"t{k}", since=9.0 * k, seconds=5 + k)]
    figure = plot_ways(ways_of(many, SITE), SITE, {})
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert sum(title.startswith("t") for title in titles) == MOST_PANELS
    assert not any(title.startswith(("t0,", "t1,")) for title in titles)
    assert "the 12 longest of 14 ways" in svg_of(figure).decode()


def test_only_the_truth_of_the_way_s_own_time_is_drawn() -> None:
    at = np.arange(0.0, 1_000.0)
    truth = Truth(at, np.stack([at, 0 * at], axis=1))
    (axes, _) = plot_ways(
        ways_of(positions("a", since=0, seconds=50), SITE), SITE, {"a": truth}
    ).axes
    (dotted,) = (line for line in axes.lines if line.get_label() == "truth")
    assert np.size(dotted.get_xdata()) == 51


def test_a_site_without_ways_is_still_drawn() -> None:
    assert b"<svg" in svg_of(plot_ways([], SITE, {}))
