"""Outings: the times of a tag in the town, from its being heard to a pause that is long.

They are a matter of times alone: what is heard extends the outing that it continues, opens another
or joins two, in whatever order it comes. So nothing is to be resumed after a restart, late data
finds its place, and an outing is closed as soon as the pause has passed.
"""

from collections.abc import Iterable

from gateway.model import Outing

PAUSE_S = 600.0
LONGEST_S = 12 * 3_600.0  # a tag that is heard day and night has outings all the same


def joined(
    outings: Iterable[Outing], *, pause_s: float = PAUSE_S, longest_s: float = LONGEST_S
) -> list[Outing]:
    """`outings` of one tag, in any order, of which one continues the other, by time.

    They are joined where at most `pause_s` lies between them and the whole is at most `longest_s`;
    a longer one stays cut where it was, and times that are in both are left to the earlier.
    """
    found: list[Outing] = []
    for outing in sorted(outings):
        last = found[-1] if found else None
        if last is None or outing.opened_at - last.heard_until > pause_s:
            found.append(outing)
            continue
        until = max(last.heard_until, outing.heard_until)
        if until - last.opened_at <= longest_s:
            found[-1] = last._replace(heard_until=until)
        elif outing.opened_at >= last.heard_until:
            found.append(outing)
        elif until > last.heard_until:
            found.append(Outing(last.tag, last.heard_until, until))
    return found


def closed_at(outing: Outing, *, now: float, pause_s: float = PAUSE_S) -> float | None:
    """When the tag was last heard in an outing that is over; None while it can go on."""
    return outing.heard_until if now - outing.heard_until > pause_s else None
