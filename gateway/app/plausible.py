"""What the hub can take of what came over the link: times, levels, names.

Anything else would come again with every repetition of its row, and end the hub each time.
"""

import re

from gateway.clock import EARLIEST_TRUE_TIME
from gateway.link.envelope import Item
from gateway.model import Gap, Reading, Window
from gateway.tags.frames import VALUE_NAMES

SKEW_TOLERATED_S = 30.0
LAST_TIME = 2.0**40  # beyond, a number is no time: seconds of the year 36,812
LAST_SEQ = 2**53
LOWEST_DBM, HIGHEST_DBM = -200, 100
MOST_PACKETS = 1_000_000
LONGEST_NAME = 64
LONGEST_IDENTIFIER = 128
LARGEST_VALUE = 1e12

_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")
_SECOND_AND_MORE = re.compile(r"_[1-9][0-9]?$")  # temperature_c_2


def is_plausible(item: Item) -> bool:
    """Whether `item` of a row can be taken; of single values their taker decides."""
    match item:
        case Window():
            return is_time(item.second) and all(_is_heard(one) for one in item.readings)
        case Gap():
            seqs = (item.from_seq, item.to_seq)
            return is_time(item.since) and is_time(item.until) and all(map(_is_seq, seqs))
    return True  # also a press of any time: an SOS is never dropped


def is_time(at: float) -> bool:
    """Whether a number is a time at all."""
    return 0 <= at <= LAST_TIME


def is_name(name: str) -> bool:
    """Whether it may be what a receiver is called."""
    return 0 < len(name) <= LONGEST_NAME


def is_address(address: str) -> bool:
    """Whether it is a Bluetooth address."""
    return _ADDRESS.fullmatch(address) is not None


def is_value(name: str, value: float) -> bool:
    """Whether a tag may say this of itself."""
    known = name in VALUE_NAMES or _SECOND_AND_MORE.sub("", name) in VALUE_NAMES
    return known and abs(value) <= LARGEST_VALUE


def is_off(skew_s: float) -> bool:
    """Whether a gateway's clock is so wrong that its times are corrected."""
    return abs(skew_s) > SKEW_TOLERATED_S


def believed(at: float, now: float) -> float:
    """When it happened; `now` where the gateway's clock cannot have been right."""
    return at if EARLIEST_TRUE_TIME <= at <= now + SKEW_TOLERATED_S else now


def _is_heard(reading: Reading) -> bool:
    return (
        LOWEST_DBM <= reading.mean_dbm <= HIGHEST_DBM
        and LOWEST_DBM <= reading.max_dbm <= HIGHEST_DBM
        and 1 <= reading.packets <= MOST_PACKETS
    )


def _is_seq(seq: int) -> bool:
    return 0 <= seq <= LAST_SEQ
