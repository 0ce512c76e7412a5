"""Line protocol read back strictly, as InfluxDB reads it: what it does not take is no line.

https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

import re
from typing import NamedTuple

_NAME = r"(?:\\.|[^\\,= ])+"
_TEXT = r'"(?:\\["\\]|[^"\\])*"'
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_VALUE = rf"(?:{_TEXT}|{_NUMBER}[iu]?|true|false)"
_LINE = re.compile(
    rf"(?P<measurement>{_NAME})(?P<tags>(?:,{_NAME}={_NAME})*)"
    rf" (?P<fields>{_NAME}={_VALUE}(?:,{_NAME}={_VALUE})*) (?P<at>-?\d+)"
)
_TAG = re.compile(rf",({_NAME})=({_NAME})")
_FIELD = re.compile(rf"({_NAME})=({_VALUE})(?:,|$)")


class Point(NamedTuple):
    """One line: `series` is its measurement and tags, sorted; `fields` are as they were written."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, str]
    at: int

    @property
    def series(self) -> str:
        """What tells it apart within a moment."""
        return self.measurement + "".join(f",{key}={self.tags[key]}" for key in sorted(self.tags))


def read_line(line: str) -> Point | None:
    """The point that `line` is; None for what InfluxDB does not take, or has no time of its own."""
    found = _LINE.fullmatch(line)
    if found is None or "\n" in line:
        return None
    tags = dict(_TAG.findall(found["tags"]))
    fields = dict(_FIELD.findall(found["fields"]))
    return Point(found["measurement"], tags, fields, int(found["at"]))


def type_of(value: str) -> str:
    """The type of a field's value: string, boolean, integer, unsigned or float."""
    if value.startswith('"'):
        return "string"
    if value in {"true", "false"}:
        return "boolean"
    return {"i": "integer", "u": "unsigned"}.get(value[-1], "float")
