"""The frames that tags send. A new format is one module here and one line in `FORMATS`."""

from gateway.model import Advert, Rejected, Sighting
from gateway.tags.frames import altbeacon, bthome, eddystone, ibeacon
from gateway.tags.frames.format import NOT_OURS, Format, Frame

FORMATS: tuple[Format, ...] = (
    ibeacon.FORMAT,
    altbeacon.FORMAT,
    eddystone.FORMAT,
    bthome.FORMAT,
)

ANONYMOUS = Rejected("anonymous")

__all__ = ["FORMATS", "Format", "Frame", "identify"]


def identify(advert: Advert) -> Sighting | Rejected:
    """`advert` as a sighting.

    Rejected("not_ours") is somebody else's advert, "anonymous" a frame that names no tag (URL,
    TLM); any other reason is a frame of one of our formats that is broken.
    """
    verdict = NOT_OURS
    for candidate in FORMATS:
        for payload in candidate.payloads(advert):
            frame = candidate.decode(payload, advert.address)
            if not isinstance(frame, Rejected):
                if not frame.identifier:
                    return ANONYMOUS
                return Sighting(advert.at, advert.receiver, frame.identifier, advert.rssi_dbm)
            if frame is not NOT_OURS:
                verdict = frame
    return verdict
