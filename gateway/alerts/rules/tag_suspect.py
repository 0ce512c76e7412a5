"""A tag that may be copied or replayed: staff look into it, once for each doubt."""

from collections.abc import Iterator
from dataclasses import replace

from gateway.alerts.happenings import Context, Happening, TagSuspected
from gateway.model import Alert, AlertKind, AlertState

AGAIN_S = 86_400.0  # what was raised a day ago and nobody took is raised anew


def changes(happening: Happening, context: Context) -> Iterator[Alert]:
    """One alert a tag and doubt, for as long as nobody has ended it, and a new one each day.

    It names no receiver: where the tag is, is its guardian's affair.
    """
    if not isinstance(happening, TagSuspected):
        return
    suspicion = happening.suspicion
    subject = (AlertKind.TAG_SUSPECT, suspicion.tag, suspicion.doubt)
    for alert in context.open_alerts:
        if (alert.kind, alert.tag, alert.suspect) != subject:
            continue
        if abs(suspicion.at - alert.at) < AGAIN_S:
            return
        yield replace(alert, state=AlertState.RESOLVED)
    yield Alert(
        id=context.new_id(),
        kind=AlertKind.TAG_SUSPECT,
        state=AlertState.RAISED,
        at=suspicion.at,
        raised_at=context.now,
        tag=suspicion.tag,
        suspect=suspicion.doubt,
    )
