"""The table of `machimori scan`, fed with adverts."""

import io

import pytest
from rich.console import Console

from gateway.cli.scan_table import MOST_ROWS, Heard, ScanTable, bar
from gateway.model import AdapterStatus, Advert

UID = "uid:00112233445566778899:aabbccddeeff"
UID_FRAME = bytes.fromhex("00ee00112233445566778899aabbccddeeff0000")
STRANGER_FRAME = bytes.fromhex("00eeffffffffffffffffffff0000000000010000")
EID_FRAME = bytes.fromhex("30ee0123456789abcdef")
TLM_FRAME = bytes.fromhex("20000b5415800000010000000a00")  # 2.9 V
PHONE = {0x004C: b"\x10\x05\x01\x18"}

SCANNING = AdapterStatus(receiver="pole-1", state="scanning", mode="both", adverts_per_s=42.0)


class Scene:
    """A table and its clock."""

    def __init__(self, *, strangers: bool = False) -> None:
        self.now = 1_000.0
        self.table = ScanTable(monotonic=lambda: self.now, strangers=strangers)

    def hear(
        self,
        frame: bytes = b"",
        *,
        rssi_dbm: int = -70,
        receiver: str = "pole-1",
        address: str = "C0:00:00:00:00:01",
        manufacturer: dict[int, bytes] | None = None,
    ) -> None:
        services = {"feaa": frame} if frame else {}
        self.table.advert(
            Advert(0.0, receiver, address, rssi_dbm, manufacturer or {}, services), None
        )

    def row(self) -> Heard:
        (row,) = self.table.rows()
        return row

    def shown(self, *, most: int = MOST_ROWS, width: int = 160) -> str:
        console = Console(file=io.StringIO(), width=width)
        console.print(self.table.drawn([SCANNING], remarks=["A remark."], most=most))
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()


def test_without_a_registry_everybody_is_shown_by_what_they_send() -> None:
    scene = Scene()
    scene.hear(UID_FRAME)
    assert (scene.row().tag, scene.row().identifier, scene.row().trust) == ("", UID, "")
    assert UID in scene.shown()
    assert "nobody can be told from a stranger" in scene.shown()


def test_a_registered_tag_is_shown_by_its_id_and_trust_and_never_by_its_identifier() -> None:
    scene = Scene()
    scene.table.know({UID: "t-1a2b", "eid:0123456789abcdef": "t-native"})
    scene.hear(UID_FRAME)
    scene.hear(EID_FRAME)
    shown = scene.shown()
    assert "t-1a2b" in shown
    assert "0011" not in shown
    assert {row.tag: row.trust for row in scene.table.rows()} == {
        "t-1a2b": "low",
        "t-native": "native",
    }


def test_strangers_are_counted_and_shown_only_where_that_was_asked_for() -> None:
    shy, curious = Scene(), Scene(strangers=True)
    for scene in (shy, curious):
        scene.table.know({UID: "t-1a2b"})
        scene.hear(UID_FRAME)
        scene.hear(STRANGER_FRAME)
        scene.hear(manufacturer=PHONE)
    assert [row.tag for row in shy.table.rows()] == ["t-1a2b"]
    assert "2 adverts of others" in shy.shown()
    assert [row.tag for row in curious.table.rows()] == ["t-1a2b", ""]
    assert "uid:ffffffffffffffffffff" in curious.shown()


def test_who_was_shown_before_the_registry_was_read_is_not_kept_as_a_stranger() -> None:
    scene = Scene()
    scene.hear(UID_FRAME)
    scene.hear(STRANGER_FRAME)
    scene.table.know({UID: "t-1a2b"})
    scene.hear(UID_FRAME)
    assert [row.tag for row in scene.table.rows()] == ["t-1a2b"]


def test_the_rate_is_of_the_last_ten_seconds() -> None:
    scene = Scene()
    for _ in range(40):
        scene.now += 0.5
        scene.hear(UID_FRAME)
    assert scene.row().per_s(scene.now, 1_000.0) == pytest.approx(2.0, rel=0.06)
    scene.now += 60.0
    assert scene.row().per_s(scene.now, 1_000.0) == 0.0
    assert "60 s" in scene.shown()


def test_the_battery_is_of_the_frame_that_names_nobody_from_the_same_address() -> None:
    scene = Scene()
    scene.table.know({UID: "t-1a2b"})
    scene.hear(TLM_FRAME)
    scene.hear(UID_FRAME)
    assert "2.90 V" not in scene.shown()
    scene.hear(TLM_FRAME)
    assert "2.90 V" in scene.shown()
    assert scene.row().adverts == 1


def test_each_receiver_has_its_strongest_first_and_what_does_not_fit_is_said() -> None:
    scene = Scene(strangers=True)
    scene.hear(UID_FRAME, rssi_dbm=-80)
    scene.hear(STRANGER_FRAME, rssi_dbm=-50, address="C0:00:00:00:00:02")
    scene.hear(UID_FRAME, rssi_dbm=-90, receiver="pole-0")
    assert [(row.receiver, row.last_dbm) for row in scene.table.rows()] == [
        ("pole-0", -90),
        ("pole-1", -50),
        ("pole-1", -80),
    ]
    assert "2 more rows do not fit" in scene.shown(most=1)


def test_how_the_adapters_are_stands_below_with_what_to_do() -> None:
    scene = Scene()
    assert "pole-1: scanning (both), 42 adverts/s" in scene.shown()
    assert "A remark." in scene.shown()
    problem = AdapterStatus("pole-1", "waiting", problem="no adapter", remedy="plug it in")
    console = Console(file=io.StringIO(), width=160)
    console.print(scene.table.drawn([problem]))
    assert isinstance(console.file, io.StringIO)
    assert "no adapter: plug it in" in console.file.getvalue()


def test_a_name_with_brackets_is_shown_as_it_is() -> None:
    scene = Scene()
    scene.table.know({UID: "t-[bold]"})
    scene.hear(UID_FRAME)
    assert "t-[bold]" in scene.shown()


@pytest.mark.parametrize(("rssi_dbm", "full"), [(-127, 0), (-100, 0), (-70, 6), (-40, 12), (0, 12)])
def test_the_bar_goes_from_minus_100_to_minus_40(rssi_dbm: int, full: int) -> None:
    assert bar(rssi_dbm) == "█" * full


def test_the_bar_tells_steps_of_less_than_a_block() -> None:
    assert len({bar(rssi) for rssi in range(-100, -39)}) == 61


def test_the_summary_is_of_the_whole_scan() -> None:
    scene = Scene(strangers=True)
    scene.table.know({UID: "t-1a2b"})
    for rssi in (-70, -60, -80):
        scene.now += 1.0
        scene.hear(UID_FRAME, rssi_dbm=rssi)
    scene.hear(manufacturer=PHONE)
    assert scene.table.summary({"hci0": SCANNING}) == {
        "seconds": 3.0,
        "adapters": {"hci0": SCANNING},
        "heard": [
            {
                "tag": "t-1a2b",
                "identifier": None,
                "receiver": "pole-1",
                "adverts": 3,
                "per_s": 1.0,
                "rssi_dbm": -70,
                "last_s": 0.0,
                "trust": "low",
                "values": {},
            }
        ],
        "others": {"pole-1": 1},
    }


def test_a_crowd_does_not_grow_it() -> None:
    scene = Scene(strangers=True)
    for number in range(20_000):
        frame = UID_FRAME[:12] + number.to_bytes(6, "big") + b"\0\0"
        scene.hear(frame, address=f"C0:00:00:00:{number >> 8:02X}:{number & 255:02X}")
        scene.hear(TLM_FRAME, address=f"C0:00:00:00:{number >> 8:02X}:{number & 255:02X}")
    assert len(scene.table.rows()) == MOST_ROWS
    assert len(scene.table._values) <= MOST_ROWS
