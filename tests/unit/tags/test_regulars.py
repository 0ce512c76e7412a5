from gateway.tags.regulars import Regulars


def regulars(most: int = 3) -> Regulars[str, int]:
    return Regulars(most=most, settles_s=2.0, forgets_s=60.0)


def test_who_is_noted_again_after_a_while_is_a_regular() -> None:
    table = regulars()
    assert not table.note("a", 1, 100.0)
    assert not table.note("a", 1, 101.9)
    assert not table.is_regular("a", 101.9)
    assert table.note("a", 1, 102.0)
    assert table.is_regular("a", 102.0)


def test_the_last_value_is_found_until_it_is_forgotten() -> None:
    table = regulars()
    table.note("a", 1, 100.0)
    table.note("a", 2, 103.0)
    assert table.find("a", 163.0) == 2
    assert table.find("a", 163.1) is None
    assert not table.is_regular("a", 163.1)
    assert table.find("b", 103.0) is None


def test_who_was_forgotten_is_new_again() -> None:
    table = regulars()
    table.note("a", 1, 100.0)
    table.note("a", 1, 103.0)
    assert not table.note("a", 1, 200.0)
    assert len(table) == 1


def test_newcomers_displace_the_newcomer_that_was_unheard_for_longest() -> None:
    table = regulars()
    for at, key in enumerate("abca"):
        table.note(key, 0, 100.0 + at / 10)
    table.note("d", 0, 101.0)
    assert [key for key in "abcd" if table.find(key, 101.0) is not None] == ["a", "c", "d"]


def test_no_number_of_newcomers_displaces_a_regular() -> None:
    table = regulars()
    for at in (100.0, 102.0):
        table.note("stays", 7, at)
    for number in range(1_000):
        table.note(f"passer-{number}", 0, 103.0 + number / 100)
    assert table.find("stays", 113.0) == 7
    assert len(table) == 4
    assert sorted(table.values()) == [0, 0, 0, 7]


def test_regulars_displace_the_regular_that_was_unheard_for_longest() -> None:
    table = regulars(most=2)
    for at, key in enumerate("abc"):
        table.note(key, 0, 100.0 + at)
        table.note(key, 0, 103.0 + at)
    assert [key for key in "abc" if table.is_regular(key, 105.0)] == ["b", "c"]
    table.note("b", 0, 107.0)
    for at in (108.0, 110.0):
        table.note("d", 0, at)
    assert not table.is_regular("c", 110.0)
    assert table.is_regular("b", 110.0)


def test_a_clock_that_is_set_back_forgets_nobody() -> None:
    table = regulars()
    table.note("a", 1, 100.0)
    table.note("a", 1, 103.0)
    assert table.note("a", 1, 50.0)
    assert table.find("a", 50.0) == 1
