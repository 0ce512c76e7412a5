"""What is looked at of all that is heard: the frames of tags that somebody follows.

A crowd's phones and earbuds are thousands of addresses a minute. Each of their adverts costs a few
look-ups of its first bytes, and nothing is remembered of it but a count.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from gateway.model import Advert, Rejected
from gateway.tags.frames import FORMATS, Frame
from gateway.tags.frames.format import NOT_OURS, Admits, Decode

_Ways = tuple[tuple[Admits, Decode], ...]


class Gate:
    """Lets the followed tags' frames through.

    `counts` says why adverts were dropped: `not_ours`, or a reason of `Rejected` for a frame of a
    followed tag that is broken.
    """

    def __init__(self, allow: Iterable[str] | None = ()) -> None:
        self.counts: Counter[str] = Counter()
        self.follow(allow)

    def follow(self, allow: Iterable[str] | None) -> None:
        """Replace the allow-list (`model.EdgeOrders.allow`); the counts go on.

        None: a hub that knows of no such list; then every frame is let through.
        """
        ways: dict[str | int | None, _Ways] = {None: ()}
        wanted = None if allow is None else frozenset(allow)
        for form in FORMATS:
            admits = _everything if wanted is None else form.admits(wanted)
            if admits is not None:
                ways[form.carrier] = (*ways.get(form.carrier, ()), (admits, form.decode))
        self._every_company = ways.pop(None)
        self._ways: Mapping[str | int | None, _Ways] = {
            carrier: ways_ + self._every_company if isinstance(carrier, int) else ways_
            for carrier, ways_ in ways.items()
        }

    def read(self, advert: Advert) -> tuple[Frame, ...]:
        """The frames of `advert` that somebody follows. Never raises, whatever the bytes."""
        frames: tuple[Frame, ...] = ()
        dropped = NOT_OURS
        address = advert.address
        for carried, otherwise in (
            (advert.manufacturer, self._every_company),
            (advert.services, ()),
        ):
            for carrier, payload in carried.items():
                for admits, decode in self._ways.get(carrier, otherwise):
                    if admits(payload, address):
                        frame = decode(payload, address)
                        if isinstance(frame, Rejected):
                            dropped = frame
                        else:
                            frames = (*frames, frame)
        if not frames:
            self.counts[dropped.reason] += 1
        return frames


def _everything(_payload: bytes, _address: str) -> bool:
    return True
