"""What is looked at of all that is heard: the frames of tags that somebody follows.

A crowd's phones and earbuds are thousands of addresses a minute. Each of their adverts costs a few
look-ups of its first bytes, and nothing is remembered of it but a count.
"""

from collections import Counter
from collections.abc import Iterable

from gateway.model import Advert, Rejected
from gateway.tags.frames import FORMATS, Frame
from gateway.tags.frames.format import NOT_OURS, Admits, Format


class Gate:
    """Lets the followed tags' frames through.

    `counts` says why adverts were dropped: `not_ours`, or a reason of `Rejected` for a frame of a
    followed tag that is broken.
    """

    def __init__(self, allow: Iterable[str] = ()) -> None:
        self.counts: Counter[str] = Counter()
        self.follow(allow)

    def follow(self, allow: Iterable[str]) -> None:
        """Replace the allow-list (`model.EdgeOrders.allow`); the counts go on."""
        wanted = frozenset(allow)
        followed = ((format_, format_.admits(wanted)) for format_ in FORMATS)
        self._ways: tuple[tuple[Format, Admits], ...] = tuple(
            (format_, admits) for format_, admits in followed if admits is not None
        )

    def read(self, advert: Advert) -> tuple[Frame, ...]:
        """The frames of `advert` that somebody follows. Never raises, whatever the bytes."""
        frames: list[Frame] = []
        dropped = NOT_OURS
        for format_, admits in self._ways:
            for payload in format_.payloads(advert):
                if admits(payload, advert.address):
                    frame = format_.decode(payload, advert.address)
                    if isinstance(frame, Rejected):
                        dropped = frame
                    else:
                        frames.append(frame)
        if not frames:
            self.counts[dropped.reason] += 1
        return tuple(frames)
