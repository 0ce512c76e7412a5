"""The town's plan before it bends: streets, blocks, lots and footpaths in straight metres (u, v).

After the published plan of the Iwaki smart town: 298 lots in four sections of 82, 81, 34 and 101,
blocks of about 20 lots (two rows back to back), a centre with shop, park and community building.
u runs east along the main street, v north; `town.py` bends all of it into place.
"""

from collections.abc import Iterator
from dataclasses import dataclass

Point = tuple[float, float]
Ring = tuple[Point, ...]

LOT_DEPTH_M = 16.0
BLOCK_LENGTH_M = 130.0
PASSAGE_M = 4.0  # a footpath between the houses
COLUMN_M = 139.0  # from one north-south street to the next


@dataclass(frozen=True, slots=True)
class Street:
    """A straight street. `along` is "u" (east-west) or "v"; `at` its fixed other coordinate.

    Its two pavements run `pavement_m` from the middle, its poles stand at `kerb_m`.
    """

    name: str
    along: str
    at: float
    start: float
    end: float
    pavement_m: float = 3.5
    kerb_m: float = 2.7

    def point(self, position: float, offset_m: float) -> Point:
        """The point `position` along the street, `offset_m` to its north or east side."""
        across = self.at + offset_m
        return (position, across) if self.along == "u" else (across, position)

    def covers(self, position: float) -> bool:
        """Whether the street exists at `position`."""
        return self.start <= position <= self.end


@dataclass(frozen=True, slots=True)
class Block:
    """Lots in two rows between streets; `column` and `row` say where in the grid of streets."""

    section: str
    name: str
    column: int
    row: str
    lots: int
    passage: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line that people walk, and what kind of way it is."""

    use: str
    points: Ring


STREETS = (
    Street("main", "u", 0.0, 0.0, 700.0, 5.5, 4.3),
    Street("n1", "u", 43.5, 0.0, 556.0),
    Street("n2", "u", 84.5, 0.0, 556.0),
    Street("s1w", "u", -43.5, 0.0, 139.0),
    Street("s1e", "u", -43.5, 278.0, 556.0),
    Street("s2", "u", -84.5, 0.0, 556.0),
    Street("s3", "u", -125.5, 278.0, 417.0),
    Street("w0", "v", 0.0, -84.5, 84.5),
    Street("w1", "v", 139.0, -84.5, 84.5),
    Street("w2", "v", 278.0, -125.5, 84.5),
    Street("w3", "v", 417.0, -125.5, 84.5),
    Street("w4", "v", 556.0, -84.5, 84.5),
)

ROWS = {"n1": 7.0, "n2": 48.0, "s1": -39.0, "s2": -80.0, "s3": -121.0}  # v of the southern edge

BLOCKS = (
    Block("a", "a1", 0, "n1", 20),
    Block("a", "a2", 1, "n1", 20, passage=True),
    Block("a", "a3", 0, "n2", 20),
    Block("a", "a4", 1, "n2", 22, passage=True),
    Block("b", "b1", 2, "n1", 20),
    Block("b", "b2", 3, "n1", 20),
    Block("b", "b3", 2, "n2", 20),
    Block("b", "b4", 3, "n2", 21),
    Block("c", "c1", 0, "s1", 17),
    Block("c", "c2", 0, "s2", 17),
    Block("d", "d1", 2, "s1", 20),
    Block("d", "d2", 3, "s1", 20, passage=True),
    Block("d", "d3", 2, "s2", 20),
    Block("d", "d4", 3, "s2", 20, passage=True),
    Block("d", "d5", 2, "s3", 21),
)

FOOTPATHS = (
    # through the blocks
    Line("footpath", ((208.5, 5.5), (208.5, 40.0))),
    Line("crossing", ((208.5, 40.0), (208.5, 47.0))),
    Line("footpath", ((208.5, 47.0), (208.5, 81.0))),
    Line("footpath", ((486.5, -5.5), (486.5, -40.0))),
    Line("crossing", ((486.5, -40.0), (486.5, -47.0))),
    Line("footpath", ((486.5, -47.0), (486.5, -81.0))),
    Line("crossing", ((208.5, -5.5), (208.5, 5.5))),
    # the centre and its park
    Line("footpath", ((189.0, -5.5), (189.0, -46.0))),
    Line("footpath", ((142.5, -49.0), (165.0, -49.0), (189.0, -46.0))),
    Line("footpath", ((189.0, -46.0), (205.0, -56.0), (231.0, -62.0))),
    Line("footpath", ((231.0, -62.0), (255.0, -58.0), (274.5, -62.0))),
    Line("footpath", ((231.0, -62.0), (227.0, -72.0), (231.0, -81.0))),
    Line("footpath", ((231.0, -62.0), (235.0, -44.0), (234.0, -5.5))),
    # the green belt in the south, the brook in the north
    Line(
        "footpath",
        (
            (70.0, -88.0),
            (85.0, -100.0),
            (130.0, -111.0),
            (190.0, -117.0),
            (240.0, -112.0),
            (274.5, -105.0),
        ),
    ),
    Line(
        "footpath",
        (
            (30.0, 88.0),
            (60.0, 103.0),
            (140.0, 111.0),
            (250.0, 106.0),
            (347.5, 112.0),
            (430.0, 113.0),
            (500.0, 104.0),
            (540.0, 88.0),
        ),
    ),
    Line("footpath", ((347.5, 88.0), (347.5, 112.0))),
    # to the school
    Line("footpath", ((640.0, 5.5), (640.0, 13.0), (640.0, 35.0))),
    Line("footpath", ((640.0, 35.0), (614.0, 50.0), (640.0, 67.0))),
    Line("footpath", ((640.0, 35.0), (666.0, 50.0), (640.0, 67.0))),
    Line("crossing", ((640.0, -5.5), (640.0, 5.5))),
)


def box(west: float, south: float, east: float, north: float) -> Ring:
    """A rectangle's ring, counter-clockwise, closed."""
    return ((west, south), (east, south), (east, north), (west, north), (west, south))


AREAS: tuple[tuple[str, str, Ring], ...] = (
    ("park-ground", "park", box(190, -80, 273.5, -44)),
    ("plaza", "plaza", box(143.5, -80, 186, -52)),
    ("school-yard", "schoolyard", box(592, 14, 688, 70)),
)
PLACES: tuple[tuple[str, str, str, str, Ring], ...] = (
    ("school", "school", "小学校", "School", box(590, 12, 690, 92)),
    ("school-gate", "school_gate", "校門", "School gate", box(620, -8, 660, 22)),
    ("park", "park", "公園", "Park", box(189, -81, 274, -42)),
    ("shop", "shop", "店", "Shop", box(141, -50, 187, -4)),
    ("community", "community", "集会所", "Community centre", box(191, -41, 232, -4)),
)
SECTIONS: tuple[tuple[str, str, Ring], ...] = (
    ("a", "北西街区", box(-9, 0, 278, 91)),
    ("b", "北東街区", box(278, 0, 565, 91)),
    ("c", "南西街区", box(-9, -91, 139, 0)),
    (
        "d",
        "南東街区",
        (
            (278, 0),
            (278, -91),
            (269, -91),
            (269, -134),
            (426, -134),
            (426, -91),
            (565, -91),
            (565, 0),
            (278, 0),
        ),
    ),
)
CENTRE = box(143, -90, 250, -2)  # its keepers bought receivers of another make
CAMERAS: tuple[tuple[str, Point], ...] = (
    ("camera-school-gate", (634.0, 8.0)),
    ("camera-shop", (164.0, -6.8)),
    ("camera-park", (233.0, -60.0)),
    ("camera-main-west", (139.0, 7.0)),
    ("camera-main-east", (417.0, -7.0)),
)
SHELTERS: tuple[tuple[str, str, str, Point], ...] = (
    ("shelter-school", "小学校体育館", "School gymnasium", (640.0, 81.0)),
    ("shelter-community", "集会所", "Community hall", (212.0, -26.0)),
)


def block_corner(block: Block) -> Point:
    """A block's south-west corner."""
    return block.column * COLUMN_M + 4.5, ROWS[block.row]


def block_lots(block: Block) -> Iterator[Ring]:
    """The block's lots, southern row first, from west to east."""
    west, south = block_corner(block)
    southern = (block.lots + 1) // 2
    half_m = (BLOCK_LENGTH_M - PASSAGE_M) / 2
    for row, count in enumerate((southern, block.lots - southern)):
        bottom = south + row * LOT_DEPTH_M
        if block.passage:
            yield from _row(west, bottom, half_m, (count + 1) // 2)
            yield from _row(west + half_m + PASSAGE_M, bottom, half_m, count // 2)
        else:
            yield from _row(west, bottom, BLOCK_LENGTH_M, count)


def _row(west: float, south: float, length_m: float, count: int) -> Iterator[Ring]:
    width = length_m / count
    for number in range(count):
        left = west + number * width
        yield box(left, south, left + width, south + LOT_DEPTH_M)


def block_zone(block: Block) -> Ring:
    """The block with its streets to their middle: what can be decided of a home."""
    west, east = block.column * COLUMN_M, (block.column + 1) * COLUMN_M
    west, east = west - 9.0 * (block.column == 0), east + 9.0 * (block.column == 3)
    south_m, north_m = {
        "n1": (0.0, 43.5),
        "n2": (43.5, 91.0),
        "s1": (-43.5, 0.0),
        "s2": (-84.5 if block.column == 2 else -91.0, -43.5),
        "s3": (-134.0, -84.5),
    }[block.row]
    return box(west, south_m, east, north_m)


def street_lines() -> list[Line]:
    """Both pavements of every street, cut at the corners, with the crossings between them."""
    lines: list[Line] = []
    for street in STREETS:
        for side in (-1, 1):
            lines.extend(_side(street, side))
        for end in (street.start, street.end):
            if not any(_meets(street, other, end) for other in STREETS):
                sides = (-street.pavement_m, street.pavement_m)
                lines.append(Line("pavement", tuple(street.point(end, side) for side in sides)))
    return lines


def crossings(street: Street) -> list[Street]:
    """The streets that cross or meet `street`, in order along it."""
    met = [other for other in STREETS if _meets(street, other, other.at)]
    return sorted(met, key=lambda other: other.at)


def _meets(street: Street, other: Street, position: float) -> bool:
    return (
        other.along != street.along
        and other.at == position
        and street.covers(other.at)
        and other.covers(street.at)
    )


def _side(street: Street, side: int) -> Iterator[Line]:
    offset = side * street.pavement_m
    stops: list[tuple[float, str]] = []  # where a stretch ends, and what the stretch is
    for other in crossings(street):
        arm = other.end > street.at if side > 0 else other.start < street.at
        stops += [
            (other.at - other.pavement_m, "pavement"),
            (other.at + other.pavement_m, "crossing" if arm else "pavement"),
        ]
    stops.append((street.end, "pavement"))
    begin = min(street.start, stops[0][0])
    for position, use in stops:
        if position > begin:
            yield Line(use, (street.point(begin, offset), street.point(position, offset)))
            begin = position
