"""A button press is an SOS, at any age; the presses of one burst are one alert."""

from collections.abc import Iterator

from gateway.alerts.happenings import ButtonPressed, Context, Happening
from gateway.model import Alert, AlertKind, AlertState

BURST_S = 120.0
ECHO_S = 15.0  # after an acknowledgement: the same press, as the slower windows tell it


def changes(happening: Happening, context: Context) -> Iterator[Alert]:
    """One new alert, unless an open SOS of the same tag is near in time.

    Near is BURST_S while nobody has acknowledged it, and ECHO_S afterwards: whoever presses again
    then has more to say. A tag that nobody knows alerts as well (staff see it): an SOS is never
    dropped. Nor does one that nothing speaks against join one that is suspect, or whoever plays a
    recording first could make it look like one.
    """
    if not isinstance(happening, ButtonPressed):
        return
    subject = happening.tag or happening.receiver
    for alert in context.open_alerts:
        same = alert.kind is AlertKind.SOS and (alert.tag or alert.receiver) == subject
        near_s = BURST_S if alert.state is AlertState.RAISED else ECHO_S
        is_as_sure = not alert.suspect or happening.doubt
        if same and is_as_sure and abs(alert.at - happening.at) < near_s:
            return
    yield Alert(
        id=context.new_id(),
        kind=AlertKind.SOS,
        state=AlertState.RAISED,
        at=happening.at,
        raised_at=context.now,
        tag=happening.tag,
        gateway=happening.gateway,
        receiver=happening.receiver,
        suspect=happening.doubt,
    )
