"""Which tag sends which identifier, and in which slot: for some minutes, or in a wide search."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.tags import eid

SPAN_S = 1024  # a table is good for so long
PREFIX = "eid:"
_START_BITS = 32
_START_MASK = 2**_START_BITS - 1
_NEIGHBOURS = 2  # slots on either side of where the clock may be
_KEYS_AT_ONCE = 512
_WRITTEN = re.compile(PREFIX + "[0-9a-f]{16}")


class Wanted(NamedTuple):
    """A tag whose clock may show `from_s` to `until_s`; `number` is the tag's."""

    number: int
    identity_key: bytes
    exponent: int
    from_s: float
    until_s: float


def number_and_start(named: int) -> tuple[int, int]:
    """Whose an identifier is, and its slot's first second of the tag's clock: as tables say it."""
    return named >> _START_BITS, named & _START_MASK


class Table:
    """The identifiers that the tags wanted may send, with two slots on either side.

    `find(identifier)` is None, or what `number_and_start` reads; `size` is how many they are.
    Two that are the same would be two tags with one key: the earlier counts, `collisions` says so.
    """

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        named: dict[str, int] = {}
        self.collisions = 0
        for found, values in _identifiers(wanted, neighbours=_NEIGHBOURS):
            digits = found.astype(">u8").tobytes().hex()
            for row, value in enumerate(values.ravel().tolist()):
                known = named.setdefault(PREFIX + digits[row * 16 : row * 16 + 16], value)
                self.collisions += known != value
        self.size = len(named)
        # The dict's own method, not one around it: it is asked at each hearing.
        self.find: Callable[[str], int | None] = named.get


def search(identifiers: Sequence[str], wanted: Iterable[Wanted]) -> Mapping[str, int]:
    """Those of `identifiers` that the tags wanted may send; takes memory for few tags at a time."""
    values = [int(identifier.removeprefix(PREFIX), 16) for identifier in identifiers]
    sought = np.array(values, dtype=np.uint64)
    order = np.argsort(sought)
    sought = sought[order]
    found: dict[str, int] = {}
    for sent, packed in _identifiers(wanted, neighbours=0):
        at = np.searchsorted(sought, sent)
        is_sought = sought[np.minimum(at, len(sought) - 1)] == sent
        for place, value in zip(at[is_sought].tolist(), packed[is_sought].tolist(), strict=True):
            found[identifiers[order[place]]] = value
    return found


def is_eid(identifier: str) -> bool:
    """Whether it is written as an edge writes an EID."""
    return _WRITTEN.fullmatch(identifier) is not None


def _identifiers(
    wanted: Iterable[Wanted], *, neighbours: int
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int64]]]:
    """Identifiers, and by whom and when: number << 32 | start; both (tags, slots)."""
    alike: dict[tuple[int, int], list[tuple[int, bytes, int]]] = defaultdict(list)
    for number, key, exponent, from_s, until_s in wanted:
        first = max(0, (int(from_s // 1) >> exponent) - neighbours)
        last = max(0, (int(until_s // 1) >> exponent) + neighbours)
        alike[exponent, last - first + 1].append((number, key, first))
    for (exponent, count), group in alike.items():
        for begin in range(0, len(group), _KEYS_AT_ONCE):
            part = group[begin : begin + _KEYS_AT_ONCE]
            numbers = np.array([number for number, _, _ in part], dtype=np.int64)
            firsts = np.array([first for _, _, first in part], dtype=np.int64)
            keys = [key for _, key, _ in part]
            starts = ((firsts[:, np.newaxis] + np.arange(count)) << exponent) & _START_MASK
            packed = (numbers[:, np.newaxis] << _START_BITS) | starts
            yield eid.eids(keys, firsts, exponent=exponent, count=count), packed
