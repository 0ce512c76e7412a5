from gateway.tags import eid
from gateway.tags.rotation_table import Table, Wanted, is_eid, number_and_start, search

KEYS = [bytes([number]) * 16 for number in range(1, 30)]


def wanted(number: int, from_s: float, until_s: float, *, exponent: int = 10) -> Wanted:
    return Wanted(number, KEYS[number], exponent, from_s, until_s)


def sent(number: int, time: int, *, exponent: int = 10) -> str:
    return f"eid:{eid.eid(KEYS[number], exponent=exponent, beacon_time=time).hex()}"


def found(table: Table, identifier: str) -> tuple[int, int] | None:
    named = table.find(identifier)
    return None if named is None else number_and_start(named)


def test_a_table_knows_two_slots_on_either_side() -> None:
    table = Table([wanted(number, 100_000.0, 101_000.0) for number in range(20)])
    first = 100_000 >> 10
    for slot in range(first - 2, first + 4):
        for number in range(20):
            assert found(table, sent(number, slot << 10)) == (number, slot << 10)
    assert found(table, sent(3, (first - 3) << 10)) is None
    assert found(table, sent(3, (first + 4) << 10)) is None
    assert table.collisions == 0
    assert table.size == 20 * 6


def test_tags_of_different_pace_share_a_table() -> None:
    table = Table([wanted(exponent, 70_000, 70_100, exponent=exponent) for exponent in range(16)])
    for exponent in range(16):
        start = 70_050 >> exponent << exponent
        assert found(table, sent(exponent, 70_050, exponent=exponent)) == (exponent, start)


def test_a_clock_that_has_hardly_begun_has_no_slots_before() -> None:
    table = Table([wanted(1, -5_000.0, 10.0)])
    assert found(table, sent(1, 0)) == (1, 0)


def test_the_time_of_a_temporary_key_may_end_within_a_table() -> None:
    table = Table([wanted(1, 65_000.0, 66_000.0)])
    for time in (64_000, 65_535, 65_536, 67_000):
        assert found(table, sent(1, time)) == (1, time >> 10 << 10)


def test_two_tags_with_one_key_are_counted() -> None:
    same = [Wanted(number, KEYS[0], 10, 5_000.0, 5_001.0) for number in range(2)]
    table = Table(same)
    assert table.collisions == table.size == 5
    assert found(table, sent(0, 5_000)) == (0, 4_096)


def test_two_thoughts_about_one_tag_are_no_collision() -> None:
    table = Table([wanted(1, 5_000.0, 6_000.0), wanted(1, 5_500.0, 9_000.0)])
    assert table.collisions == 0


def test_a_search_finds_what_any_tag_sends_in_a_day() -> None:
    tags = [wanted(number, 1e6, 1e6 + 86_400) for number in range(len(KEYS))]
    sought = [sent(number, 1_000_000 + 3_000 * number) for number in range(len(KEYS))]
    strangers = [f"eid:{number:016x}" for number in (0, 7, 2**64 - 1)]
    named = search([*strangers, *sought, sent(1, 900_000)], tags)
    assert {name: number_and_start(value) for name, value in named.items()} == {
        name: (number, (1_000_000 + 3_000 * number) >> 10 << 10)
        for number, name in enumerate(sought)
    }


def test_a_search_without_tags_finds_nothing() -> None:
    assert search(["eid:0011223344556677"], []) == {}


def test_only_what_an_edge_writes_is_an_eid() -> None:
    assert is_eid("eid:00112233445566ff")
    for other in (
        "eid:",
        "eid:0011",
        "eid:00112233445566FF",
        "uid:00112233445566ff",
        "",
        "eid:" + "g" * 16,
    ):
        assert not is_eid(other)
