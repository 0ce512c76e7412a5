import pytest
from msgspec.structs import replace

from gateway.model import Position, Presence
from gateway.tags.news import News

START = Position(
    at=1_000.0,
    tag="tag",
    lon=140.9,
    lat=37.0,
    radius68_m=4.0,
    radius95_m=8.0,
    n_heard=3,
    presence=Presence.TRACKED,
    zones=(("school", 0.5),),
)
METRE_NORTH = 1 / 111_195


def said(*positions: Position) -> list[bool]:
    news = News()
    return [news.worth_saying(position) for position in positions]


def test_the_first_position_of_each_tag_is_news() -> None:
    assert said(START, replace(START, tag="other"), START) == [True, True, False]


def test_a_tag_that_stands_still_says_so_once_a_minute() -> None:
    minutes = said(*(replace(START, at=START.at + second) for second in range(181)))
    assert [second for second, worth in enumerate(minutes) if worth] == [0, 60, 120, 180]


def test_a_slow_walk_is_told_every_two_metres_or_so() -> None:
    walk = [
        replace(START, at=START.at + k, lat=START.lat + k * 0.45 * METRE_NORTH) for k in range(11)
    ]
    assert [k for k, worth in enumerate(said(*walk)) if worth] == [0, 5, 10]


@pytest.mark.parametrize(
    "later",
    [
        replace(START, at=START.at + 1, presence=Presence.UNCERTAIN),
        replace(START, at=START.at + 1, radius68_m=6.5),
        replace(START, at=START.at + 1, radius68_m=2.5),
        replace(START, at=START.at + 1, zones=(("school", 0.8),)),
        replace(START, at=START.at + 1, zones=()),
        replace(START, at=START.at + 1, lon=START.lon + 3 * METRE_NORTH / 0.8),
        replace(START, at=START.at - 1),
    ],
)
def test_what_matters_is_news_at_once(later: Position) -> None:
    assert said(START, later) == [True, True]


def test_what_does_not_matter_is_none() -> None:
    assert said(START, replace(START, at=START.at + 1, n_heard=9, radius95_m=9.0)) == [True, False]
