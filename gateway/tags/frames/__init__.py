"""The frames that tags send. A new format is one module here and one line in `FORMATS`."""

from gateway.model import Advert, Rejected, Sighting
from gateway.tags.frames import altbeacon, eddystone, ibeacon
from gateway.tags.frames.format import NOT_OURS, Decoded, Format, Frame

FORMATS: tuple[Format, ...] = (
    ibeacon.FORMAT,
    altbeacon.FORMAT,
    eddystone.FORMAT,
)

ANONYMOUS = Rejected("anonymous")

__all__ = ["FORMATS", "Decoded", "Format", "Frame", "decode", "identify"]


def decode(advert: Advert) -> Decoded | Rejected:
    """Read `advert` by the first format that can.

    Rejected("not_ours") is somebody else's advert; any other reason is a frame of one of our
    formats that is broken. Never raises, whatever the bytes.
    """
    verdict = NOT_OURS
    for candidate in FORMATS:
        for payload in candidate.payloads(advert):
            frame = candidate.decode(payload)
            if not isinstance(frame, Rejected):
                return Decoded(
                    format=frame.format,
                    identifier=frame.identifier,
                    tx_power_dbm=frame.tx_power_dbm,
                    tx_power_at_m=frame.tx_power_at_m,
                    frame=frame,
                )
            if frame is not NOT_OURS:
                verdict = frame
    return verdict


def identify(advert: Advert) -> Sighting | Rejected:
    """`advert` as a sighting.

    Rejected as in `decode`, or "anonymous" for a frame that names no tag (URL, TLM).
    """
    decoded = decode(advert)
    if isinstance(decoded, Rejected):
        return decoded
    if not decoded.identifier:
        return ANONYMOUS
    return Sighting(advert.at, advert.receiver, decoded.identifier, advert.rssi_dbm)
